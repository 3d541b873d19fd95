"""Signs that what is recorded of an instrument no longer is what its source says.

- The oldest recorded bar that came again has other prices: the change may reach further back than was asked for.
- A base price that is not the close before: a split, a rights issue, a reduction; a source that restates its history
  does it then.
- A quote whose base price is not the recorded close before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise

from django.db.models import Min

from marketdata.models import StockPrice
from marketdata.operations.collect.plan import CollectionPlan
from marketdata.session_activity import is_copy
from marketdata.sources.daily import BarAnswer, BarRequest, Quote

PRICES = ("open", "high", "low", "close")
Results = Sequence[tuple[BarRequest, BarAnswer]]


def refetch_requests(plan: CollectionPlan, results: Results) -> dict[str, BarRequest]:
    """A request for the whole recorded history of each instrument of `results` that shows a sign, by code. The bars of
    the results are still to be recorded."""
    requests = [request for request, _ in results]
    mine = StockPrice.objects.filter(
        market=plan.market.name, source=plan.source, stock_code__in={one.code for one in requests}
    )
    began = dict(mine.values_list("stock_code").annotate(Min("date")).order_by())
    if not began:
        return {}
    window = mine.filter(date__gte=min(one.start for one in requests))
    recorded = {(code, day): prices for code, day, *prices in window.values_list("stock_code", "date", *PRICES)}
    found = {}
    for request, answer in results:
        first = began.get(request.code)
        if first and first < request.start and _is_restated(answer, recorded):
            found[request.code] = BarRequest(request.code, first, plan.last)
    return found


def _is_restated(answer: BarAnswer, recorded: Mapping[tuple[str, date], list[float]]) -> bool:
    bars = answer.bars
    again = [bar for bar in bars if (bar.code, bar.session) in recorded]
    if again:
        oldest = again[0]
        said = [oldest.open, oldest.high, oldest.low, oldest.close]
        if said != recorded[oldest.code, oldest.session]:
            return True
    return any(
        later.base_price is not None
        and later.base_price != earlier.close
        and (later.code, later.session) not in recorded
        # The close before is not known where a row between the two lacked values.
        and not any(earlier.session < last and first < later.session for first, last in answer.spoiled)
        for earlier, later in pairwise(bars)
    )


def doubtful_quotes(plan: CollectionPlan, quotes: Sequence[Quote]) -> Collection[str]:
    """The codes of `quotes` whose bars must be asked for. One that lacks a value, or whose prices and volume contradict
    each other, is. A quote does not say of which day it is: where half of those
    that traded repeat the session before to the last share, the exchange was closed, and all of them are doubtful; so
    is one without a bar to compare it with."""
    before = _bars_before(plan, [quote.code for quote in quotes])
    found, repeated = set(), 0
    for quote in quotes:
        bar = before.get(quote.code)
        if bar is None or not quote.is_whole:
            found.add(quote.code)
            continue
        close = bar[3]
        if quote.base_price != close:
            found.add(quote.code)
        said = (quote.open, quote.high, quote.low, quote.price, quote.volume)
        repeated += bool(quote.volume) and said == bar
    traded = sum(bool(quote.volume) for quote in quotes)
    return {quote.code for quote in quotes} if is_copy(traded, repeated) else found


def _bars_before(plan: CollectionPlan, codes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Open, high, low, close and volume of each code on the session before the last; of several sources any that is
    the same everywhere."""
    rows = StockPrice.objects.filter(market=plan.market.name, date=plan.before_last(1), stock_code__in=codes).order_by(
        "pk"
    )
    fields = ("stock_code", "open", "high", "low", "close", "volume")
    return {code: tuple(bar) for code, *bar in rows.values_list(*fields)}
