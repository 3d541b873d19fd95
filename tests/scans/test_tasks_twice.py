"""Each kind of task may run twice: the second run changes nothing that the first has published, recorded or sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import moment
from marketdata.candles.models import Candle
from marketdata.candles.operations import group as candle_group
from marketdata.models import StockPrice, TaskRecord
from marketdata.operations.collect import CollectionOptions
from marketdata.operations.collect.group import options_json
from marketdata.operations.tasks import attempts
from marketdata.operations.tasks.queueing import enqueue
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_record
from scans.models import Evening, Notification, ScanRank, ScanRequest, ScanSession
from scans.operations.requests import queue
from scans.operations.scan.shard_group import ShardInputs
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.upbit import UpbitExchange, generated
from tests.marketdata.candles.collector.naive import utc
from tests.scans.conftest import AS_OF, CODES
from tests.task_queues import as_worker, purge_queues

pytestmark = pytest.mark.django_db(transaction=True)


def state() -> Any:
    """What is published, requested and to be sent."""
    return (
        list(ScanSession.objects.filter(published=True).order_by("pk").values_list("date", "result_digest", "ranked")),
        ScanRank.objects.filter(published=True).count(),
        list(ScanRequest.objects.order_by("pk").values_list("status", "sessions_done")),
        list(Notification.objects.order_by("pk").values_list("digest", "outcome")),
        (StockPrice.objects.count(), Candle.objects.count()),
    )


def _state(first: date, last: date) -> str:
    record = get_record("kr")
    days = record.between(first, last)
    return ShardInputs(record, days, [], None, get_history_digests(record, days)).state


OPENED = moment(utc("2025-09-01T00:00:00"))
CANDLES = CandleRequest("KRW-BTC", "1m", start=utc("2025-09-01T00:00:00"), end=utc("2025-09-01T02:00:00"))


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Imitations of KIS with the market's instruments and of Upbit with a coin."""
    ticks = {"KRW-BTC": generated(OPENED, 120, density=0.9, seed=1)}
    listed = {code: Listed(code, []) for code in CODES}
    with (
        KisExchange(listed, per_second=100_000, token_every=0.0) as kis,
        UpbitExchange(ticks, per_second=100_000, clock=lambda: OPENED + 86_400.0) as upbit,
    ):
        keys = {
            "app_key": kis.keys[0],
            "app_secret": kis.keys[1],
            "base_url": kis.url,
            "per_second": 100_000,
            "token_every": 0.001,
        }
        monkeypatch.setitem(settings.SOURCES, "kis", settings.SOURCES["kis"] | keys)
        monkeypatch.setitem(settings.SOURCES, "upbit", {"base_url": upbit.url, "per_second": 100_000})
        yield


def run_task(kind: str, arguments: dict[str, Any]) -> None:
    """Run the function of a kind; one that sends out a group as the task that a worker has claimed."""
    function = import_string(settings.TASK_KINDS[kind].function)
    if kind != "candle collection":
        function(**arguments)
        return
    row = TaskRecord.objects.get(pk=enqueue(kind, name=kind, **arguments))
    with pytest.MonkeyPatch.context() as patched, as_worker(patched):
        assert attempts.claim(row)
        attempts.attempt(row, lambda: function.__wrapped__(**arguments))


@pytest.mark.parametrize("kind", settings.TASK_KINDS)
def test_a_second_run_changes_nothing(kind: str, market: Any, probe: Any, sessions: Any, exchanges: None) -> None:
    first = sessions[-1] if kind == "scan" else sessions[-5]
    row = queue.queue_request(
        market="kr", as_of=AS_OF, requested_by="ann", versions=["rises"], first=first, last=sessions[-1]
    ).request
    arguments: dict[str, dict[str, Any]] = {
        "scan": {"number": row.pk},
        "range": {"number": row.pk},
        "range part": {"number": row.pk, "scanner_version": "rises", "first": str(first), "last": str(sessions[-1])},
        "scan shard": {
            "market": "kr",
            "first": str(first),
            "last": str(sessions[-1]),
            "tasks": [{"engine": "probe", "params": {}, "segments": ["KOSPI"], "limits": {}}],
            "state": _state(first, sessions[-1]),
            "low": 0,
            "high": 3,
            "instruments": len(CODES),
        },
        "delivery": {"number": 404},
        "collection": {"market": "kr", "source": "kis", "options": options_json(CollectionOptions(overlap=0))},
        "collection part": {
            "market": "kr",
            "source": "kis",
            "options": options_json(CollectionOptions(overlap=0, parts=2, part=1)),
        },
        "candle collection": {"source": "upbit", "requests": [candle_group.request_json(CANDLES)]},
        "candle series": {
            "source": "upbit",
            "request": candle_group.request_json(CANDLES),
            "as_of": "2025-09-02T00:00:00+00:00",
        },
        "warm-up": {"market": "kr", "versions": ["rises"]},
        "evening": {"market": "kr", "at": "15:43", "due": AS_OF.isoformat(), "collects": False},
        "evening version": {
            "market": "kr",
            "session": str(sessions[-1]),
            "scanner_version": "rises",
            "first": str(first),
            "last": str(sessions[-1]),
        },
        "settle": {"market": "kr", "at": "08:15"},
        "preclose": {"market": "kr", "at": "15:10"},
    }
    Evening.objects.create(market="kr", session=sessions[-1], started_at=AS_OF)
    assert arguments.keys() == settings.TASK_KINDS.keys()
    run_task(kind, arguments[kind])
    once = state()
    run_task(kind, arguments[kind])
    assert state() == once
    purge_queues()
