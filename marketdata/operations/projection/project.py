"""Rewrites the lake's partitions from the record: months of bars (`project`) and of investor flow (`project_flows`).

1. Read the partition's `wanted` generation, then its rows (`assemble`): what is committed later raises `wanted` again.
2. Write the file (beside, sync, rename), then say so in the record.

A crash anywhere leaves the partition marked, and the next projection repairs it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db.models import F, QuerySet
from django.utils import timezone

from marketdata.errors import DataProblem, LakeError
from marketdata.lake import flow_files, whole, writer
from marketdata.lake.footers import Part
from marketdata.models import FlowPartition, LakePartition, Partition
from marketdata.operations.projection import breaks, market_index
from marketdata.operations.projection import partitions as assemble
from marketdata.queries.bars import flow_record, lake, record
from marketdata.record import FlowRecord, Record

Progress = Callable[[str, int, int], None]
Write = Callable[[date, int], writer.Written | flow_files.FlowsWritten]
Kind = TypeVar("Kind", LakePartition, FlowPartition)
T = TypeVar("T")
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection did."""

    partitions: int
    rows: int
    bytes: int

    def __add__(self, other: Projected) -> Projected:
        return Projected(self.partitions + other.partitions, self.rows + other.rows, self.bytes + other.bytes)


class ProjectionFailed(DataProblem):
    """A partition could not be written; the message says which and why. It stays marked."""


def project(
    market: str,
    *,
    rebuild: bool = False,
    months: Iterable[date] | None = None,
    progress: Progress | None = None,
) -> Projected:
    """Rewrite the stale partitions of `market` (all with `rebuild`; of `months` only where given), then its breaks and
    its index. A partition that turns out to be damaged as the index is computed is rewritten too."""
    done = _project_bars(market, rebuild, months, progress)
    try:
        _refresh(market)
    except LakeError:
        mark_broken(market)
        done += _project_bars(market, False, None, progress)
        _refresh(market)
    return done


def _refresh(market: str) -> None:
    """Bring what is computed from the whole lake up to date: the breaks, and the index that leaves them out."""
    market_index.refresh(lake(), market, breaks.refresh(lake(), market))


def _project_bars(market: str, rebuild: bool, months: Iterable[date] | None, progress: Progress | None) -> Projected:
    chosen = LakePartition.objects.filter(market=market)
    _mark_other_sessions(market)
    if months is not None:
        chosen = chosen.filter(month__in=list(months))
    partitions = _stale(chosen, rebuild)
    statements = assemble.Statements(market if partitions else "")

    def write(month: date, generation: int) -> writer.Written:
        bars, orders, closed = assemble.partition(market, month, statements)
        written = writer.write(lake(), market, month, bars, generation=generation)
        LakePartition.objects.filter(market=market, month=month, written__lte=generation).update(
            orders={day.isoformat(): order for day, order in orders.items()},
            closed={day.isoformat(): why for day, why in closed.items()},
        )
        return written

    return _projected(partitions, write, progress)


def project_flows(market: str, *, rebuild: bool = False, progress: Progress | None = None) -> Projected:
    """Rewrite the stale files of investor flow of `market` (all with `rebuild`)."""
    partitions = _stale(FlowPartition.objects.filter(market=market), rebuild)

    def write(month: date, generation: int) -> flow_files.FlowsWritten:
        flows = assemble.flows(market, month)
        return flow_files.write(lake(), market, month, flows, generation=generation)

    return _projected(partitions, write, progress)


def current(market: str) -> Record:
    """What is recorded of `market`, once the lake has caught up with what was written since."""
    held = record(market)
    if held.stale:
        project(market)
        held = record(market)
    return held


def current_flows(market: str) -> FlowRecord:
    """What is recorded of the market's investor flow, once the lake has caught up with it."""
    held = flow_record(market)
    if held.stale:
        project_flows(market)
        held = flow_record(market)
    return held


def mended(held: Record, read: Callable[[Record], T]) -> T:
    """What `read` makes of the record. Where it meets a file of the lake that is missing, damaged or behind, the lake
    is mended from the record, and it reads once more; LakeError where that does not help."""
    try:
        return read(held)
    except LakeError:
        bring_up_to_date(held.market.name)
        return read(record(held.market.name))


def _mark_other_sessions(market: str) -> None:
    """Mark the partitions whose sessions are no longer those of the calendar: a day was closed or opened since."""
    chosen = LakePartition.objects.filter(market=market, month__in=record(market).stale)
    chosen.filter(wanted=F("written")).update(wanted=F("wanted") + 1)


def bring_up_to_date(market: str) -> None:
    """Project what is stale, and what the record says is in place but is missing, damaged or another in the lake."""
    mark_broken(market)
    project(market)
    project_flows(market)


def mark_broken(market: str) -> None:
    """Mark the partitions whose file is missing, damaged or not the one the record says was written; every file is read
    whole."""
    broken = []
    for kind, path, read in (
        (LakePartition, lake().partition, whole.bars),
        (FlowPartition, lake().flows, whole.flows),
    ):
        for row in kind._default_manager.filter(market=market, wanted=F("written")):
            part = Part(row.month, path(market, row.month), row.written, row.digest)
            try:
                read(lake(), part)
            except LakeError as error:
                broken.append(str(error))
                found: dict[str, Any] = {"wanted": F("wanted") + 1}
                if not isinstance(error.__cause__, FileNotFoundError):
                    found["damage_seen_at"] = timezone.now()
                kind._default_manager.filter(pk=row.pk, wanted=row.wanted).update(**found)
    if broken:
        LOGGER.warning(
            "%d months of the lake of market %s are written anew from the record, the first of them because %s",
            len(broken), market, broken[0],
        )  # fmt: skip


def _stale(chosen: QuerySet[Kind], rebuild: bool) -> list[Kind]:
    """Those of the partitions that are to be rewritten, all of them with `rebuild`."""
    if rebuild:
        chosen.update(wanted=F("wanted") + 1)
    else:
        chosen = chosen.exclude(wanted=F("written"))
    return list(chosen.order_by("month"))


def _projected(partitions: Sequence[Partition], write: Write, progress: Progress | None) -> Projected:
    rows = size = 0
    for n, partition in enumerate(partitions):
        written = _project(partition, write)
        rows, size = rows + written.rows, size + written.bytes
        if progress:
            progress(f"{partition.month:%Y-%m}", n + 1, len(partitions))
    return Projected(len(partitions), rows, size)


def _project(partition: Partition, write: Write) -> writer.Written | flow_files.FlowsWritten:
    market, month, generation = partition.market, partition.month, partition.wanted
    try:
        written = write(month, generation)
    except OSError as error:
        raise ProjectionFailed(
            f"The lake partition {market} {month:%Y-%m} could not be written ({error.strerror or error}): "
            "nothing is lost; make room and run `manage.py project_lake`."
        ) from error
    mine = type(partition)._default_manager.filter(pk=partition.pk, written__lte=generation)
    mine.update(
        written=generation,
        rows=written.rows,
        bytes=written.bytes,
        digest=written.digest,
        sessions=written.sessions,
        written_at=timezone.now(),
    )
    return written
