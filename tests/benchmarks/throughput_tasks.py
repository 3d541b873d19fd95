"""Inside a process of its own: real work put through the task queue, and how long until all of it has ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils import timezone
from django_q.models import Task
from django_q.tasks import async_task

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.task_queue import queue_key
from marketdata.operations.tasks import attempts
from marketdata.panel import Panel
from marketdata.queries.history import InstrumentTable, get_history, read_instrument_table
from scans.engines import engine_params
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from scans.models import ScanRequest, ScanSession
from scans.operations.evening import evening as evenings
from scans.operations.requests import queue
from tests.benchmarks.queue_tasks import LIMITS, require_done, wait_for
from tests.benchmarks.scan_tasks import AS_OF

Answer = dict[str, Any]
INSTRUMENT_TASK = f"{__name__}.scan_instrument"


@lru_cache(maxsize=1)
def _table(market: str) -> InstrumentTable:
    """What tasks of one worker share."""
    return read_instrument_table(market)


def scan_instrument(market: str, version: str, code: str) -> int:
    """The task of one instrument: its bars from the database, an engine's features of the last session; returns how
    many. Neither scored nor published, which takes the whole market."""
    engine, history = ENGINES[version], get_history(_table(market), code)
    if history is None:
        return 0
    days = slice(-engine.warm_up - 1, None)
    product = history.product[days, None]
    fields = {name: values[days, None] for name, values in history.fields.items()}
    adjusted = {name: fields[name] * product for name in ("open", "high", "low", "close")}
    panel = Panel(
        market=market,
        sessions=history.days[days],
        start=len(product) - 1,
        codes=np.array([code]),
        first=np.zeros(1, dtype=np.int32),
        fields={**fields, **adjusted, "volume": fields["volume"] / product, "raw_close": fields["close"]},
        segments=("KOSPI",),
        segment=np.zeros((1, 1), dtype=np.int8),
        flags=np.zeros((1, 1), dtype=np.uint8),
        suspect=np.zeros((1, 1), dtype=bool),
    )
    return len(engine.features(Measures(panel), engine_params.read(engine.Params, {})))


def instrument_tasks(*, market: str, version: str, count: int) -> Answer:
    """Seconds from the first of `count` tasks of one instrument each to the end of the last."""
    codes = sorted(_table(market).names)[:count]
    Task.objects.filter(func=INSTRUMENT_TASK).delete()
    began = timezone.now()
    for code in codes:
        async_task(INSTRUMENT_TASK, market, version, code, q_options={"cluster": queue_key("high")})
    ended = Task.objects.filter(func=INSTRUMENT_TASK)
    wait_for(lambda: ended.count() == len(codes))
    failed = ended.filter(success=False).first()
    if failed is not None:
        raise RuntimeError(f"A task of one instrument failed: {failed.result}")
    return {"seconds": (max(ended.values_list("stopped", flat=True)) - began).total_seconds(), "tasks": len(codes)}


def session_requests(
    *, market: str, version: str, days: Sequence[str], turn: int, executor: str = "auto", publishes: bool = True
) -> Answer:
    """The same of requests: one for each of `days`, or one draft of all of them where it does not publish."""
    spans = [(day, day) for day in days] if publishes else [(days[0], days[-1])]
    began, numbers = timezone.now(), []
    for first, last in spans:
        queued = queue.queue_request(
            market=market,
            as_of=AS_OF,
            requested_by="bench",
            versions=[version],
            first=date.fromisoformat(first),
            last=date.fromisoformat(last),
            limits={"KOSPI": LIMITS[turn % 2]},  # the same picks from other parameters, so that it publishes
            top=None if publishes else 10,
            publishes=publishes,
            executor=executor,
        )
        numbers.append(queued.request.pk)
    rows = ScanRequest.objects.filter(pk__in=numbers)
    wait_for(lambda: not rows.filter(finished_at=None).exists())
    for row in rows:
        require_done(row)
    return {"seconds": (max(row.finished_at or began for row in rows) - began).total_seconds(), "tasks": len(numbers)}


def draft_turns(
    *, market: str, version: str, spans: Sequence[Sequence[str]], turns: Sequence[str], runs: int
) -> Answer:
    """Seconds of a draft of each of `spans` by each executor of `turns`, after one round that is not counted."""
    seconds: list[list[list[float]]] = [[[] for _ in turns] for _ in spans]
    for turn in range(runs + 1):
        for days, of_span in zip(spans, seconds, strict=True):
            for executor, spent in zip(turns, of_span, strict=True):
                options: dict[str, Any] = {"turn": turn, "executor": executor, "publishes": False}
                done = session_requests(market=market, version=version, days=days, **options)
                if turn:
                    spent.append(done["seconds"])
    return {"seconds": seconds}


def evening(*, market: str, versions: Sequence[str], day: str, turns: Sequence[bool]) -> Answer:
    """Seconds of an evening of one session whose versions run together or, where the turn says so, in parallel; after
    one that is not counted."""
    session = date.fromisoformat(day)
    options = evenings.EveningRequest(market, versions, session, collects=False, notifies=False)
    seconds: list[list[float]] = [[] for _ in turns]
    for counted in (False, True):
        for parallel, spent in zip(turns, seconds, strict=True):
            ScanSession.objects.filter(market=market, date=session).delete()
            row = TaskRecord.objects.create(
                id=uuid.uuid4().hex,
                kind="evening",
                queue="low",
                name="evening",
                attempts=1,
                status=TaskStatus.RUNNING,
                worker=attempts.WorkerLease.name(),
                **dict.fromkeys(("queued_at", "sent_at", "started_at"), timezone.now()),
            )
            began = time.perf_counter()
            attempts.attempt(row, lambda: _run(replace(options, parallel=parallel)))  # noqa: B023
            if counted:
                spent.append(time.perf_counter() - began)
    return {"seconds": seconds}


def _run(options: evenings.EveningRequest) -> str:
    report = evenings.run_evening(options, clock=timezone.now, warm_up=lambda market, slugs: None)
    if report.failures():
        raise RuntimeError(" ".join(report.failures()))
    return str(report.outcome)
