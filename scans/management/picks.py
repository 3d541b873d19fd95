"""The picks of one instrument, as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from marketdata.management.table import Output, write_prose
from marketdata.markets import get_market
from marketdata.queries import flows
from scans import order_prices
from scans.management.flows import table_columns
from scans.management.rank_table import plan_columns, write_picks
from scans.models import ScanRank

COLUMNS = ("date", "version", "rank", "score", "strategy", "label", "close", "change_pct")


def write_history(out: Output, rows: Sequence[ScanRank], most: int, since: date | None) -> None:
    """Write how often each version picked it, then its picks with their plans and who bought, the newest first, `most`
    at most; `since` is the session that was looked back to."""
    span = f" since {since}" if since else ""
    if not rows:
        out.write(f"No published scan has picked it{span}.")
        return
    for slug in sorted({row.scanner_version.slug for row in rows}):
        mine = [row for row in rows if row.scanner_version.slug == slug]
        best = min(row.rank for row in mine)
        many = "once" if len(mine) == 1 else f"{len(mine):,} times"
        out.write(f"{slug}: {many}{span}, last on {mine[0].date}, best rank {best}")
    market = rows[0].market
    bought = flows.get_flow_figures(market, {(row.code, row.date) for row in rows[:most]})
    picks = [_pick(row, bought.get((row.code, row.date))) for row in rows[:most]]
    names = [*COLUMNS, *plan_columns(picks), "amount", *table_columns(picks)]
    write_picks(out, get_market(market), names, picks)
    if len(rows) > most:
        write_prose(out, f"{most:,} of {len(rows):,} picks listed: --last {len(rows)} lists all.")


def _pick(row: ScanRank, flow: dict[str, Any] | None) -> dict[str, Any]:
    names = ("rank", "score", "strategy", "label", "close", "change_pct", "amount")
    return {
        **{name: getattr(row, name) for name in (*names, *order_prices.LEVELS)},
        "date": row.date.isoformat(),
        "version": row.scanner_version.slug,
        "order": order_prices.pick_order_prices(row),
        "flow": flow,
    }
