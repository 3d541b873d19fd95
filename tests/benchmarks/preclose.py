"""Lists before the close against those at the close, on recorded sessions:

    SEISMO_DATA_DIR=... python -m tests.benchmarks.preclose --sessions 20

Minute data is not recorded, so each bar is cut by a model: the last price lies a part of the way from the open to the
close, on the tick grid; a high or low that is the close itself becomes the extreme of the open and the last price; a
share of the volume is traded. Every instrument stands at the same part of its way, which no real moment does; real last
prices before the closing auction are nearer to the close than to the open. The figures are a bound, not a forecast.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import numpy as np

Bar = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""

CUTS = ((1.0, 1.0), (0.9, 0.95), (0.7, 0.92), (0.5, 0.85))
"""(part of the way from open to close, share of the volume)."""


def cut(bar: Bar, part: float, share: float, tick: float = 1.0) -> Bar:
    """The bar so far, by the model; a bar without trade as it is."""
    open_, high, low, close, volume = bar
    if volume <= 0 or open_ <= 0:
        return bar
    last = open_ + part * (close - open_)
    last = close if part == 1.0 else float(np.round(last / tick) * tick)
    high = max(open_, last) if high == close else max(high, last)
    low = min(open_, last) if low == close else min(low, last)
    return open_, high, low, last, volume * share


def overlap(early: Iterable[str], final: Iterable[str]) -> tuple[int, int, int]:
    """Picks before the close, those of them that are in the list at the close, and its picks."""
    first, second = set(early), set(final)
    return len(first), len(first & second), len(second)


def measure(days: Sequence[date], part: float, share: float, *, scales: bool) -> dict[str, tuple[int, int, int]]:
    """Version -> the sums of `overlap` over `days`; with `scales` the cut volumes are divided by `share` again."""
    from marketdata.markets import get_market
    from marketdata.models import StockPrice
    from marketdata.operations.forming import QuoteSweep
    from marketdata.sources.daily import Quote
    from scans.operations.preclose.scan import PrecloseRequest, scan_quotes
    from scans.operations.scan.request import RunRequest
    from scans.operations.scan.run import run_scan
    from scans.queries.enabled_versions import enabled_versions

    versions, now = enabled_versions("kr"), datetime.now(UTC)
    slugs = [version.slug for version in versions]
    request = RunRequest(market="kr", as_of=now, versions=slugs, first=days[0], last=days[-1], save=False)
    finals = {
        (scan.version.slug, answer.date): [rank["code"] for rank in answer.ranks]
        for scan in run_scan(request)
        for answer in scan.answers
    }
    totals = dict.fromkeys(slugs, (0, 0, 0))
    for day in days:
        rows = StockPrice.objects.filter(market="kr", date=day).order_by("stock_code")
        bars = list(rows.values_list("stock_code", "open", "high", "low", "close", "volume"))
        ticks = get_market("kr").tick(np.array([bar[4] for bar in bars]))
        quotes = tuple(
            Quote(code, *cut((open_, high, low, close, volume), part, share, float(tick)), None, None)
            for (code, open_, high, low, close, volume), tick in zip(bars, ticks, strict=True)
        )
        sweep = QuoteSweep("kr", day, "model", quotes, len(quotes), now, now)
        report = scan_quotes(sweep, versions, PrecloseRequest("kr"), volume_share=share if scales else None)
        for scan in report.scans:
            codes = [rank["code"] for answer in scan.answers for rank in answer.ranks]
            counts = overlap(codes, finals[scan.version.slug, str(day)])
            totals[scan.version.slug] = tuple(map(sum, zip(totals[scan.version.slug], counts, strict=True)))  # type: ignore[assignment]
    return totals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seismo_site.settings")
    import django

    django.setup()
    from marketdata.queries.records import get_record

    days = get_record("kr").sessions[-chosen.sessions :].tolist()
    print(f"{len(days)} sessions, {days[0]} to {days[-1]}: picks early, in the list at the close, at the close")
    for part, share in CUTS:
        for scales in (False, True) if share < 1.0 else (False,):
            totals = measure(days, part, share, scales=scales)
            how = f"last price {part:.0%} of the way, {share:.0%} of the volume{', scaled' if scales else ''}"
            print(how)
            for slug, (early, hits, final) in sorted(totals.items()):
                ratio = f"{hits / early:.1%} of them stay, {hits / final:.1%} known" if early and final else "-"
                print(f"  {slug:12} {early:5} {hits:5} {final:5}  {ratio}")


if __name__ == "__main__":
    main()
