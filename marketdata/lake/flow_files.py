"""The files of investor flow, one for each market and month: a read without flow opens none.

Rows: the net buying recorded of each instrument and session, sorted by (code, date), as recorded (raw shares, the
market's currency); null is missing. The footer (see `schema`) holds the codes, a mask of the days with a row, and a
digest for each code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import sealed_files
from marketdata.lake import digest, footers, schema
from marketdata.lake.footers import Part
from marketdata.lake.layout import Lake
from marketdata.panel import FLOW_FIELDS, Floats

VERSION = 2

SCHEMA = pa.schema(
    [
        pa.field("code", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("date", pa.date32(), nullable=False),
        *(pa.field(name, pa.float64()) for name in FLOW_FIELDS),
    ]
)

_TYPES = {"present": "<u4", "digests": "<u8"}


@dataclass(frozen=True, slots=True)
class Flows:
    """The rows of one month as columns, all (R,), sorted by (code, date), one row per pair; `code` indexes `codes`
    (ascending), `values` holds each of `FLOW_FIELDS`, NaN is missing."""

    codes: NDArray[np.str_]
    code: NDArray[np.int32]
    date: NDArray[np.datetime64]
    values: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class FlowRoster:
    """A file's metadata: n codes, their masks of days and digests (n,)."""

    generation: int
    codes: NDArray[np.bytes_]
    present: NDArray[np.uint32]
    digests: NDArray[np.uint64]

    @property
    def rows(self) -> int:
        return int(np.bitwise_count(self.present).sum())

    @property
    def digest(self) -> str:
        """A digest of all that the file holds."""
        return digest.text([self.codes.tobytes(), self.digests.tobytes()])


@dataclass(frozen=True, slots=True)
class FlowFileSummary:
    """Summary of a written file: rows, bytes, the file's digest, and ISO date -> (rows, digest in hex)."""

    rows: int
    bytes: int
    digest: str
    sessions: dict[str, tuple[int, str]]


def write(
    lake: Lake,
    market: str,
    month: date,
    flows: Flows,
    *,
    generation: int,
    within: Callable[[Callable[[], FlowFileSummary]], FlowFileSummary] = lambda place: place(),
) -> FlowFileSummary:
    """Put the file of `month` in its place; OSError where the disk does not take it. `within` calls what does so, when
    the file is ready beside its place; its exception, as any other, leaves the old file."""
    summary, sessions = roster(flows, month, generation)
    table, path = _table(flows), lake.flows(market, month)
    parts = {"codes": summary.codes, "present": summary.present.astype("<u4"), "digests": summary.digests.astype("<u8")}

    def put(stream: pa.NativeFile) -> None:
        sealed_files.write_sealed_file(
            table,
            stream,
            metadata=schema.pack_footer(path, VERSION, generation, summary.digest, parts),
            compression="zstd",
            use_dictionary=["code", "date"],
            use_byte_stream_split=list(FLOW_FIELDS),
        )

    with lake.staged(path, put) as rename:
        return within(lambda: FlowFileSummary(table.num_rows, rename(), summary.digest, sessions))


def roster(flows: Flows, month: date, generation: int) -> tuple[FlowRoster, dict[str, tuple[int, str]]]:
    """The file's metadata, and its sessions with their rows and digests."""
    count, first = len(flows.codes), np.datetime64(month)
    keys = digest.words(flows.codes)[flows.code] if count else np.empty(0, np.uint64)
    columns = [flows.date.astype(np.int64), *(flows.values[name] for name in FLOW_FIELDS)]
    digests = digest.rows(keys, columns)
    day = (flows.date - first).astype(np.int64)
    rows, per_day = np.bincount(day, minlength=32), digest.total(digests, day, 32)
    file_roster = FlowRoster(
        generation=generation,
        codes=np.char.encode(flows.codes, "utf-8") if count else np.empty(0, "S1"),
        present=schema.day_masks(count, flows.code, day),
        digests=digest.total(digests, flows.code.astype(np.intp), count),
    )
    return file_roster, {
        str(first + int(at)): (int(rows[at]), f"{int(per_day[at]):016x}") for at in np.flatnonzero(rows)
    }


def footer(lake: Lake, part: Part) -> FlowRoster:
    """The metadata of a file; LakeError where it is missing, damaged or not the one that the record wants."""
    with footers.open_file(lake, part.path, words=()) as file:
        return decode_roster(file, part)


def read_arrays(
    lake: Lake,
    parts: Sequence[Part],
    sessions: NDArray[np.datetime64],
    codes: NDArray[np.bytes_],
    tails: Mapping[str, int],
) -> dict[str, Floats]:
    """For each field of `tails` its last so many of `sessions`, (rows, N), for `codes` (N,) ascending; NaN where
    nothing is recorded. Only the months that reach into them are opened; LakeError as in `footer`."""
    fields = {name: np.full((rows, len(codes)), np.nan) for name, rows in tails.items()}
    for part in parts:
        first = np.datetime64(part.month)
        after = (first.astype("datetime64[M]") + 1).astype("datetime64[D]")
        low, high = (int(at) for at in np.searchsorted(sessions, [first, after]))
        wanted = [name for name, rows in tails.items() if high > len(sessions) - rows]
        if low == high or not wanted or not len(codes):
            continue
        with footers.open_file(lake, part.path, words=()) as file:
            file_roster = decode_roster(file, part)
            table = file.table(wanted)
        rows_of, columns = _shared(codes, file_roster.codes)
        present = schema.unpack_masks(file_roster.present)
        days = (sessions[low:high] - first).astype(np.intp)
        for name in wanted:
            block = np.full(present.shape, np.nan)
            block[present] = table.column(name).to_numpy()
            offset = len(sessions) - len(fields[name])
            skipped = max(offset - low, 0)
            rows = slice(low + skipped - offset, high - offset)
            fields[name][rows, columns] = block[rows_of][:, days[skipped:]].T
    return fields


def decode_roster(file: sealed_files.SealedFile, part: Part) -> FlowRoster:
    """The metadata of an open file; LakeError where it is not that of `part`."""
    generation, parts = schema.unpack_footer(file.texts, part, VERSION, _TYPES)
    return FlowRoster(generation=generation, **parts)


def _shared(codes: NDArray[np.bytes_], some: NDArray[np.bytes_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the common codes in `some` and in `codes`; both ascending."""
    _, in_some, in_codes = np.intersect1d(some, codes, assume_unique=True, return_indices=True)
    return in_some, in_codes


def _table(flows: Flows) -> pa.Table:
    columns: list[Any] = [
        pa.DictionaryArray.from_arrays(pa.array(flows.code, pa.int32()), pa.array(flows.codes.tolist(), pa.string())),
        pa.array(flows.date, pa.date32()),
    ]
    columns += [pa.array(flows.values[name], from_pandas=True) for name in FLOW_FIELDS]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
