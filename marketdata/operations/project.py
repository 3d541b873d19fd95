"""Rewrites the lake's partitions from the record.

1. Read the partition's `wanted` generation, then its rows: what is committed later raises `wanted` again.
2. Of several sources for one bar keep the preferred; join factor events and what was known of each instrument that day.
3. Write the file (beside, sync, rename), then say so in the record.

A crash anywhere leaves the partition marked, and the next projection repairs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from numpy.typing import NDArray

from marketdata import membership
from marketdata.errors import LakeError
from marketdata.lake import writer
from marketdata.lake.footers import Part, survey
from marketdata.lake.layout import Lake
from marketdata.models import FactorEvent, InstrumentStatus, LakePartition
from marketdata.operations import bulk, market_index

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection did."""

    partitions: int
    rows: int
    bytes: int


class ProjectionFailed(Exception):
    """A partition could not be written; the message says which and why. It stays marked."""


def lake() -> Lake:
    """The configured lake."""
    return Lake(str(settings.LAKE_DIR))


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
    statements = _Statements(market if partitions else "")
    rows = size = 0
    for n, partition in enumerate(partitions):
        written = _project(partition, statements)
        rows, size = rows + written.rows, size + written.bytes
        if progress:
            progress(f"{partition.month:%Y-%m}", n + 1, len(partitions))
    market_index.refresh(lake(), market)
    return Projected(len(partitions), rows, size)


def bring_up_to_date(market: str) -> None:
    """Project what is stale, and what the record says is in place but is missing, broken or older in the lake."""
    broken = []
    for partition in LakePartition.objects.filter(market=market, wanted=F("written")):
        part = Part(partition.month, lake().partition(market, partition.month), partition.written)
        try:
            survey(lake(), [part])
        except LakeError:
            broken.append(partition.month)
    if broken:
        LakePartition.objects.filter(market=market, month__in=broken).update(wanted=F("wanted") + 1)
    project(market)


def _project(partition: LakePartition, statements: _Statements) -> writer.Written:
    market, month, generation = partition.market, partition.month, partition.wanted
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    bars = _bars(market, month, following, statements)
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


def _bars(market: str, month: date, following: date, statements: _Statements) -> writer.Bars:
    rows = bulk.month_rows(market, month, following - timedelta(days=1))
    order = _preferred(rows)
    happened = FactorEvent.objects.filter(market=market, date__gte=month, date__lt=following)
    events = list(
        happened.order_by("stock_code", "date").values_list("stock_code", "date", "ratio")
    )
    named = np.array([event[0] for event in events], dtype=str)
    codes = np.union1d(rows.codes, named) if events else rows.codes
    code = np.searchsorted(codes, rows.codes).astype(np.int32)[rows.code[order]]
    day = rows.date[order]
    values = {name: rows.values[name][order] for name in bulk.COLUMNS}
    values["ratio"] = np.full(len(order), np.nan)
    ev_code = np.searchsorted(codes, named).astype(np.int32)
    ev_day = np.array([event[1] for event in events], dtype="datetime64[D]")
    ev_ratio = np.array([event[2] for event in events], dtype=np.float64)
    row = _find(code, day, ev_code, ev_day)
    values["ratio"][row[row >= 0]] = ev_ratio[row >= 0]
    # A base price knows better than an event.
    kept = (row < 0) | np.isnan(values["base_price"][row]) if len(code) else row < 0
    segment, flags = statements.at(codes, code, day)
    return writer.Bars(
        codes=codes,
        segments=(*statements.segments, ""),
        code=code,
        date=day,
        values=values,
        segment=np.where(segment < 0, len(statements.segments), segment).astype(np.int32),
        flags=flags,
        events=(ev_code[kept], ev_day[kept], ev_ratio[kept]),
    )


def _preferred(rows: bulk.Rows) -> NDArray[np.intp]:
    """The rows to keep, in the order (code, date): one for each pair, the preferred source's."""
    ranks = membership.preference(rows.sources.tolist(), settings.SOURCE_ORDER)
    rank = np.array([ranks[name] for name in rows.sources.tolist()], dtype=np.int64)[rows.source]
    order = np.lexsort((rank, rows.date, rows.code))
    code, day = rows.code[order], rows.date[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (code[1:] != code[:-1]) | (day[1:] != day[:-1])
    return order[first]


def _find(
    code: NDArray[np.int32],
    day: NDArray[np.datetime64],
    wanted_code: NDArray[np.int32],
    wanted_day: NDArray[np.datetime64],
) -> NDArray[np.intp]:
    """The row of each wanted (code, day), -1 where there is none; the rows are in that order."""
    keys = code.astype(np.int64) << 32 | day.astype(np.int64)
    wanted = wanted_code.astype(np.int64) << 32 | wanted_day.astype(np.int64)
    if not len(keys):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


class _Statements:
    """What is known of the market's instruments, read once for a projection of many months."""

    def __init__(self, market: str) -> None:
        rows = list(
            InstrumentStatus.objects.filter(instrument__market=market).values_list(
                "instrument__code", "valid_from", "source", "segment", "kind", "managed", "caution"
            )
        )
        columns = list(zip(*rows, strict=True)) if rows else [()] * 7
        self.codes, code = np.unique(np.array(columns[0], dtype=str), return_inverse=True)
        ranks = membership.preference(list(columns[2]), settings.SOURCE_ORDER)
        self.segments = tuple(sorted({name for name in columns[3] if name}))
        number = {name: n for n, name in enumerate(self.segments)}
        self.known = membership.Statements(
            code=code.astype(np.int64),
            day=np.array(columns[1], dtype="datetime64[D]"),
            preference=np.array([ranks[name] for name in columns[2]], dtype=np.int64),
            segments=self.segments,
            segment=np.array([number.get(name, -1) for name in columns[3]], dtype=np.int8),
            common=_trit([None if kind is None else kind == "common" for kind in columns[4]]),
            managed=_trit(columns[5]),
            caution=_trit(columns[6]),
        )

    def at(
        self, codes: NDArray[np.str_], code: NDArray[np.int32], day: NDArray[np.datetime64]
    ) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Segment and flags of each row; `code` indexes `codes`."""
        if not len(self.codes):
            return np.full(len(code), -1, np.int8), np.zeros(len(code), np.uint8)
        found = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        known = np.where(self.codes[found] == codes, found, len(self.codes))
        return self.known.at(known[code].astype(np.int64), day)


def _trit(said: Iterable[bool | None]) -> NDArray[np.int8]:
    return np.array([-1 if one is None else int(one) for one in said], dtype=np.int8)
