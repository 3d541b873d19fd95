"""Every read of what trades, and of how fresh the record's copy is, that faces may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet, prefetch_related_objects

from marketdata import codes
from marketdata.markets import MARKETS, is_market
from marketdata.models import Generation, Instrument, InstrumentStatus, LakePartition, StockPrice
from marketdata.queries.carry_forward import source_ranks


def generations() -> dict[str, datetime]:
    """When what is shown of each market, and of what belongs to all of them, last changed (see `Generation`)."""
    return dict(Generation.objects.values_list("name", "changed_at"))


GENERATION_TABLE = Generation._meta.db_table
"""For whoever reads the generations beside something else, in one statement: rows of name and changed_at."""


def markets(generations: Mapping[str, datetime]) -> list[str]:
    """The markets that always are, then those that something was imported into."""
    recorded = sorted(name for name in generations if is_market(name))
    return list(dict.fromkeys([*MARKETS, *recorded]))


def market_names() -> list[str]:
    """The same, as things stand now."""
    return markets(generations())


def recorded_markets() -> list[str]:
    """The markets that have bars."""
    return sorted(LakePartition.objects.order_by().values_list("market", flat=True).distinct())


def instruments(market: str) -> QuerySet[Instrument]:
    """The instruments of the market."""
    return Instrument.objects.filter(market=market)


def code_spellings(text: str) -> list[str]:
    """The text, and it as each market spells a code: what a person may mean who names no market."""
    spelled = [codes.spelling(base, text) for base in MARKETS]
    return list(dict.fromkeys([text, *(code for code in spelled if code)]))


def instrument(market: str, code: str) -> Instrument | None:
    """The instrument of that code, however it is spelled (`codes.spelling`): recorded as it is written, as the market
    spells it, or with another sign between its parts."""
    mine = Instrument.objects.filter(market=market)
    found = mine.filter(code=code).first()
    spelled = codes.spelling(market, code)
    if found is not None or not spelled:
        return found
    alike = [spelled, spelled.replace(".", "-"), spelled.replace(".", "/")]
    return min(mine.filter(code__in=alike), key=lambda one: alike.index(one.code), default=None)


def with_statuses(found: Instrument) -> Instrument:
    """The instrument with what was said of its membership, ascending by day and source."""
    by_day = Prefetch("statuses", InstrumentStatus.objects.order_by("valid_from", "source"))
    prefetch_related_objects([found], by_day)
    return found


def latest_bar(found: Instrument) -> StockPrice | None:
    """The instrument's latest raw bar; of several sources the preferred one's."""
    if found.last_bar is None:
        return None
    mine = {"market": found.market, "stock_code": found.code, "date": found.last_bar}
    bars = {bar.source: bar for bar in StockPrice.objects.filter(**mine)}
    rank = source_ranks(found.market, [found.last_bar] if len(bars) > 1 else ())
    return min(bars.values(), key=lambda bar: rank(bar.date, bar.source), default=None)


def freshness() -> tuple[dict[str, int], dict[str, str]]:
    """Market -> how many months of its lake are behind the record; market -> its last recorded day (ISO)."""
    partitions = LakePartition.objects.order_by("market").values_list("market")
    behind = dict(partitions.annotate(behind=Count("pk", filter=~Q(wanted=F("written")))))
    traded = Instrument.objects.order_by("market").exclude(last_bar=None).values_list("market")
    return behind, {name: day.isoformat() for name, day in traded.annotate(last=Max("last_bar"))}


def share_names(shares: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(market, code) -> name of these shares, of any markets, in one query; those without a row are left out."""
    wanted = set(shares)
    rows = Instrument.objects.filter(market__in={market for market, _ in wanted}, code__in={code for _, code in wanted})
    found = rows.order_by().values_list("market", "code", "name")
    return {(market, code): name for market, code, name in found if (market, code) in wanted}
