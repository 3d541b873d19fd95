"""The record with a lake that has all of it: stale partitions are rewritten before, damaged files on reading.

What rewrites (`project`) is imported where there is something to rewrite.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.db.models import F

from marketdata.errors import LakeError
from marketdata.models import LakePartition
from marketdata.queries.records import get_flow_record, get_record
from marketdata.record import FlowRecord, Record

T = TypeVar("T")


def current_record(market: str) -> Record:
    """The record of `market`, after its stale partitions have been rewritten."""
    current = get_record(market)
    if current.stale:
        from marketdata.operations.projection import project

        project.project_bars(market)
        current = get_record(market)
    return current


def refresh_stale(market: str) -> None:
    """Rewrite the stale partitions of `market`; one short statement where there are none."""
    if LakePartition.objects.filter(market=market).exclude(wanted=F("written")).exists():
        from marketdata.operations.projection import project

        project.project_bars(market)


def current_flow_record(market: str) -> FlowRecord:
    """The record of the market's investor flow, after its stale partitions have been rewritten."""
    current = get_flow_record(market)
    if current.stale:
        from marketdata.operations.projection import project

        project.project_flows(market)
        current = get_flow_record(market)
    return current


def read_with_repair(current: Record, read: Callable[[Record], T]) -> T:
    """The result of `read(current)`. Where it meets a file of the lake that is missing, damaged or stale, it reads once
    more if the lake has been written meanwhile, else after a repair from the record; LakeError where that does not
    help."""
    name = current.market.name
    with suppress(LakeError):
        return read(current)
    latest = current_record(name)
    if latest.parts != current.parts:
        with suppress(LakeError):
            return read(latest)
    from marketdata.operations.projection import project

    project.update_lake(name)
    return read(get_record(name))
