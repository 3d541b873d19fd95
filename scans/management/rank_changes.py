"""Changes of a version's picks between two published sessions: a table for people, rows and objects for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_table
from marketdata.number_format import MISSING_TEXT
from marketdata.tables.table import column
from scans.management.delivery import Results
from scans.models import ScannerVersion, ScanRank
from scans.queries.results import PickChanges
from scans.queries.settling import reading_words

HEADINGS = (Column("change", text=True), Column("code", text=True), Column("name", text=True), Column("rank"))
TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("scanner_version", "market"), pa.string()),
    **dict.fromkeys(("date", "before"), pa.date32()),
    **dict.fromkeys(("change", "code", "name", "segment"), pa.string()),
    "rank": pa.int32(),
}
COLUMNS = [column(name, kind) for name, kind in TYPES.items()]
VersionChanges = tuple[ScannerVersion, PickChanges]


def change_results(market: str, changes: Sequence[VersionChanges]) -> Results:
    """The changes of each version: one row for each pick that entered or left; as JSON one object for each version. The
    rank is that of the session on which it was picked."""
    return Results(
        COLUMNS,
        _rows(market, changes),
        lambda out: _write(out, market, changes),
        (_object(market, version, difference) for version, difference in changes),
    )


def _write(out: Output, market: str, changes: Sequence[VersionChanges]) -> None:
    for version, difference in changes:
        since = f"since {difference.before.date}" if difference.before else "(the first published session)"
        out.write(
            f"{version.slug}  {market}  {difference.now.date} {since}: {len(difference.entered):,} entered, "
            f"{len(difference.left):,} left; {reading_words(difference.now)}"
        )
        cells = ((word, row.code, row.name or MISSING_TEXT, str(row.rank)) for word, row in _picks(difference))
        write_table(out, HEADINGS, cells)


def _picks(changes: PickChanges) -> Iterator[tuple[str, ScanRank]]:
    yield from (("entered", row) for row in changes.entered)
    yield from (("left", row) for row in changes.left)


def _sessions(market: str, version: ScannerVersion, changes: PickChanges) -> dict[str, Any]:
    return {
        "scanner_version": version.slug,
        "market": market,
        "date": changes.now.date.isoformat(),
        "before": changes.before.date.isoformat() if changes.before else None,
    }


def _pick(row: ScanRank) -> dict[str, Any]:
    return {"code": row.code, "name": row.name, "segment": row.segment, "rank": row.rank}


def _rows(market: str, changes: Sequence[VersionChanges]) -> Iterator[dict[str, Any]]:
    for version, difference in changes:
        for word, row in _picks(difference):
            yield {**_sessions(market, version, difference), "change": word, **_pick(row)}


def _object(market: str, version: ScannerVersion, changes: PickChanges) -> dict[str, Any]:
    return {
        **_sessions(market, version, changes),
        "entered": [_pick(row) for row in changes.entered],
        "left": [_pick(row) for row in changes.left],
    }
