"""Writer of partitions.

Sorted by (code, date), zstd, floats byte-stream split (the smallest and the fastest to read of the encodings tried on
KRX bars; see the README), codes and segments as dictionaries, row groups that begin and end with an instrument and
carry statistics of code and date, so that one instrument's bars lie in one row group a month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import sealed_files
from marketdata.lake import digest, schema
from marketdata.lake.layout import Lake
from marketdata.markets import get_market

CODES_PER_GROUP = 1024
CAPS = ("market_cap", "shares")

SessionTuple = tuple[int, str, int, int, int, int, str]
RowDigests = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Of each row, (R,): a digest without its market cap and shares, and one of these, 0 where it has neither."""


@dataclass(frozen=True, slots=True)
class Bars:
    """The rows of one partition as columns, all (R,), sorted by (code, date), one row per pair; NaN is missing.

    `code` and `segment` index `codes` and `segments`; codes ascending. `events` are factor events without a base
    price: (index into codes, date, ratio) columns; a code may have events and no rows. `repeated`: ISO date ->
    how many bars that traded repeat the session before, of the days on which any does.
    """

    codes: NDArray[np.str_]
    segments: tuple[str, ...]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: dict[str, NDArray[np.float64]]
    segment: NDArray[np.int32]
    flags: NDArray[np.uint8]
    events: tuple[NDArray[np.int32], NDArray[np.datetime64], NDArray[np.float64]]
    repeated: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionSummary:
    """Summary of a written partition: rows, bytes, the partition's digest, and ISO date -> (bars, digest in hex, how
    many of the bars are of common stock in good standing of the market's own segments, how many of those traded, how
    many of all bars traded, how many of those repeat the session before, digest of the market caps in hex)."""

    rows: int
    bytes: int
    digest: str
    sessions: dict[str, SessionTuple]


def write(
    lake: Lake,
    market: str,
    month: date,
    bars: Bars,
    *,
    generation: int,
    within: Callable[[Callable[[], PartitionSummary]], PartitionSummary] = lambda place: place(),
) -> PartitionSummary:
    """Put the partition of `month` in its place; OSError where the disk does not take it. `within` calls what does so,
    when the file is ready beside its place; its exception, as any other, leaves the old file."""
    digests = row_digests(bars)
    partition_roster, sessions = roster(bars, digests, market, month, generation)
    table = _table(bars)
    path = lake.partition(market, month)

    def put(stream: pa.NativeFile) -> None:
        sealed_files.write_sealed_file(
            table,
            stream,
            _groups(bars.code),
            metadata=partition_roster.encode(path),
            compression="zstd",
            compression_level=1,
            use_dictionary=["code", "date", "segment", "flags"],
            use_byte_stream_split=[*schema.FLOATS, *schema.NULLABLE],
            write_statistics=["code", "date"],
        )

    with lake.staged(path, put) as rename:
        return within(lambda: PartitionSummary(table.num_rows, rename(), partition_roster.digest, sessions))


def row_digests(bars: Bars) -> RowDigests:
    """The digests of each row: what every answer depends on, and apart from it what few do."""
    keys = digest.words(bars.codes)[bars.code] if len(bars.codes) else np.empty(0, np.uint64)
    names = digest.words(bars.segments)
    columns: list[NDArray[np.generic]] = [bars.date.astype(np.int64)]
    columns += [bars.values[name] for name in (*schema.FLOATS, *schema.NULLABLE) if name not in CAPS]
    columns += [names[bars.segment] if len(names) else bars.segment, bars.flags]
    caps = [bars.values[name] for name in CAPS]
    cap_digests = digest.rows(keys, [bars.date.astype(np.int64), *caps])
    cap_digests[np.all([np.isnan(column) for column in caps], axis=0)] = 0
    return digest.rows(keys, columns), cap_digests


