"""The account of a user, its settings, the export and the deletion of its own data."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from scans.models import Mark, MessageChannel, ReaderSettings
from seismo_site.models import ApiToken
from tests.api.conftest import Get
from tests.people import grant
from tests.scans.conftest import AS_OF

BLANK = {"language": "", "theme": "", "density": "", "versions": [], "markets": []}


def patch(client: Client, body: Any, status: int = 200) -> Any:
    response = client.patch("/api/me", body, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


def test_me_names_the_user_and_its_permissions(get: Get, user: User) -> None:
    assert get("me") == {
        "username": "reader",
        "is_staff": False,
        "permissions": [],
        "settings": BLANK,
        "tokens": [],
    }
    grant(user, "scans.add_scanrequest")
    token = ApiToken(user=user, name="notebook")
    secret = token.new_secret()
    token.save()
    answer = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/me")
    assert answer.json()["permissions"] == ["scans.add_scanrequest"]
    assert [row["name"] for row in answer.json()["tokens"]] == ["notebook"]
    assert secret not in answer.content.decode()
    assert token.digest not in answer.content.decode()


def test_settings_change_as_far_as_they_are_named(scanned: pd.DataFrame, get: Get, client: Client) -> None:
    get("me")
    body = {"settings": {"language": "ko", "density": "compact", "versions": ["rises-10", "rises", "rises"]}}
    settings = {**BLANK, "language": "ko", "density": "compact", "versions": ["rises-10", "rises"]}
    assert patch(client, body)["settings"] == settings
    assert patch(client, {"settings": {"theme": "dark"}})["settings"] == {**settings, "theme": "dark"}
    assert patch(client, {})["settings"] == get("me")["settings"] == {**settings, "theme": "dark"}


@pytest.mark.parametrize(
    "body",
    [
        {"settings": {"language": "xx"}},
        {"settings": {"theme": 1}},
        {"settings": {"versions": ["v9"]}},
        {"settings": {"versions": "v2"}},
        {"settings": {"versions": ["v2"] * 51}},
        {"settings": {"markets": ["moon"]}},
        {"settings": {"user": 1}},
        {"settings": None},
        {"settings": []},
        {"is_staff": True},
        {"username": "root"},
        [],
    ],
)
def test_hostile_settings_are_refused(get: Get, client: Client, user: User, body: Any) -> None:
    get("me")
    refused = patch(client, body, 400)
    assert refused["code"] == "invalid"
    assert refused["errors"]
    assert not ReaderSettings.objects.exists()
    user.refresh_from_db()
    assert not user.is_staff


def test_export_has_everything_and_deletion_takes_it(get: Get, client: Client, user: User) -> None:
    other = User.objects.create_user("another")
    for owner, market in ((user, "kr"), (user, "us"), (other, "kr")):
        Mark.objects.create(user=owner, market=market, code="1", note=f"of {owner} on {market}", updated_at=AS_OF)
        ReaderSettings.objects.update_or_create(user=owner, defaults={"language": "ko"})
        MessageChannel.objects.update_or_create(
            user=owner, name="phone", defaults={"kind": "service", "address": "ntfy://secret"}
        )
    get("me")
    response = client.get("/api/me/export")
    assert response["Content-Disposition"] == 'attachment; filename="seismo-export.json"'
    body = response.json()
    assert [(row["market"], row["note"]) for row in body["marks"]] == [
        ("kr", "of reader on kr"),
        ("us", "of reader on us"),
    ]
    assert body["settings"]["language"] == "ko"
    assert body["username"] == "reader"
    assert body["exported_at"]
    assert [row["name"] for row in body["message_channels"]] == ["phone"]
    assert "secret" not in response.content.decode()
    deleted = client.delete("/api/me/data")
    assert (deleted.status_code, deleted.json()) == (200, {"marks": 2, "settings": 1, "message_channels": 1})
    assert get("me/export")["marks"] == []
    assert list(Mark.objects.values_list("user__username", flat=True)) == ["another"]
    assert list(ReaderSettings.objects.values_list("user__username", flat=True)) == ["another"]
    assert list(MessageChannel.objects.values_list("user__username", flat=True)) == ["another"]
    assert User.objects.filter(pk=user.pk).exists()
