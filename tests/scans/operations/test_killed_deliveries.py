"""Workers are killed at random moments while they record and deliver notifications to three services: nothing arrives
twice, what is recorded as sent has arrived, and what may have arrived is recorded so and not repeated."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.exchanges.chats import ADDRESSES, Chats
from tests.seismo_site.running import installed, managed

pytestmark = pytest.mark.slow

KILLS = 30
WORK = """
import json, os, random, signal, time
from datetime import date, timedelta
from django.db import connections
from django.utils import timezone
from scans.models import Delivery
from scans.operations.evening import notify
from scans.operations.evening.report import EveningReport, VersionReport
from tests.exchanges.chats import connect_process

connect_process("{url}")
start = timezone.now()

def work(number):
    at = start + number * timedelta(minutes=11)
    if number % 2 == 0:
        session = date(2024, 1, 1) + timedelta(days=number)
        report = EveningReport("kr", session, versions=[VersionReport("v2", "published", matched=number)])
        notify.record_report(report, at=at)
        notify.send_new(report, clock=lambda: at)
    for row in Delivery.objects.filter(sent_at=None, given_up=False):
        notify.deliver(row.pk, as_of=at)

def in_process(number, delay):
    process = os.fork()
    if not process:
        work(number)
        os._exit(0)
    if delay is not None:
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])

connections.close_all()
draw, kills, number = random.Random(18), 0, 0
began = time.perf_counter()
in_process(number, None)
longest = time.perf_counter() - began
while kills < {kills}:
    number += 1
    kills += in_process(number, draw.uniform(0, longest))
    connections.close_all()
for _ in range(3):
    number += 1
    in_process(2 * number + 1, None)
print(json.dumps([
    [str(row.notification.session), row.channel.split()[0], bool(row.sent_at), row.given_up, row.error]
    for row in Delivery.objects.select_related("notification")
]))
"""
SERVICES = {"tgram": "telegram", "slack": "slack", "discord": "discord"}


def test_thirty_kills_send_nothing_twice(tmp_path: Path) -> None:
    data = installed(tmp_path / "data")
    with Chats() as services:
        services.latency = 0.005
        program = WORK.format(url=services.url, kills=KILLS)
        answer = managed(
            data, "shell", "--no-imports", "-c", program,
            SEISMO_NOTIFY_APPRISE=" ".join(ADDRESSES), SEISMO_LOG_LEVEL="CRITICAL",
        )  # fmt: skip
        arrived = {
            service: Counter(text.split()[2] for text in texts) for service, texts in services.texts.items() if texts
        }
    deliveries = json.loads(answer)
    assert len(deliveries) >= KILLS
    assert {len(set(counts.values())) for counts in arrived.values()} == {1}  # each session once
    for session, channel, sent, given_up, error in deliveries:
        count = arrived[SERVICES[channel]][session]
        assert (sent, given_up) in {(True, False), (False, True)}
        if sent:
            assert count == 1
        else:
            assert error == "the process ended while it was sent: it may have arrived"
            assert count <= 1
