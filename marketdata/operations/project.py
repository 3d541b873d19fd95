"""Rewrites the lake's partitions from the record.

1. Read the partition's `wanted` generation, then its rows (`assemble`): what is committed later raises `wanted` again.
2. Write the file (beside, sync, rename), then say so in the record.

A crash anywhere leaves the partition marked, and the next projection repairs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import F
from django.utils import timezone

from marketdata import queries
from marketdata.errors import DataProblem, LakeError
from marketdata.lake import writer
from marketdata.lake.footers import Part, survey
from marketdata.models import LakePartition
from marketdata.operations import assemble, market_index
from marketdata.queries import lake
from marketdata.record import Record

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection did."""

    partitions: int
    rows: int
    bytes: int


class ProjectionFailed(DataProblem):
    """A partition could not be written; the message says which and why. It stays marked."""


def project(
    market: str,
    *,
    rebuild: bool = False,
    months: Iterable[date] | None = None,
    progress: Progress | None = None,
) -> Projected:
    """Rewrite the stale partitions of `market` (all with `rebuild`; of `months` only where given), then its index."""
    chosen = LakePartition.objects.filter(market=market)
    if months is not None:
        chosen = chosen.filter(month__in=list(months))
    if rebuild:
        chosen.update(wanted=F("wanted") + 1)
    else:
        chosen = chosen.exclude(wanted=F("written"))
    partitions = list(chosen.order_by("month"))
    statements = assemble.Statements(market if partitions else "")
    rows = size = 0
    for n, partition in enumerate(partitions):
        written = _project(partition, statements)
        rows, size = rows + written.rows, size + written.bytes
        if progress:
            progress(f"{partition.month:%Y-%m}", n + 1, len(partitions))
    market_index.refresh(lake(), market)
    return Projected(len(partitions), rows, size)


def current(market: str) -> Record:
    """What is recorded of `market`, once the lake has caught up with what was written since."""
    held = queries.record(market)
    if held.stale:
        project(market)
        held = queries.record(market)
    return held


def bring_up_to_date(market: str) -> None:
    """Project what is stale, and what the record says is in place but is missing, broken or older in the lake."""
    mark_broken(market)
    project(market)


def mark_broken(market: str) -> None:
    """Mark the partitions whose file is missing, broken or not the one the record says was written."""
    broken = []
    for partition in LakePartition.objects.filter(market=market, wanted=F("written")):
        part = Part(partition.month, lake().partition(market, partition.month), partition.written)
        try:
            survey(lake(), [part])
        except LakeError:
            broken.append(partition.month)
    if broken:
        LakePartition.objects.filter(market=market, month__in=broken).update(wanted=F("wanted") + 1)


def _project(partition: LakePartition, statements: assemble.Statements) -> writer.Written:
    market, month, generation = partition.market, partition.month, partition.wanted
    bars = assemble.bars(market, month, statements)
    try:
        written = writer.write(lake(), market, month, bars, generation=generation)
    except OSError as error:
        raise ProjectionFailed(
            f"The lake partition {market} {month:%Y-%m} could not be written ({error.strerror or error}): "
            "nothing is lost; make room and run `manage.py project_lake`."
        ) from error
    LakePartition.objects.filter(pk=partition.pk, written__lte=generation).update(
        written=generation,
        rows=written.rows,
        bytes=written.bytes,
        digest=written.digest,
        sessions=written.sessions,
        written_at=timezone.now(),
    )
    return written
