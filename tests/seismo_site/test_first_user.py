"""The first user: by the settings, or by a link that is good once, for a while, on this machine alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from seismo_site import first_user
from seismo_site.models import SetupLink

FORM = {"username": "ann", "password1": "a phrase of ann's", "password2": "a phrase of ann's"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """A browser on this machine."""
    return Client(HTTP_HOST="localhost:8000")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("first_user", *arguments)
    return capsys.readouterr().out


def link() -> str:
    return first_user.new_link(at=timezone.now())


def test_the_printed_link_creates_the_administrator_and_logs_in(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(capsys, "--port", "8123").splitlines()[-1].strip()
    assert shown.startswith("http://127.0.0.1:8123/first-user/")
    path = shown.removeprefix("http://127.0.0.1:8123")
    page = client.get(path, headers={"host": "127.0.0.1:8123"})
    assert (page.status_code, "no-store" in page["Cache-Control"]) == (200, True)
    done = client.post(path, FORM, headers={"host": "127.0.0.1:8123"})
    user = User.objects.get()
    assert (done["Location"], user.username, user.is_superuser, user.is_staff) == ("/", "ann", True, True)
    assert client.get("/admin/").status_code == 200
    assert client.get(path).status_code == 404
    assert printed(capsys) == ""
    assert not SetupLink.objects.exists()


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.168.1.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_HOST": "seismo.example.org"},
    ],
    ids=["another machine", "a socket", "a proxy", "a proxy by the standard", "another name"],
)
def test_the_link_is_not_there_for_others(client: Client, settings: Any, extra: dict[str, str]) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    path = link()
    assert client.get(path, **extra).status_code == 404  # type: ignore[arg-type]
    assert client.post(path, FORM, **extra).status_code == 404  # type: ignore[arg-type]
    assert not User.objects.exists()
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("address", ["::1", "127.8.8.8"])
def test_every_loopback_address_is_this_machine(client: Client, address: str) -> None:
    assert client.get(link(), REMOTE_ADDR=address).status_code == 200


def test_a_link_ends_by_time_by_another_link_and_by_a_user(client: Client) -> None:
    old = first_user.new_link(at=timezone.now() - first_user.VALIDITY - timedelta(seconds=1))
    assert client.get(old).status_code == 404
    replaced, latest = link(), link()
    assert [client.get(path).status_code for path in (replaced, latest)] == [404, 200]
    assert client.get(latest[:-1]).status_code == 404
    User.objects.create_user("bob")
    assert client.post(latest, FORM).status_code == 404
    assert User.objects.count() == 1


def test_the_form_needs_a_good_password_and_its_token(client: Client) -> None:
    path = link()
    weak = client.post(path, FORM | {"password1": "12345678", "password2": "12345678"})
    assert (weak.status_code, User.objects.exists()) == (200, False)
    assert Client(enforce_csrf_checks=True, HTTP_HOST="localhost:8000").post(path, FORM).status_code == 403
    assert client.post(path, FORM).status_code == 302


def test_only_a_hash_of_the_secret_is_kept() -> None:
    secret = link().rstrip("/").rpartition("/")[2]
    assert secret not in repr(SetupLink.objects.values_list())


def test_the_user_of_the_settings(settings: Any, capsys: pytest.CaptureFixture[str], client: Client) -> None:
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "ann@example.org", "a phrase of ann's"
    assert printed(capsys) == "The administrator ann@example.org was created.\n"
    assert client.post("/login", {"username": "ann@example.org", "password": "a phrase of ann's"}).status_code == 302
    settings.ADMIN_PASSWORD = "another phrase"  # noqa: S105
    assert printed(capsys) == ""  # the user is there, and keeps the password
    assert User.objects.get().check_password("a phrase of ann's")


def test_a_weak_password_of_the_settings_creates_no_user(settings: Any) -> None:
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "ann@example.org", "12345678"
    with pytest.raises(CommandError, match="SEISMO_ADMIN_PASSWORD: This password is too common") as raised:
        call_command("first_user")
    assert "12345678" not in str(raised.value)
    assert not User.objects.exists()
