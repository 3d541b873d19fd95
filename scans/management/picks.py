"""The published picks of one instrument: a table for people, the flat rows of `scan_tables` for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from marketdata.management.table import Output, write_prose
from marketdata.markets import get_market
from marketdata.queries import flows
from scans.management import scan_tables
from scans.management.delivery import Results
from scans.management.flows import json_flow, table_columns
from scans.management.rank_table import plan_columns, write_picks
from scans.models import ScanRank
from scans.queries import order_prices
from scans.queries.settling import reading_words

COLUMNS = ("date", "scanner_version", "rank", "score", "strategy", "label", "close", "change_pct")


def pick_results(headline: str, rows: Sequence[ScanRank], most: int, since: date | None) -> Results:
    """The latest `most` of the picks `rows` with plans and investor flow, the newest first; `since` is the first
    session of the search. The table begins with `headline` and the number of picks of each version."""
    listed = _picks(rows[:most])

    def write(out: Output) -> None:
        out.write(headline)
        _write_counts(out, rows, since)
        if listed:
            names = [*COLUMNS, *plan_columns(listed), "amount", *table_columns(listed)]
            write_picks(out, get_market(rows[0].market), names, listed)
        if note := cut_note(rows, most):
            write_prose(out, note)

    flat = (
        scan_tables.flat_rank(
            pick,
            version=pick["scanner_version"],
            market=row.market,
            session=pick["date"],
            reading=str(row.session.reading),
        )
        for row, pick in zip(rows, listed, strict=False)
    )
    return Results(scan_tables.COLUMNS, flat, write)


def cut_note(rows: Sequence[ScanRank], most: int) -> str:
    """A sentence that says how to list all picks; "" where all are listed."""
    if len(rows) <= most:
        return ""
    return f"{most:,} of {len(rows):,} picks listed: --last {len(rows)} lists all."


def _write_counts(out: Output, rows: Sequence[ScanRank], since: date | None) -> None:
    """Write how often each version picked the instrument, when last, and its best rank."""
    span = f" since {since}" if since else ""
    if not rows:
        out.write(f"No published scan has picked it{span}.")
    for slug in sorted({row.scanner_version.slug for row in rows}):
        version_rows = [row for row in rows if row.scanner_version.slug == slug]
        best = min(row.rank for row in version_rows)
        many = "once" if len(version_rows) == 1 else f"{len(version_rows):,} times"
        last = version_rows[0]
        out.write(f"{slug}: {many}{span}, last on {last.date} ({reading_words(last.session)}), best rank {best}")


def _picks(rows: Sequence[ScanRank]) -> list[dict[str, Any]]:
    if not rows:
        return []
    bought = flows.get_flow_figures(rows[0].market, {(row.code, row.date) for row in rows})
    return [_pick(row, bought.get((row.code, row.date))) for row in rows]


def _pick(row: ScanRank, flow: dict[str, Any] | None) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in (*scan_tables.FLAT, "signals", "components")},
        "date": row.date.isoformat(),
        "scanner_version": row.scanner_version.slug,
        "order": order_prices.pick_order_prices(row),
        "flow": json_flow(flow),
    }