def roster(
    bars: Bars, digests: RowDigests, market: str, month: date, generation: int
) -> tuple[schema.Roster, dict[str, SessionTuple]]:
    """The partition's metadata, and its sessions with their bars and digests."""
    count = len(bars.codes)
    first = np.datetime64(month)
    day = (bars.date - first).astype(np.int64)
    traded = bars.values["volume"] > 0
    based = np.isfinite(bars.values["base_price"])
    step = _steps(bars, traded, based)

    ev_code, ev_date, ev_ratio = bars.events
    ev_day = (ev_date - first).astype(np.int64)
    ev_digests = digest.rows(
        digest.words(bars.codes)[ev_code] if count else np.empty(0, np.uint64), [ev_date.astype(np.int64), ev_ratio]
    )
    per_code = digest.total(digests[0] + digests[1], bars.code.astype(np.intp), count)
    per_code += digest.total(ev_digests, ev_code.astype(np.intp), count)
    per_day = digest.total(digests[0], day, 32) + digest.total(ev_digests, ev_day, 32)
    caps_per_day = digest.total(digests[1], day, 32)
    bars_per_day = np.bincount(day, minlength=32)
    own = np.array([name in get_market(market).segments for name in bars.segments] or [False])
    good = own[bars.segment] & (bars.flags == 0)
    good_per_day, trading_per_day, traded_per_day = (
        np.bincount(day[rows], minlength=32) for rows in (good, good & traded, traded)
    )
    sessions = {
        str(first + int(at)): (
            int(bars_per_day[at]),
            f"{int(per_day[at]):016x}",
            int(good_per_day[at]),
            int(trading_per_day[at]),
            int(traded_per_day[at]),
            bars.repeated.get(str(first + int(at)), 0),
            f"{int(caps_per_day[at]):016x}" if caps_per_day[at] else "",
        )
        for at in np.flatnonzero((bars_per_day > 0) | (per_day > 0))
    }
    partition_roster = schema.Roster(
        generation=generation,
        codes=np.char.encode(bars.codes, "utf-8") if count else np.empty(0, "S1"),
        present=schema.day_masks(count, bars.code, day),
        traded=schema.day_masks(count, bars.code[traded], day[traded]),
        based=schema.day_masks(count, bars.code[based], day[based]),
        digests=per_code,
        steps=schema.sparse_cells(bars.code[step], day[step], bars.values["base_price"][step]),
        events=schema.sparse_cells(ev_code, ev_day, ev_ratio),
    )
    return partition_roster, sessions


def _steps(bars: Bars, traded: NDArray[np.bool_], based: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The rows whose base price differs from the recorded close of the bar before (schema: steps); all of an instrument
    with events, since its price may change on a day without a bar."""
    base, close = bars.values["base_price"], bars.values["close"]
    repeats = np.zeros(len(base), dtype=bool)
    repeats[1:] = (
        (bars.code[1:] == bars.code[:-1])
        & (base[1:] == close[:-1])
        & traded[1:]
        & traded[:-1]
        & ~np.isin(bars.code[1:], bars.events[0])
    )
    return np.flatnonzero(based & ~repeats)


def _table(bars: Bars) -> pa.Table:
    columns: list[Any] = [
        pa.DictionaryArray.from_arrays(pa.array(bars.code, pa.int32()), pa.array(bars.codes.tolist(), pa.string())),
        pa.array(bars.date, pa.date32()),
    ]
    columns += [pa.array(bars.values[name]) for name in schema.FLOATS]
    columns += [pa.array(bars.values[name], from_pandas=True) for name in schema.NULLABLE]
    columns += [
        pa.DictionaryArray.from_arrays(pa.array(bars.segment, pa.int32()), pa.array(list(bars.segments), pa.string())),
        pa.array(bars.flags, pa.uint8()),
    ]
    return pa.Table.from_arrays(columns, schema=schema.SCHEMA)


def _groups(code: NDArray[np.int32]) -> list[int]:
    """Row numbers at which groups of `CODES_PER_GROUP` instruments begin, and the end."""
    last = int(code[-1]) + 1 if len(code) else 0
    starts = np.searchsorted(code, np.arange(0, last, CODES_PER_GROUP))
    return [*starts.tolist(), len(code)]
