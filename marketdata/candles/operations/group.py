"""Candles of several series as a task group: each member collects one series, and the task joins their outcomes.

All members share the pace of the exchange's calls, as other processes do. A member that is done again, since its worker
was lost, resumes the collection of that one: recorded chunks are not requested twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

from marketdata.candles.collector.collections import CollectionStatus
from marketdata.candles.collector.planner import CandleRequest, RequestError, resolve
from marketdata.candles.operations.advice import advised_pace
from marketdata.candles.operations.collect import collect
from marketdata.candles.operations.sources import candle_source
from marketdata.number_format import count_of
from marketdata.operations.tasks.groups import member_permit, run_group
from marketdata.operations.tasks.queueing import enqueue
from marketdata.sources.base import SourceRefused, SourceUnavailable

LOGGER = logging.getLogger(__name__)
TIMES = ("before", "start", "end")


def queue_series(source: str, requests: Sequence[CandleRequest], *, as_of: datetime) -> str:
    """Queue the collection of several series; returns the number of its task. RequestError and SourceRefused where one
    cannot be collected."""
    with closing(candle_source(source)) as exchange:
        for request in requests:
            resolve(request, calendar=exchange.calendar, as_of=as_of)
    name = f"candles of {len(requests):,} series from {source}"
    return enqueue("candle collection", source=source, requests=[request_json(each) for each in requests], name=name)


def collect_series(source: str, requests: Sequence[Mapping[str, Any]], *, as_of: datetime) -> str:
    """Collect the series in this task's group; returns the result as text, one sentence for each that is incomplete."""
    members = [{"source": source, "request": dict(request), "as_of": as_of.isoformat()} for request in requests]
    ended = run_group("candle series", "series", members)
    results = [member.result for member in ended if member.result]
    rows, calls = (sum(result[name] for result in results) for name in ("rows", "calls"))
    done = sum(result["status"] == CollectionStatus.DONE for result in results)
    text = f"{done} of {len(ended):,} series from {source} complete: {count_of(rows, 'row')}"
    problems = []
    for request, member in zip(requests, ended, strict=True):
        error = member.error or (member.result or {}).get("error", "")
        if error:
            problems.append(f"{request['market']} {request['timeframe']}: {error}")
    summary = " ".join([f"{text} in {count_of(calls, 'call')}.", *problems])
    LOGGER.info("%s", summary)
    return summary


def collect_member(source: str, request: Mapping[str, Any], *, as_of: datetime) -> dict[str, Any]:
    """Collect one series as a member of a group; returns its outcome as JSON types. What a later attempt may collect is
    raised."""
    try:
        with closing(candle_source(source, per_second=advised_pace(source))) as exchange:
            report = collect(source=exchange, request=_request(request), as_of=as_of, permit=member_permit)
    except (RequestError, SourceRefused) as error:
        return {"status": CollectionStatus.FAILED, "rows": 0, "calls": 0, "collection": None, "error": str(error)}
    outcome = report.outcome
    if outcome.status is CollectionStatus.STOPPED:
        raise SourceUnavailable(outcome.error)
    return {
        "status": outcome.status,
        "rows": outcome.progress.rows,
        "calls": outcome.progress.calls,
        "collection": outcome.collection.number,
        "error": outcome.error,
    }


def request_json(request: CandleRequest) -> dict[str, Any]:
    """The request as JSON types."""
    times = {name: getattr(request, name) for name in TIMES}
    return asdict(request) | {name: time and time.isoformat() for name, time in times.items()}


def _request(values: Mapping[str, Any]) -> CandleRequest:
    times = {name: values[name] and datetime.fromisoformat(values[name]) for name in TIMES}
    return CandleRequest(**{**values, **times})
