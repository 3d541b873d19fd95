"""Apprise as a channel: what Telegram, Slack and Discord receive in both languages, failures, secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from scans.models import Delivery
from scans.operations.evening import notify
from scans.operations.evening.channels import operator_channels
from scans.operations.evening.notify import UNKNOWN_RESULT
from tests.exchanges import chats
from tests.exchanges.chats import ADDRESSES, BOT, HOOK, KAKAO, TELEGRAM, WEBHOOK, Chats
from tests.scans.operations.notifications import NOW, PUBLIC_URL, notification
from tests.scans.wording.evening_content import ENGLISH, KOREAN


@pytest.fixture
def services(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Chats]:
    settings.SERVICE_DIR = tmp_path
    settings.NOTIFY_APPRISE, settings.PUBLIC_URL = list(ADDRESSES), PUBLIC_URL
    with Chats() as one:
        chats.connect(one.url, monkeypatch)
        yield one


def deliver(row: Any, at: Any = NOW) -> list[Delivery]:
    """Try what waits for a notification, as a worker does."""
    for channel in operator_channels().values():
        notify._prepare_delivery(row, channel, at)
    for delivery in Delivery.objects.filter(notification=row):
        notify.deliver(delivery.pk, as_of=at)
    return list(Delivery.objects.filter(notification=row))


def plain(text: str) -> list[str]:
    """The lines that a reader sees, without the signs of emphasis and of items."""
    return [line.strip().strip("*<>").removeprefix("- ").removeprefix("• ") for line in text.splitlines()]


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "expected"), [("en", ENGLISH), ("ko", KOREAN)])
def test_three_services_receive_the_whole_text(services: Chats, settings: Any, language: str, expected: str) -> None:
    settings.NOTIFY_LANGUAGE = language
    assert all(delivery.sent_at == NOW for delivery in deliver(notification()))
    lines = plain(expected)
    for service in ("telegram", "slack", "discord"):
        (text,) = services.texts[service]
        assert plain(text) == lines, service


@pytest.mark.django_db
def test_a_long_message_fits_every_service(services: Chats) -> None:
    row = notification()
    version = row.versions[1]
    version["new"] = version["new"] * 100
    row.save()
    assert all(delivery.sent_at for delivery in deliver(row))
    ends = {service: plain(texts[0])[-2:] for service, texts in services.texts.items() if texts}
    link = f"{PUBLIC_URL}/kr/2026-08-21/"
    assert ends["slack"] == ["12.3 seconds.", link]
    for service in ("telegram", "discord"):
        assert ends[service][0].startswith("Lines left out: 1"), service
        assert ends[service][1] == link


@pytest.mark.django_db
def test_a_service_that_fails_leaves_the_others_alone(services: Chats) -> None:
    services.refused = {"slack"}
    row = notification()
    deliveries = {delivery.channel.split()[0]: delivery for delivery in deliver(row)}
    assert {name: bool(one.sent_at) for name, one in deliveries.items()} == {
        "tgram": True,
        "slack": False,
        "discord": True,
    }
    assert (deliveries["slack"].error, deliveries["slack"].given_up) == ("the service did not take it", False)
    services.refused = set()
    notify.deliver(deliveries["slack"].pk, as_of=NOW + timedelta(minutes=1))
    assert {name: len(texts) for name, texts in services.texts.items()} == {
        "telegram": 1,
        "slack": 1,
        "discord": 1,
        "kakaotalk": 0,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("nosuch://a/b", "the service does not know such an address"),
        (f"{TELEGRAM}/99", "the address names several recipients: write one address for each"),
    ],
)
def test_an_address_that_cannot_be_used_is_given_up(services: Chats, settings: Any, address: str, error: str) -> None:
    settings.NOTIFY_APPRISE = [address]
    (delivery,) = deliver(notification())
    assert (delivery.given_up, delivery.error) == (True, error)


@pytest.mark.django_db
def test_a_delivery_that_may_have_arrived_is_not_repeated(services: Chats, settings: Any) -> None:
    settings.NOTIFY_APPRISE = [TELEGRAM]
    row = notification()
    (channel,) = operator_channels().values()
    notify._prepare_delivery(row, channel, NOW)
    Delivery.objects.update(claimed_at=NOW, sending_at=NOW, attempts=1)  # the process was killed here
    number = Delivery.objects.get().pk
    notify.deliver(number, as_of=NOW + timedelta(minutes=4))
    assert not Delivery.objects.get().given_up
    notify.deliver(number, as_of=NOW + timedelta(minutes=6))
    delivery = Delivery.objects.get()
    assert (delivery.given_up, delivery.error) == (True, UNKNOWN_RESULT)
    notify._prepare_delivery(row, channel, NOW + timedelta(minutes=7))  # the same content is true again
    notify.deliver(number, as_of=NOW + timedelta(minutes=8))
    assert services.texts["telegram"] == []
    assert notify.send_again(row, as_of=NOW + timedelta(hours=1)) == [channel.name]  # a person asks for it
    notify.deliver(number, as_of=NOW + timedelta(hours=1))
    assert len(services.texts["telegram"]) == 1


@pytest.mark.django_db
def test_addresses_are_in_no_row_and_no_log(services: Chats, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    services.refused = {"slack", "telegram"}
    deliver(notification())
    services.faults.burst("reset", 3)
    for delivery in Delivery.objects.all():
        notify.deliver(delivery.pk, as_of=NOW + timedelta(minutes=1))
    assert "was not delivered by slack" in caplog.text
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute("SELECT * FROM " + connection.ops.quote_name(table))  # noqa: S608
            rows += cursor.fetchall()
    for secret in (BOT, HOOK, WEBHOOK):
        for part in secret.replace(":", "/").split("/"):
            assert part not in caplog.text
            assert part not in repr(rows)


@pytest.mark.django_db
def test_kakaotalk_gets_what_fits_and_its_renewed_token_is_kept(services: Chats, settings: Any) -> None:
    settings.NOTIFY_APPRISE, settings.NOTIFY_LANGUAGE = [KAKAO], "ko"
    row = notification()
    (delivery,) = deliver(row)
    assert delivery.sent_at == NOW
    first, last = services.texts["kakaotalk"][0].splitlines()[::3]
    assert (first, last) == (KOREAN.splitlines()[0], f"{PUBLIC_URL}/kr/2026-08-21/")
    services.kakao_access = ""  # it ends before its time
    for hours in (1, 2):
        notify.send_again(row, as_of=NOW + timedelta(hours=hours))
        notify.deliver(delivery.pk, as_of=NOW + timedelta(hours=hours))
    assert (len(services.texts["kakaotalk"]), services.kakao_logins) == (2, 2)
