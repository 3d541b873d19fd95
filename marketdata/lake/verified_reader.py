"""Verified reads: all rows of a file, compared with its footer, row digests included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.errors import LakeError
from marketdata.lake import arrays, flow_files, schema, writer
from marketdata.lake.flow_files import FlowRoster, Flows
from marketdata.lake.footers import Part, open_file
from marketdata.lake.layout import Lake, file_identity
from marketdata.lake.schema import Roster
from marketdata.lake.writer import Bars
from marketdata.panel import FLOW_FIELDS


def read_bars(lake: Lake, part: Part) -> tuple[Roster, Bars]:
    """The roster and the rows of a partition; LakeError where it is missing, damaged, not the record's, or
    where its rows differ from its roster."""
    with open_file(lake, part.path, words=("code", "segment")) as file:
        roster = Roster.decode(file.texts, part)
        table = file.table(schema.SCHEMA.names)
    codes, first = np.char.decode(roster.codes, "utf-8"), np.datetime64(part.month)
    names, segment = _words(table, "segment")
    content = Bars(
        codes=codes,
        segments=tuple(names.tolist()),
        code=_code(table, codes, part.path),
        date=arrays.days(table.column("date")),
        values={name: arrays.floats(table.column(name)) for name in (*schema.FLOATS, *schema.NULLABLE)},
        segment=segment,
        flags=arrays.octets(table.column("flags")),
        events=(roster.events["code"], first + roster.events["day"].astype("timedelta64[D]"), roster.events["value"]),
    )
    market = file_identity(part.path).market
    computed, _ = writer.roster(content, writer.row_digests(content), market, part.month, roster.generation)
    for name in ("present", "traded", "based", "digests", "steps"):
        _same(getattr(computed, name), getattr(roster, name), part.path)
    return roster, content


def read_flows(lake: Lake, part: Part) -> tuple[FlowRoster, Flows]:
    """The roster and the rows of a file of investor flow; LakeError as in `read_bars`."""
    with open_file(lake, part.path, words=("code",)) as file:
        roster = flow_files.decode_roster(file, part)
        table = file.table(flow_files.SCHEMA.names)
    codes = np.char.decode(roster.codes, "utf-8")
    content = Flows(
        codes=codes,
        code=_code(table, codes, part.path),
        date=arrays.days(table.column("date")),
        values={name: arrays.floats(table.column(name)) for name in FLOW_FIELDS},
    )
    computed, _ = flow_files.roster(content, part.month, roster.generation)
    for name in ("present", "digests"):
        _same(getattr(computed, name), getattr(roster, name), part.path)
    return roster, content


def _words(table: pa.Table, name: str) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """The distinct values of a column of texts, and the index of each row's value."""
    if not table.num_rows:
        return np.empty(0, dtype=np.str_), np.empty(0, dtype=np.int32)
    column: Any = table.column(name).combine_chunks()
    names = np.array(column.dictionary.to_pylist(), dtype=np.str_)
    return names, np.from_dlpack(column.indices).astype(np.int32)


def _code(table: pa.Table, codes: NDArray[np.str_], path: str) -> NDArray[np.int32]:
    names, row = _words(table, "code")
    at = np.searchsorted(codes, names)
    if len(names) and not np.array_equal(codes[np.minimum(at, len(codes) - 1)], names):
        raise _other(path)
    return at.astype(np.int32)[row]


def _same(computed: NDArray[np.generic], stated: NDArray[np.generic], path: str) -> None:
    if not np.array_equal(computed, stated):
        raise _other(path)


def _other(path: str) -> LakeError:
    return LakeError(f"{path} contains other rows than its footer states: run `manage.py project_lake`.")
