"""The picks of one instrument, as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from marketdata import flows
from scans import order_prices
from scans.management import buying
from scans.models import ScanRank


def picks(rows: Sequence[ScanRank], most: int, since: date | None) -> Iterator[str]:
    """How often each version picked it, then the picks with their plans and who bought, the newest first, `most` at
    most; `since` is the session that was looked back to."""
    span = f" since {since}" if since else ""
    if not rows:
        yield f"No published scan has picked it{span}."
        return
    for slug in sorted({row.scanner_version.slug for row in rows}):
        mine = [row for row in rows if row.scanner_version.slug == slug]
        best = min(row.rank for row in mine)
        many = "once" if len(mine) == 1 else f"{len(mine)} times"
        yield f"{slug}: {many}{span}, last on {mine[0].date}, best rank {best}"
    shown = rows[:most]
    bought = flows.shown(rows[0].market, {(row.code, row.date) for row in shown})
    for row in shown:
        yield (
            f"{row.date}  {row.scanner_version.slug:12} rank {row.rank:3}  score {row.score:8.2f}  "
            f"{row.strategy or '-':9} {row.label or '-':14} close {row.close:,.10g}"
        )
        plan = order_prices.sentence(order_prices.plan_of(row))
        if plan:
            yield f"            {plan}"
        told = buying.told(bought.get((row.code, row.date)))
        if told:
            yield f"            {told}"
    if len(rows) > most:
        yield f"and {len(rows) - most} older ones (--last {len(rows)} shows all)"
