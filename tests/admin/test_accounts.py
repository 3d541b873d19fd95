"""Tokens and accounts in the admin: only a superuser acts for another user, or gives permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from seismo_site.models import ApiToken
from tests.admin.views import page
from tests.people import staff

TOKENS = "/admin/seismo_site/apitoken/"
USERS = "/admin/auth/user/"
TOKEN_PERMISSIONS = [f"seismo_site.{verb}_apitoken" for verb in ("add", "change", "delete", "view")]
USER_PERMISSIONS = [f"auth.{verb}_{what}" for verb in ("add", "change", "delete", "view") for what in ("user", "group")]


def token_of(user: User, name: str) -> ApiToken:
    token: ApiToken = ApiToken(user=user, name=name)
    token.new_secret()
    token.save()
    return token


@pytest.fixture
def ann(db: None) -> User:
    """Staff who may do all that there is to do with tokens and accounts."""
    return staff("ann", *TOKEN_PERMISSIONS, *USER_PERMISSIONS)


@pytest.fixture
def hers(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def test_a_token_is_its_makers_whatever_the_form_says(hers: Client, ann: User, operator: User) -> None:
    assert 'name="user"' not in page(hers, f"{TOKENS}add/")
    hers.post(f"{TOKENS}add/", {"user": operator.pk, "name": "own_token"})
    token = ApiToken.objects.get()
    assert (token.user, token.name) == (ann, "own_token")


def test_a_superuser_makes_tokens_of_others(console: Client, ann: User) -> None:
    console.post(f"{TOKENS}add/", {"user": ann.pk, "name": "hers"})
    assert ApiToken.objects.get().user == ann


def test_tokens_of_others_are_neither_seen_nor_touched(hers: Client, ann: User, operator: User) -> None:
    own_token, theirs = token_of(ann, "of-ann"), token_of(operator, "of-operator")
    listed = page(hers, TOKENS)
    assert "of-ann" in listed
    assert "of-operator" not in listed
    for where in ("change", "delete", "history"):
        address = f"{TOKENS}{theirs.pk}/{where}/"
        for response in (hers.get(address), hers.post(address, {"name": "taken", "post": "yes"})):
            assert response.status_code in (302, 403)
            assert b"of-operator" not in response.content
    for action in ("revoke", "delete_selected"):
        hers.post(TOKENS, {"action": action, "_selected_action": [theirs.pk], "post": "yes"})
    theirs.refresh_from_db()
    assert (theirs.name, theirs.revoked_at) == ("of-operator", None)
    hers.post(TOKENS, {"action": "revoke", "_selected_action": [own_token.pk, theirs.pk]})
    own_token.refresh_from_db()
    theirs.refresh_from_db()
    assert own_token.revoked_at is not None
    assert theirs.revoked_at is None


def test_a_superuser_revokes_tokens_of_others(console: Client, ann: User) -> None:
    theirs = token_of(ann, "of-ann")
    assert "of-ann" in page(console, TOKENS)
    console.post(TOKENS, {"action": "revoke", "_selected_action": [theirs.pk]})
    theirs.refresh_from_db()
    assert theirs.revoked_at is not None


def test_looking_at_ones_tokens_is_not_revoking_them(client: Client, db: None) -> None:
    viewer = staff("viewer", "seismo_site.view_apitoken")
    own_token = token_of(viewer, "of-viewer")
    client.force_login(viewer)
    assert 'name="action"' not in page(client, TOKENS)
    client.post(TOKENS, {"action": "revoke", "_selected_action": [own_token.pk]})
    assert client.post(f"{TOKENS}{own_token.pk}/change/", {"name": "other"}).status_code == 403
    assert client.post(f"{TOKENS}add/", {"name": "other"}).status_code == 403
    own_token.refresh_from_db()
    assert (own_token.name, own_token.revoked_at) == ("of-viewer", None)


def test_a_token_of_ones_own_cannot_be_made_anothers(hers: Client, ann: User, operator: User) -> None:
    own_token = token_of(ann, "of-ann")
    hers.post(f"{TOKENS}{own_token.pk}/change/", {"name": "renamed", "user": operator.pk})
    own_token.refresh_from_db()
    assert (own_token.name, own_token.user) == ("renamed", ann)


def test_a_revoked_token_stays_revoked(hers: Client, ann: User) -> None:
    own_token = token_of(ann, "of-ann")
    ApiToken.objects.update(revoked_at=timezone.now())
    hers.post(f"{TOKENS}{own_token.pk}/change/", {"name": "of-ann", "revoked_at_0": "", "revoked_at_1": ""})
    own_token.refresh_from_db()
    assert own_token.revoked_at is not None


def fields(user: User, **others: Any) -> dict[str, Any]:
    """What the form of a user sends."""
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": user.username, "is_active": "on", **joined, **others}


def test_who_keeps_accounts_gives_no_permissions(hers: Client, ann: User) -> None:
    reader = User.objects.create_user("reader")
    every = [str(one.pk) for one in Permission.objects.order_by("pk")]
    sent = fields(reader, email="r@example.org", is_staff="on", is_superuser="on", user_permissions=every)
    assert hers.post(f"{USERS}{reader.pk}/change/", sent).status_code == 302
    reader.refresh_from_db()
    assert reader.email == "r@example.org"
    assert (reader.is_staff, reader.is_superuser) == (False, False)
    assert not reader.user_permissions.exists()


def test_who_keeps_accounts_does_not_touch_those_of_staff(hers: Client, ann: User, operator: User) -> None:
    """Nor her own permissions; a password is changed by its owner, or by a superuser."""
    chief = staff("chief")
    for user in (ann, operator, chief):
        before = user.password
        sent = fields(user, is_superuser="on")
        assert hers.post(f"{USERS}{user.pk}/change/", sent).status_code == 403
        secret = {
            "password1": "a-new-Secret-1",
            "password2": "a-new-Secret-1",
            "usable_password": "true",
        }
        assert hers.post(f"{USERS}{user.pk}/password/", secret).status_code == 403
        assert hers.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
        hers.post(USERS, {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"})
        user.refresh_from_db()
        assert user.password == before
    assert not User.objects.get(username="ann").is_superuser


def test_groups_are_a_superusers(ann: User, console: Client) -> None:
    group = Group.objects.create(name="traders")
    hers = Client()
    hers.force_login(ann)
    sent = {"name": "traders", "permissions": [str(Permission.objects.order_by("pk")[0].pk)]}
    assert hers.post("/admin/auth/group/add/", {**sent, "name": "own_token"}).status_code == 403
    assert hers.post(f"/admin/auth/group/{group.pk}/change/", sent).status_code == 403
    assert hers.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    assert not group.permissions.exists()
    assert console.post(f"/admin/auth/group/{group.pk}/change/", sent).status_code == 302
    assert group.permissions.count() == 1
