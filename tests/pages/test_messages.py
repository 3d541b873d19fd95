"""A reader's own channels: whose they are, which addresses they may have, what they get, the test and the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from scans.models import Delivery, MessageChannel, Notification
from scans.operations.evening import notify
from scans.operations.evening.report import EveningReport, VersionReport
from tests.exchanges import chats
from tests.exchanges.chats import DISCORD, SLACK, TELEGRAM, Chats
from tests.pages.test_korean import english_words
from tests.scans.operations.notifications import DAY, NOW, PUBLIC_URL, notification
from tests.scans.wording.evening_content import KOREAN

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE = "/settings/messages"
FORM = {"name": "phone", "kind": "service", "address": TELEGRAM, "language": "en", "enabled": "on"}
SECRET = TELEGRAM.split("://")[1].split("/")[0]


@pytest.fixture
def services(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chats]:
    settings.PUBLIC_URL = PUBLIC_URL
    with Chats() as one:
        chats.connect(one.url, monkeypatch)
        yield one


def errors(browser: Client, **given: Any) -> str:
    """The page of a refused form."""
    response = browser.post(PAGE, {**FORM, **given})
    assert response.status_code == 200
    assert not MessageChannel.objects.exists()
    return response.content.decode()


def channel(user: User, name: str = "phone", **given: Any) -> MessageChannel:
    return MessageChannel.objects.create(user=user, name=name, **{"kind": "service", "address": TELEGRAM, **given})


def test_a_channel_is_added_changed_and_deleted_and_its_address_is_never_shown(browser: Client, trader: User) -> None:
    added = browser.post(PAGE, {**FORM, "versions": ["v2"], "language": "ko"})
    row = MessageChannel.objects.get()
    assert (added["Location"], row.user, row.versions) == (f"{PAGE}/{row.pk}", trader, ["v2"])
    assert (row.address, row.language, row.skips_empty) == (TELEGRAM, "ko", False)
    for path in (PAGE, added["Location"]):
        assert SECRET not in browser.get(path).content.decode()
    assert "tgram://•••" in browser.get(PAGE).content.decode()
    changed = browser.post(added["Location"], {**FORM, "address": "", "name": "mine", "skips_empty": "on"})
    assert changed.status_code == 302
    row.refresh_from_db()
    assert (row.address, row.name, row.versions, row.skips_empty) == (TELEGRAM, "mine", [], True)
    assert browser.post(f"{added['Location']}/delete")["Location"] == PAGE
    assert not MessageChannel.objects.exists()


def test_channels_of_others_are_not_there(
    client: Client, browser: Client, trader: User, django_user_model: Any
) -> None:
    other = channel(django_user_model.objects.create_user("other"), "other's")
    address = f"{PAGE}/{other.pk}"
    assert "other&#x27;s" not in browser.get(PAGE).content.decode()
    assert browser.get(address).status_code == 404
    for path in (address, f"{address}/test", f"{address}/delete"):
        assert browser.post(path, FORM).status_code == 404
    client.logout()
    assert client.get(PAGE)["Location"].startswith("/login?next=")
    assert client.post(f"{address}/delete")["Location"].startswith("/login?next=")
    other.refresh_from_db()
    assert other.name == "other's"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "Write the address of the service."),
        ("file:///etc/passwd", "The address must begin with one of these"),
        ("http://169.254.169.254/latest", "The address must begin with one of these"),
        ("https://example.org/hook", "The address must begin with one of these"),
        ("mailto://user:password@10.0.0.1", "The address must begin with one of these"),
        ("syslog://", "The address must begin with one of these"),
        ("json://127.0.0.1:6379/", "Its host is not among those that the operator allows."),
        ("json://[::1]/", "Its host is not among those that the operator allows."),
        ("ntfy://10.0.0.5/topic", "Its host is not among those that the operator allows."),
        ("ntfys://localhost:8443/topic", "Its host is not among those that the operator allows."),
        ("ntfys://ntfy.example.org@10.0.0.5/topic", "Its host is not among those that the operator allows."),
        ("ntfy://topic?mode=private", "The address may have no options but these"),
        (f"{DISCORD}?template=/etc/passwd", "The address may have no options but these"),
        (f"{SLACK}?redirect=yes", "The address may have no options but these"),
        ("tgram://no-token", "The service does not know such an address."),
        ("https://discord.com/", "The service does not know such an address."),
        (f"{TELEGRAM}/99", "The address names several recipients"),
    ],
)
def test_an_address_that_a_reader_may_not_use(browser: Client, settings: Any, address: str, sentence: str) -> None:
    settings.NOTIFY_HOSTS = ("ntfy.example.org",)
    assert sentence in errors(browser, address=address)
    browser.cookies["django_language"] = "ko"
    assert sentence not in errors(browser, address=address)


def test_a_host_that_the_operator_allows(browser: Client, settings: Any) -> None:
    settings.NOTIFY_HOSTS = ("ntfy.example.org",)
    assert browser.post(PAGE, {**FORM, "address": "ntfys://NTFY.example.org/topic"}).status_code == 302


def test_names_are_unique_and_channels_are_few(browser: Client, trader: User) -> None:
    for n in range(10):
        channel(trader, f"channel {n}")
    assert "You have a channel of this name." in browser.post(PAGE, {**FORM, "name": "channel 3"}).content.decode()
    assert "You have 10 channels" in browser.post(PAGE, FORM).content.decode()
    row = MessageChannel.objects.get(name="channel 3")
    assert browser.post(f"{PAGE}/{row.pk}", {**FORM, "name": "channel 3"}).status_code == 302


def test_mail_needs_a_server_and_an_address(browser: Client, trader: User, settings: Any) -> None:
    email = {**FORM, "kind": "email", "address": ""}
    assert browser.post(PAGE, email).status_code == 200
    settings.EMAIL_HOST = "mail.example.org"
    assert browser.post(PAGE, email).status_code == 200
    trader.email = "trader@example.org"
    trader.save()
    assert browser.post(PAGE, email).status_code == 302


def test_the_test_message_is_the_preview_in_the_readers_language(
    browser: Client, trader: User, services: Chats
) -> None:
    row = channel(trader, language="ko")
    empty = browser.get(f"{PAGE}/{row.pk}").content.decode()
    assert "아직 기록된 저녁이 없습니다" in empty
    notification()
    shown = browser.get(f"{PAGE}/{row.pk}").content.decode()
    assert "- 신규 1. 더블유게임즈 192080" in shown
    sent = browser.post(f"{PAGE}/{row.pk}/test", follow=True).content.decode()
    assert "The test message was sent." in sent
    assert "wait a few seconds" in browser.post(f"{PAGE}/{row.pk}/test", follow=True).content.decode()
    (text,) = services.texts["telegram"]
    assert text.replace("• ", "- ").splitlines() == KOREAN.splitlines()
    services.refused = {"telegram"}
    MessageChannel.objects.update(tested_at=NOW)
    refused = browser.post(f"{PAGE}/{row.pk}/test", follow=True).content.decode()
    assert "The service did not take it." in refused
    assert SECRET not in refused


def report(**matched: int) -> EveningReport:
    """An evening on which each version picked so many."""
    versions = [VersionReport(slug, "published", matched=n, ranked=n) for slug, n in matched.items()]
    return EveningReport("kr", DAY, versions=versions)


def evening(given: EveningReport, at: Any = NOW) -> None:
    notify.record_report(given, at=at)
    notify.send_new(given, clock=lambda: at)


def test_each_reader_gets_what_they_chose(trader: User, services: Chats) -> None:
    channel(trader, "everything")
    channel(trader, "v3", address=SLACK, versions=["v3"])
    channel(trader, "new york", address=DISCORD, markets=["us"])
    channel(trader, "off", enabled=False)
    evening(report(v2=3, v3=0))
    assert [len(services.texts[name]) for name in ("telegram", "slack", "discord")] == [1, 1, 0]
    assert "v2 3 picks, v3 0 picks" in services.texts["telegram"][0]
    assert services.texts["slack"][0].splitlines()[0] == "Seismo KRX 2026-08-21 (Fri): v3 0 picks"
    evening(report(v2=4, v3=0), NOW + timedelta(hours=1))  # nothing new of v3
    assert [len(services.texts[name]) for name in ("telegram", "slack")] == [2, 1]
    evening(report(v2=4, v3=1), NOW + timedelta(hours=2))
    assert [len(services.texts[name]) for name in ("telegram", "slack")] == [3, 2]


def test_silence_when_nothing_matched(trader: User, services: Chats) -> None:
    channel(trader, "quiet", skips_empty=True)
    channel(trader, "quiet v3", address=SLACK, versions=["v3"], skips_empty=True)
    evening(report(v2=1, v3=0))
    assert [len(services.texts[name]) for name in ("telegram", "slack")] == [1, 0]
    failed = report(v2=1)
    failed.versions.append(VersionReport("v3", "failed", "boom"))
    evening(failed, NOW + timedelta(hours=1))  # what went wrong is no silence
    assert len(services.texts["slack"]) == 1


def test_readers_who_left_get_nothing(trader: User, services: Chats) -> None:
    channel(trader)
    notify.record_report(report(v2=1), at=NOW)
    trader.is_active = False
    trader.save()
    notify.deliver(Delivery.objects.get().pk, as_of=NOW)
    evening(report(v2=2), NOW + timedelta(hours=1))
    assert services.texts["telegram"] == []
    assert Delivery.objects.get().given_up


def test_the_log_has_the_readers_own_deliveries(
    browser: Client, trader: User, services: Chats, django_user_model: Any
) -> None:
    channel(trader)
    channel(django_user_model.objects.create_user("other"), "of another")
    services.refused = {"telegram"}
    evening(report(v2=1))
    services.refused = set()
    notify.deliver(Delivery.objects.get(reader_channel__user=trader).pk, as_of=NOW + timedelta(minutes=1))
    html = browser.get(PAGE).content.decode()
    assert '<td>phone</td><td>sent <time datetime="2026-08-21T09:11:00+00:00">' in html
    assert "of another" not in html
    assert Notification.objects.get().deliveries.count() == 2


def test_the_pages_are_korean(browser: Client, trader: User, services: Chats, settings: Any) -> None:
    settings.EMAIL_HOST = trader.email = "mail"
    trader.save()
    row = channel(trader, "전화", language="ko")
    evening(report(v2=1))
    browser.cookies["django_language"] = "ko"
    allowed = {"UTC", "ntfy", "vcp", "crypto", "tgram", "token", "chat", "trader"}
    for path in (PAGE, f"{PAGE}/{row.pk}"):
        words = english_words(browser.get(path).content.decode())
        assert {word for word in words if not word.startswith(("v2", "v3", "seismograph"))} <= allowed
