"""Rewrites the lake's partitions from the record: months of bars (`project_bars`), of investor flow (`project_flows`).

1. Read the partition's `wanted` generation, then its rows (`partitions`); a later commit raises `wanted` again.
2. Write the file beside its place (temporary file, fsync).
3. In one transaction that holds the partition's row: rename the file, and mark the partition as written. Where a later
   generation has been written, neither is done (`Superseded`): several processes may project at once.

A crash at any point leaves the partition marked, and the next projection repairs it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from marketdata.errors import DataProblem, LakeError
from marketdata.lake import flow_files, verified_reader, writer
from marketdata.lake.footers import Part, is_away
from marketdata.models import FlowPartition, LakePartition, Partition
from marketdata.operations import generations
from marketdata.operations.projection import break_table, index_table, partitions
from marketdata.queries.records import get_lake, get_record

Progress = Callable[[str, int, int], None]
Summary = TypeVar("Summary", writer.PartitionSummary, flow_files.FlowFileSummary)
Write = Callable[[Partition], writer.PartitionSummary | flow_files.FlowFileSummary]
Kind = TypeVar("Kind", LakePartition, FlowPartition)
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """Counts of a projection: partitions rewritten, their rows and bytes."""

    partitions: int
    rows: int
    bytes: int

    def __add__(self, other: ProjectionReport) -> ProjectionReport:
        return ProjectionReport(self.partitions + other.partitions, self.rows + other.rows, self.bytes + other.bytes)


class Superseded(Exception):
    """A later generation of the partition has been written meanwhile."""


class ProjectionFailed(DataProblem):
    """A partition could not be written; the message says which and why. It stays marked."""


def project_bars(
    market: str, *, rebuild: bool = False, months: Iterable[date] | None = None, progress: Progress | None = None
) -> ProjectionReport:
    """Rewrite the stale partitions of `market` (all with `rebuild`; of `months` only where given), then its breaks and
    its index. A partition that turns out to be damaged as the index is computed is rewritten too. Where histories then
    begin on other sessions than before, by a closed day or a break, a new generation of the market begins."""
    _move_former(market)
    done = _project_bars(market, rebuild, months, progress)
    try:
        _refresh(market)
    except LakeError:
        mark_damaged(market)
        done += _project_bars(market, False, None, progress)
        _refresh(market)
    return done


def _move_former(market: str) -> None:
    """Move the files of an older release, which lay among the bars; the index last, by which they are noticed."""
    lake = get_lake()
    of_market = [lake.breaks(market), lake.index(market)]
    if any(map(lake.has_former, of_market)):
        months = LakePartition.objects.filter(market=market).values_list("month", flat=True)
        flow_months = FlowPartition.objects.filter(market=market).values_list("month", flat=True)
        of_months = [*(lake.flows(market, month) for month in flow_months), *(lake.caps(market, one) for one in months)]
        lake.move_former([*of_months, *of_market])


def _refresh(market: str) -> None:
    """Update the files computed from the whole lake: the breaks, and the index, which leaves them out."""
    index_table.refresh(get_lake(), market, break_table.refresh(get_lake(), market))


def _project_bars(
    market: str, rebuild: bool, months: Iterable[date] | None, progress: Progress | None
) -> ProjectionReport:
    chosen = LakePartition.objects.filter(market=market)
    _mark_other_sessions(market)
    if months is not None:
        chosen = chosen.filter(month__in=list(months))
    stale = _stale(chosen, rebuild)
    statuses = partitions.MarketStatuses(market if stale else "")

    def write(row: Partition) -> writer.PartitionSummary:
        bars, orders, closed = partitions.partition_rows(market, row.month, statuses)
        days: dict[str, dict[str, Any]] = {
            "orders": {day.isoformat(): order for day, order in orders.items()},
            "closed": {day.isoformat(): why for day, why in closed.items()},
        }

        def within(place: Callable[[], writer.PartitionSummary]) -> writer.PartitionSummary:
            return _place(row, place, days)

        return writer.write(get_lake(), market, row.month, bars, generation=row.wanted, within=within)

    return _write_all(stale, write, progress)


def project_flows(market: str, *, rebuild: bool = False, progress: Progress | None = None) -> ProjectionReport:
    """Rewrite the stale files of investor flow of `market` (all with `rebuild`)."""
    stale = _stale(FlowPartition.objects.filter(market=market), rebuild)

    def write(row: Partition) -> flow_files.FlowFileSummary:
        flows = partitions.flow_rows(market, row.month)
        within = partial(_place, row)
        return flow_files.write(get_lake(), market, row.month, flows, generation=row.wanted, within=within)

    return _write_all(stale, write, progress)


def _mark_other_sessions(market: str) -> None:
    """Mark the partitions whose sessions are no longer those of the calendar: a day was closed or opened since. One
    that has been written meanwhile is not what was looked at."""
    record = get_record(market)
    chosen = LakePartition.objects.filter(market=market, wanted=F("written"))
    for part in record.parts:
        if part.month in record.stale and part.generation is not None:
            chosen.filter(month=part.month, written=part.generation).update(wanted=F("wanted") + 1)


def update_lake(market: str) -> None:
    """Rewrite the partitions that are stale, and those whose file is missing, damaged or not the recorded one."""
    mark_damaged(market)
    project_bars(market)
    if not index_table.has_caps(get_record(market)):
        get_lake().delete(get_lake().index(market))
        _refresh(market)
    project_flows(market)


def mark_damaged(market: str) -> None:
    """Mark the partitions whose file is missing, damaged or not the recorded one; every file is read whole. LakeError
    where a lake in a bucket cannot be read: nothing is marked from then on."""
    damage = []
    for kind, path, read in (
        (LakePartition, get_lake().partition, verified_reader.read_bars),
        (FlowPartition, get_lake().flows, verified_reader.read_flows),
    ):
        for row in kind._default_manager.filter(market=market, wanted=F("written")):
            part = Part(row.month, path(market, row.month), row.written, row.digest)
            try:
                read(get_lake(), part)
            except LakeError as error:
                if is_away(get_lake(), error.__cause__):
                    raise
                damage.append(str(error))
                update: dict[str, Any] = {"wanted": F("wanted") + 1}
                if not isinstance(error.__cause__, FileNotFoundError):
                    update["damage_seen_at"] = timezone.now()
                kind._default_manager.filter(pk=row.pk, wanted=row.wanted).update(**update)
    if damage:
        LOGGER.warning(
            "%d months of the lake of market %s are written anew from the record, the first of them because %s",
            len(damage), market, damage[0],
        )  # fmt: skip


def _stale(chosen: QuerySet[Kind], rebuild: bool) -> list[Kind]:
    """The partitions to rewrite: the stale ones of `chosen`, or all with `rebuild`."""
    if rebuild:
        chosen.update(wanted=F("wanted") + 1)
    else:
        chosen = chosen.exclude(wanted=F("written"))
    return list(chosen.order_by("month"))


def _write_all(stale: Sequence[Partition], write: Write, progress: Progress | None) -> ProjectionReport:
    rows = size = 0
    for n, partition in enumerate(stale):
        written = _write_partition(partition, write)
        if written:
            rows, size = rows + written.rows, size + written.bytes
        if progress:
            progress(f"{partition.month:%Y-%m}", n + 1, len(stale))
    return ProjectionReport(len(stale), rows, size)


def _write_partition(partition: Partition, write: Write) -> writer.PartitionSummary | flow_files.FlowFileSummary | None:
    """The summary of the partition's new file; None where a later generation was written meanwhile."""
    try:
        return write(partition)
    except Superseded:
        return None
    except OSError as error:
        raise ProjectionFailed(
            f"The lake partition {partition.market} {partition.month:%Y-%m} could not be written "
            f"({error.strerror or error}): nothing is lost; "
            f"{'check the bucket' if get_lake().is_remote else 'make room'} and run `manage.py project_lake`."
        ) from error


def _place(
    row: Partition, place: Callable[[], Summary], days: Mapping[str, Mapping[str, Any]] | None = None
) -> Summary:
    """Put the file of the partition `row` in its place by `place`, and mark it as written, with its `days`: the orders
    of its sources and what is closed. Superseded where a later generation has been written."""
    with transaction.atomic():
        now = type(row)._default_manager.select_for_update().get(pk=row.pk)
        if now.written > row.wanted:
            raise Superseded
        written = place()
        if days and isinstance(now, LakePartition) and now.closed != days["closed"]:
            generations.advance(row.market)
        type(row)._default_manager.filter(pk=row.pk).update(
            written=row.wanted,
            rows=written.rows,
            bytes=written.bytes,
            digest=written.digest,
            sessions=written.sessions,
            written_at=timezone.now(),
            **(days or {}),
        )
    return written
