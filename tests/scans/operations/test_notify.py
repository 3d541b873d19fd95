"""Notifications on their way: received once, signed, tried again where that may help, and no secret left anywhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django_q.models import Schedule

from scans.models import Delivery, Notification
from scans.operations.evening import notify
from scans.operations.evening.notify import MAX_ATTEMPTS, RETRY_DELAYS, NoChannel
from scans.operations.evening.report import EveningReport, VersionReport, digest
from scans.wording.evening_message import evening_message
from tests.exchanges.server import Response
from tests.scans.receiver import Receiver

NOW = datetime(2026, 8, 21, 9, 10, tzinfo=UTC)
DAY = date(2026, 8, 21)
SUBJECT = "Seismo KRX 2026-08-21 (Fri): v2 1 pick, v3 0 picks"
TEXT = [
    "v2 · 1 pick",
    "- 1. 삼성전자 005930: 1,071,000 (+1.25 %)",
    "v3 · 0 picks",
    "Nothing passed.",
    "Signals: 1 new, 2 earlier ones changed.",
    "1.5 seconds.",
]
PATH, SECRET = "/T00/a-secret-path", "a-secret-key"
PICK = {
    "rank": 1,
    "code": "005930",
    "name": "삼성전자",
    "score": 6.0,
    "label": "watch",
    "strategy": "swing",
    "close": 1_071_000.0,
    "change_pct": 1.25,
}


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as one:
        settings.NOTIFY_URL, settings.NOTIFY_SECRET = f"{one.url}{PATH}", SECRET
        settings.NOTIFY_SECONDS = 5.0
        yield one


def report_of(**options: Any) -> EveningReport:
    """An evening of v2, which picked one, and v3, which picked nothing."""
    versions = [
        VersionReport("v2", "published", matched=1, ranked=1, picks=[PICK], sessions=["2026-08-21"]),
        VersionReport("v3", "no_match", "nothing passed", sessions=["2026-08-21"]),
    ]
    signals = {"opened": 1, "moved": 2}
    return EveningReport("kr", DAY, **{"versions": versions, "signals": signals, "seconds": 1.5, **options})


PLAN = {
    "entry": None,
    "target": 1_124_550.0,
    "stop": 1_017_450.0,
    "order": {"entry": None, "target": 1_124_000.0, "stop": 1_018_000.0},
}


def test_a_message_shows_the_plan_and_its_order_prices() -> None:
    def of(pick: dict[str, Any]) -> EveningReport:
        ran = VersionReport("v2", "published", matched=1, ranked=1, picks=[pick], sessions=["2026-08-21"])
        return report_of(versions=[ran])

    lines = evening_message(body_of(of({**PICK, "plan": PLAN})), "en").lines
    text = "1. 삼성전자 005930: 1,071,000 (+1.25 %); target 1,124,000, stop 1,018,000"
    assert text in [line.text for line in lines]
    # What follows from the pick makes no other message of it.
    assert digest(of({**PICK, "plan": PLAN}).content()) == digest(of(PICK).content())


def body_of(one: EveningReport) -> dict[str, Any]:
    """What a message says of an evening."""
    return {**one.content(), "market": "kr", "session": "2026-08-21", "outcome": "done", "seconds": 1.5}  # fmt: skip


def sent(one: EveningReport, at: datetime = NOW) -> Notification:
    notify.record_report(one, at=at)
    notify.send_new(one, clock=lambda: at)
    return Notification.objects.get()


def queued() -> list[tuple[str, datetime]]:
    """The tries that are planned, which are then forgotten as if a worker had taken them."""
    rows = list(Schedule.objects.order_by("next_run").values_list("func", "next_run"))
    Schedule.objects.all().delete()
    return rows


@pytest.mark.django_db
def test_it_is_posted_signed_and_once(receiver: Receiver) -> None:
    row = sent(report_of())
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", PATH)
    expected = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-seismo-signature"] == f"sha256={expected}"
    assert request.headers["x-seismo-delivery"] == row.digest
    body = json.loads(request.body)
    assert body["text"].splitlines() == [SUBJECT, *TEXT]
    assert (body["market"], body["session"], body["outcome"]) == ("kr", "2026-08-21", "done")
    assert [one["picks"] for one in body["versions"]] == [[PICK], []]
    delivery = Delivery.objects.get()
    assert (delivery.sent_at, delivery.attempts, delivery.error) == (NOW, 1, "")
    sent(report_of(seconds=9.0), NOW + timedelta(hours=1))
    notify.deliver(delivery.pk, as_of=NOW + timedelta(days=1))
    assert len(receiver.requests) == 1


@pytest.mark.django_db
def test_a_process_that_dies_before_it_has_tried(receiver: Receiver) -> None:
    notify.record_report(report_of(), at=NOW)
    assert queued() == [("scans.tasks.deliver", NOW + timedelta(minutes=10))]
    notify.deliver(Delivery.objects.get().pk, as_of=NOW + timedelta(minutes=10))
    assert len(receiver.received) == 1
    assert queued() == []


@pytest.mark.django_db
def test_no_secret_no_signature(receiver: Receiver, settings: Any) -> None:
    settings.NOTIFY_SECRET = ""
    sent(report_of())
    assert "x-seismo-signature" not in receiver.requests[0].headers


@pytest.mark.django_db
def test_another_outcome_is_news(receiver: Receiver) -> None:
    failed = VersionReport("v3", "failed", "v3 failed: boom")
    first = sent(report_of(versions=[*report_of().versions[:1], failed]))
    assert first.outcome == "partial"
    second = sent(report_of(), NOW + timedelta(hours=1))
    assert (second.pk, second.outcome) == (first.pk, "done")
    assert [body["outcome"] for body in receiver.received] == ["partial", "done"]
    third = sent(report_of(versions=report_of().versions[:1]), NOW + timedelta(hours=2))
    assert (len(third.versions), len(receiver.received)) == (2, 2)


@pytest.mark.django_db
def test_failing_receiver_is_retried_ever_later_up_to_a_limit(
    receiver: Receiver,
) -> None:
    receiver.answers = [Response(500) for _ in range(MAX_ATTEMPTS)]
    sent(report_of())
    at, number = NOW, Delivery.objects.get().pk
    for pause in RETRY_DELAYS:
        assert queued() == [("scans.tasks.deliver", at + pause)]
        at += pause
        notify.deliver(number, as_of=at)
    assert queued() == []
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.given_up) == (MAX_ATTEMPTS, True)
    assert delivery.error == "the server answered 500"
    notify.deliver(number, as_of=at + timedelta(days=1))
    assert len(receiver.requests) == MAX_ATTEMPTS


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["timeout", "reset"])
def test_a_server_that_hangs_or_hangs_up(receiver: Receiver, settings: Any, fault: str) -> None:
    settings.NOTIFY_SECONDS, receiver.hang = 0.5, 60.0
    receiver.faults.next(fault)
    sent(report_of())
    receiver.faults.queue.clear()  # a busy machine may not even have connected
    delivery = Delivery.objects.get()
    assert (delivery.sent_at, delivery.given_up) == (None, False)
    assert len(queued()) == 1
    settings.NOTIFY_SECONDS = 5.0
    notify.deliver(delivery.pk, as_of=NOW + timedelta(minutes=1))
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.error) == (2, "")
    assert len(receiver.received) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("status", [302, 307, 400, 404, 410])
def test_what_will_not_pass_is_not_tried_again(receiver: Receiver, status: int) -> None:
    elsewhere = {"Location": f"{receiver.url}/elsewhere"}
    receiver.answers = [Response(status, headers=elsewhere)]
    sent(report_of())
    delivery = Delivery.objects.get()
    assert (delivery.given_up, delivery.error) == (True, f"the server answered {status}")
    assert queued() == []
    assert [request.path for request in receiver.requests] == [PATH]


@pytest.mark.django_db
def test_webhook_without_a_server_is_tried_again(settings: Any) -> None:
    with Receiver() as gone:
        settings.NOTIFY_URL = f"{gone.url}{PATH}"
    sent(report_of())
    assert Delivery.objects.get().error == "the server was not reached (ConnectError)"
    assert len(queued()) == 1


@pytest.mark.django_db
def test_a_content_that_is_no_longer_true_is_not_sent(receiver: Receiver) -> None:
    receiver.answers = [Response(503)]
    failed = report_of(versions=[*report_of().versions[:1], VersionReport("v3", "failed", "v3 failed: boom")])
    sent(failed)
    old = Delivery.objects.get().pk
    sent(report_of(), NOW + timedelta(seconds=30))
    notify.deliver(old, as_of=NOW + timedelta(minutes=1))
    assert [body["outcome"] for body in receiver.received] == ["done"]
    assert Delivery.objects.get(pk=old).given_up
    sent(failed, NOW + timedelta(minutes=2))  # and now it is true again
    assert [body["outcome"] for body in receiver.received] == ["done", "partial"]
    assert Delivery.objects.get(pk=old).sent_at


@pytest.mark.django_db
def test_one_at_a_time(receiver: Receiver) -> None:
    one = report_of()
    notify.record_report(one, at=NOW)
    delivery = Delivery.objects.get()
    Delivery.objects.update(claimed_at=NOW)  # another process is at it
    notify.deliver(delivery.pk, as_of=NOW + timedelta(minutes=4))
    assert receiver.requests == []
    notify.deliver(delivery.pk, as_of=NOW + timedelta(minutes=6))
    assert len(receiver.received) == 1


@pytest.mark.django_db
def test_mail(settings: Any) -> None:
    settings.NOTIFY_EMAIL = ["ann@example.org", "bob@example.org"]
    row = sent(report_of())
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert message.to == ["ann@example.org", "bob@example.org"]
    assert message.subject == SUBJECT
    assert message.extra_headers == {"X-Seismo-Delivery": row.digest}
    assert message.body.splitlines() == TEXT
    ((form, kind),) = message.alternatives
    assert (kind, str(form).startswith("<p><b>v2 · 1 pick</b><br>\n• 1. 삼성전자")) == ("text/html", True)


@pytest.mark.django_db
def test_a_mail_server_that_is_away(settings: Any) -> None:
    with Receiver() as gone:
        port = gone.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.NOTIFY_EMAIL = ["ann@example.org"]
    sent(report_of())
    delivery = Delivery.objects.get()
    assert (delivery.error, delivery.given_up) == ("ConnectionRefusedError", False)
    assert len(queued()) == 1


@pytest.mark.django_db
def test_notification_is_saved_without_a_channel() -> None:
    row = sent(report_of())
    assert row.outcome == "done"
    assert not Delivery.objects.exists()
    with pytest.raises(NoChannel, match="SEISMO_NOTIFY_URL"):
        notify.send_again(row, as_of=NOW)


@pytest.mark.django_db
def test_a_person_may_ask_for_it_once_more(receiver: Receiver) -> None:
    row = sent(report_of())
    assert notify.send_again(row, as_of=NOW + timedelta(hours=1)) == ["webhook"]
    assert queued() == [("scans.tasks.deliver", NOW + timedelta(hours=1))]
    notify.deliver(Delivery.objects.get().pk, as_of=NOW + timedelta(hours=1))
    assert len(receiver.received) == 2
    assert receiver.received[0] == receiver.received[1]


@pytest.mark.django_db
def test_address_and_key_are_in_no_row_and_no_log(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [Response(500), Response(302, headers={"Location": PATH})]
    row = sent(report_of())
    notify.deliver(Delivery.objects.get().pk, as_of=NOW + timedelta(minutes=1))
    notify.send_again(row, as_of=NOW)
    receiver.faults.next("reset")
    notify.deliver(Delivery.objects.get().pk, as_of=NOW + timedelta(minutes=2))
    assert "was not delivered by webhook" in caplog.text
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute("SELECT * FROM " + connection.ops.quote_name(table))  # noqa: S608
            rows += cursor.fetchall()
    for text in (caplog.text, repr(rows)):
        assert "a-secret" not in text
        # With its host: the digits of a port alone may stand in any other number.
        for spelling in (f"127.0.0.1:{receiver.port}", f"'127.0.0.1', {receiver.port}"):
            assert spelling not in text


@pytest.mark.django_db
def test_evenings_of_a_version_each_send_one_message_of_both(receiver: Receiver) -> None:
    """The earlier one leaves the message to the last; once that is sent, a later try of the earlier one is news."""
    early = report_of(versions=[VersionReport("v2", "published", matched=1, ranked=1)])
    late = report_of(versions=[VersionReport("v3", "published", matched=4, ranked=4)])
    notify.record_report(early, at=NOW, sends=False)
    notify.send_new(early, clock=lambda: NOW)
    assert (early.news, Delivery.objects.count()) == (False, 0)
    row = sent(late)
    assert [version["scanner_version"] for version in row.versions] == ["v2", "v3"]
    assert [delivery.notification_id for delivery in Delivery.objects.exclude(sent_at=None)] == [row.pk]
    again = report_of(versions=[VersionReport("v2", "published", matched=2, ranked=2)])
    notify.record_report(again, at=NOW, sends=False)
    assert again.news
