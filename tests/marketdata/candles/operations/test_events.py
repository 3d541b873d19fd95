"""The events of a collection's chunks at a webhook: what it gets, and what one that fails changes (nothing)."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any

import pytest

from marketdata.candles.collector.collections import ChunkState, CollectionStatus
from marketdata.candles.collector.overlap import Overlap
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.progress import Progress
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk
from marketdata.candles.operations import events
from marketdata.candles.operations.collect import collect
from marketdata.webhook import Webhook
from tests.exchanges.server import Response
from tests.marketdata.candles.collector.minute_market import END, NOW, SERIES, minutes
from tests.marketdata.candles.collector.stores import ListSource
from tests.scans.receiver import Receiver

pytestmark = pytest.mark.django_db

SECRET = "a-secret-of-the-events-hook"  # noqa: S105
PROGRESS = Progress(100, 50, 0, 1, 1, 50, 1.0, None)


def run(settings: Any, url: str, *, chunks: int = 12, patience: float = 5.0) -> CollectionStatus:
    """A collection of so many chunks with the webhook `url`, whose calls take `patience` seconds at most."""
    settings.CANDLE_EVENTS_URL, settings.CANDLE_EVENTS_SECRET, settings.NOTIFY_SECONDS = url, SECRET, patience
    request = CandleRequest("KRW-BTC", "1m", count=200 * chunks, before=as_datetime(END))
    source = ListSource(minutes(200 * chunks + 500), now=NOW)
    return collect(source=source, request=request, as_of=as_datetime(NOW)).outcome.status


def test_each_chunk_is_one_event_of_a_signed_call(settings: Any) -> None:
    with Receiver() as receiver:
        status = run(settings, f"{receiver.url}/hook", patience=60.0)  # a busy machine loses none
    assert status is CollectionStatus.DONE
    posted = [event for request in receiver.requests for event in json.loads(request.body)["events"]]
    assert [event["chunk"] for event in posted] == list(range(12))
    assert {(event["source"], event["market"], event["timeframe"]) for event in posted} == {("upbit", "KRW-BTC", "1m")}
    assert sum(event["rows"] for event in posted) == 2_400
    for request in receiver.requests:
        digest = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-seismo-signature"] == f"sha256={digest}"


def test_a_call_that_fails_comes_again_as_the_same_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAUSES", (0.01,))
    with Receiver() as receiver:
        receiver.answers = [Response(500), Response(503)]
        with events.ChunkEvents(Webhook(f"{receiver.url}/hook", SECRET), SERIES) as chunk_events:
            chunk_events.put(PROGRESS, ChunkState(7, 0, 60, Overlap.NONE))
            while not receiver.received:
                time.sleep(0.01)
    (delivery,) = {request.headers["x-seismo-delivery"] for request in receiver.requests}
    assert delivery
    assert len(receiver.requests) == 3
    assert [event["chunk"] for event in receiver.received[0]["events"]] == [7]
    assert receiver.received[0]["lost"] == 0


@pytest.mark.parametrize("answers", [[], [Response(403)] * 20], ids=["gone", "refuses"])
def test_a_webhook_that_fails_leaves_the_collection_whole_and_its_address_unsaid(
    settings: Any, caplog: pytest.LogCaptureFixture, answers: list[Response]
) -> None:
    caplog.set_level(logging.DEBUG)
    with Receiver() as receiver:
        receiver.answers, url = list(answers), f"{receiver.url}/a-secret-path"
        status = run(settings, url) if answers else None
    status = status or run(settings, url)
    assert status is CollectionStatus.DONE
    assert CandleChunk.objects.count() == 12
    assert "event=events_not_delivered" in caplog.text
    assert "a-secret-path" not in caplog.text
    assert SECRET not in caplog.text


def test_the_queue_is_bounded(settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(events, "QUEUE", 3)
    monkeypatch.setattr(events.ChunkEvents, "_post_all", lambda self: None)
    run(settings, "http://127.0.0.1:9/never-called")
    assert "posted=0 lost=9 waiting=3" in caplog.text
