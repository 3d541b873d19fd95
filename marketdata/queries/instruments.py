"""Every read of what trades, and of how fresh the record's copy is, that faces may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet, prefetch_related_objects

from marketdata import codes
from marketdata.markets import MARKETS, get_market, is_market
from marketdata.models import Generation, Instrument, InstrumentStatus, LakePartition, StockPrice
from marketdata.queries.carry_forward import source_sort_key


def get_generations() -> dict[str, datetime]:
    """When what is shown of each market, and of what belongs to all of them, last changed (see `Generation`)."""
    return dict(Generation.objects.values_list("name", "changed_at"))


GENERATION_TABLE = Generation._meta.db_table
"""For whoever reads the generations beside something else, in one statement: rows of name and changed_at."""


def list_markets(generations: Mapping[str, datetime]) -> list[str]:
    """The markets that always are, then those that something was imported into."""
    recorded = sorted(name for name in generations if is_market(name))
    return list(dict.fromkeys([*MARKETS, *recorded]))


def get_market_names() -> list[str]:
    """The same, as things stand now."""
    return list_markets(get_generations())


def get_recorded_markets() -> list[str]:
    """The markets that have bars."""
    return sorted(LakePartition.objects.order_by().values_list("market", flat=True).distinct())


def get_instruments(market: str) -> QuerySet[Instrument]:
    """The instruments of the market."""
    return Instrument.objects.filter(market=market)


def code_spellings(text: str) -> list[str]:
    """The text, and it as each market spells a code: what a person may mean who names no market."""
    spelled = [codes.spell_code(base, text) for base in MARKETS]
    return list(dict.fromkeys([text, *(code for code in spelled if code)]))


def get_instrument(market: str, code: str) -> Instrument | None:
    """The instrument of that code, however it is spelled (`codes.spell_code`): recorded as it is written, as the market
    spells it, or with another sign between its parts."""
    mine = Instrument.objects.filter(market=market)
    found = mine.filter(code=code).first()
    spelled = codes.spell_code(market, code)
    if found is not None or not spelled:
        return found
    alike = [spelled, spelled.replace(".", "-"), spelled.replace(".", "/")]
    return min(mine.filter(code__in=alike), key=lambda one: alike.index(one.code), default=None)


def prefetch_statuses(found: Instrument) -> Instrument:
    """The instrument with what was said of its membership, ascending by day and source."""
    by_day = Prefetch("statuses", InstrumentStatus.objects.order_by("valid_from", "source"))
    prefetch_related_objects([found], by_day)
    return found


def get_latest_bar(found: Instrument) -> StockPrice | None:
    """The instrument's latest raw bar; of several sources the preferred one's."""
    if found.last_bar is None:
        return None
    mine = {"market": found.market, "stock_code": found.code, "date": found.last_bar}
    bars = {bar.source: bar for bar in StockPrice.objects.filter(**mine)}
    rank = source_sort_key(found.market, [found.last_bar] if len(bars) > 1 else ())
    return min(bars.values(), key=lambda bar: rank(bar.date, bar.source), default=None)


def get_record_ages() -> tuple[dict[str, int], dict[str, str]]:
    """Market -> how many months of its lake are behind the record; market -> its last recorded day (ISO)."""
    partitions = LakePartition.objects.order_by("market").values_list("market")
    behind = dict(partitions.annotate(behind=Count("pk", filter=~Q(wanted=F("written")))))
    traded = Instrument.objects.order_by("market").exclude(last_bar=None).values_list("market")
    return behind, {name: day.isoformat() for name, day in traded.annotate(last=Max("last_bar"))}


def get_share_names(shares: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(market, code) -> name of these shares, of any markets, in one query; those without a row are left out."""
    wanted = set(shares)
    rows = Instrument.objects.filter(market__in={market for market, _ in wanted}, code__in={code for _, code in wanted})
    found = rows.order_by().values_list("market", "code", "name")
    return {(market, code): name for market, code, name in found if (market, code) in wanted}


def get_names(market: str, codes: Sequence[str]) -> dict[str, str]:
    """The latest known name of each of `codes`; codes without one are left out."""
    rows = Instrument.objects.filter(market=market, code__in=list(codes)).exclude(name="")
    return dict(rows.values_list("code", "name"))


def get_segments(market: str) -> list[str]:
    """The segments that the market's own scans cover, then all others in the statements of sources."""
    statements = InstrumentStatus.objects.filter(instrument__market=market, segment__isnull=False)
    others = statements.order_by("segment").values_list("segment", flat=True).distinct()
    return list(dict.fromkeys([*get_market(market).segments, *map(str, others)]))
