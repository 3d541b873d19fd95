"""Reads of instruments, markets and the age of their records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

import orjson
from django.db.models import (
    Case,
    Count,
    F,
    Func,
    IntegerField,
    Max,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    When,
    prefetch_related_objects,
)

from marketdata import codes
from marketdata.compiled_query import CompiledQuery
from marketdata.joint_queries import reuse_queries
from marketdata.markets import MARKETS, get_market, is_market
from marketdata.models import Generation, Instrument, InstrumentStatus, InstrumentValuation, LakePartition, StockPrice
from marketdata.queries.carry_forward import source_sort_key

GENERATION_COLUMNS = ("name", "changed_at", "shared_at", "instruments")
GENERATIONS = CompiledQuery(lambda: Generation.objects.values_list(*GENERATION_COLUMNS))


class Generations(dict[str, datetime]):
    """Market, or name of data that belongs to all markets -> when its data last changed (see `Generation`)."""

    def __init__(self, rows: Iterable[tuple[str, datetime, datetime | None, Mapping[str, str]]]) -> None:
        super().__init__()
        self._changes: dict[str, tuple[datetime, Mapping[str, str]]] = {}
        for name, changed_at, shared_at, changed in rows:
            self[name] = changed_at
            if shared_at is not None:
                self._changes[name] = shared_at, changed

    def get_instrument_time(self, market: str, code: str) -> datetime | None:
        """When what is recorded of an instrument, however its code is spelled, or of the whole market last changed;
        None for a market without data."""
        if market not in self._changes:
            return self.get(market)
        shared_at, changed = self._changes[market]
        own = [changed[spelled] for spelled in _code_candidates(market, code) if spelled in changed]
        return max([shared_at, *map(_utc, map(datetime.fromisoformat, own))])


def get_generations() -> Generations:
    """The generations, read now."""
    return Generations(GENERATIONS.rows())


class GenerationsColumn(Func):
    """All generations as one column of any query, which then needs no second one; `parse_generations` reads it."""

    output_field = TextField()
    function = "json_agg(json_build_array(name, changed_at, shared_at, instruments))::text"
    template = f"(SELECT %(function)s FROM {Generation._meta.db_table})"  # noqa: S608 - a name alone

    def as_sqlite(self, compiler: Any, connection: Any, **kwargs: Any) -> Any:
        function = "json_group_array(json_array(name, changed_at, shared_at, json(instruments)))"
        return self.as_sql(compiler, connection, function=function, **kwargs)


def parse_generations(column: str | None) -> Generations:
    """The same as `get_generations`, of a `GenerationsColumn`; None: there is none."""
    return Generations(
        (name, _utc(datetime.fromisoformat(at)), shared and _utc(datetime.fromisoformat(shared)), changed)
        for name, at, shared, changed in orjson.loads(column or "[]")
    )


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def list_markets(generations: Mapping[str, datetime]) -> list[str]:
    """The built-in markets, then those with imported data."""
    recorded = sorted(name for name in generations if is_market(name))
    return list(dict.fromkeys([*MARKETS, *recorded]))


def get_market_names() -> list[str]:
    """The built-in markets, then those with imported data, read now."""
    return list_markets(get_generations())


def get_recorded_markets() -> list[str]:
    """The markets that have bars."""
    return sorted(LakePartition.objects.order_by().values_list("market", flat=True).distinct())


def get_instruments(market: str) -> QuerySet[Instrument]:
    """The instruments of the market."""
    return Instrument.objects.filter(market=market)


def code_spellings(text: str) -> list[str]:
    """The text, and the code that it is in each market: candidates where no market is named."""
    spelled = [codes.spell_code(base, text) for base in MARKETS]
    return list(dict.fromkeys([text, *(code for code in spelled if code)]))


def get_instrument(market: str, code: str) -> Instrument | None:
    """The instrument of that code, however it is spelled (`codes.spell_code`): recorded as it is written, as the market
    spells it, or with another sign between its parts."""
    rows = Instrument.objects.filter(market=market)
    instrument = rows.filter(code=code).first()
    _, *alike = _code_candidates(market, code)
    if instrument is not None or not alike:
        return instrument
    return min(rows.filter(code__in=alike), key=lambda row: alike.index(row.code), default=None)


class InstrumentQueries:
    """The queries of the instrument that `get_instrument` returns, its status statements ascending and the bars of its
    last day: evaluated one by one, or with others in one statement by `evaluate_together(*query_sets)`. `code`: its
    code as it is recorded, in queries. `candidates`: its code as it may be recorded, the likeliest first."""

    @classmethod
    def of(cls, market: str, code: str) -> Self:
        """The queries of the instrument of this code, built once a market; for `evaluate_together` alone."""
        candidates = _code_candidates(market, code)
        places = [f"candidate {n}" for n in range(len(candidates))]
        return reuse_queries(
            (cls, market, len(places)), lambda: cls(market, places), dict(zip(places, candidates, strict=True))
        )

    def __init__(self, market: str, candidates: Sequence[str]) -> None:
        places = [When(code=spelled, then=n) for n, spelled in enumerate(candidates)]
        rows = Instrument.objects.filter(market=market, code__in=candidates)
        self.rows = rows.order_by(Case(*places, output_field=IntegerField()))[:1]
        self.code = Subquery(self.rows.values("code"))
        statuses = InstrumentStatus.objects.filter(instrument=Subquery(self.rows.values("pk")))
        self.statuses = statuses.order_by("valid_from", "source")
        last_bar = Subquery(self.rows.values("last_bar"))
        self.bars = StockPrice.objects.filter(market=market, stock_code=self.code, date=last_bar)

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        """All of them."""
        return [self.rows, self.statuses, self.bars]


def _code_candidates(market: str, code: str) -> list[str]:
    """The code as it is written, then as it may be recorded."""
    spelled = codes.spell_code(market, code)
    return [code, spelled, spelled.replace(".", "-"), spelled.replace(".", "/")] if spelled else [code]


def prefetch_statuses(instrument: Instrument) -> Instrument:
    """The instrument with its status statements loaded, ascending by day and source."""
    by_day = Prefetch("statuses", InstrumentStatus.objects.order_by("valid_from", "source"))
    prefetch_related_objects([instrument], by_day)
    return instrument


def get_latest_bar(instrument: Instrument) -> StockPrice | None:
    """The instrument's latest raw bar; of several sources the preferred one's."""
    if instrument.last_bar is None:
        return None
    rows = StockPrice.objects.filter(market=instrument.market, stock_code=instrument.code, date=instrument.last_bar)
    return choose_bar(rows)


def choose_bar(rows: Iterable[StockPrice]) -> StockPrice | None:
    """Of an instrument's bars of one session the preferred source's; None without one."""
    bars = {bar.source: bar for bar in rows}
    first = next(iter(bars.values()), None)
    rank = source_sort_key(first.market, [first.date] if len(bars) > 1 else ()) if first else None
    if rank is None:
        return None
    return min(bars.values(), key=lambda bar: rank(bar.date, bar.source), default=None)


def get_valuation(market: str, code: str) -> InstrumentValuation | None:
    """The latest valuation of an instrument, whichever source it is of."""
    return InstrumentValuation.objects.filter(market=market, stock_code=code).order_by("-read_at").first()


def get_last_day(market: str, codes: Collection[str]) -> date | None:
    """The day of the latest bar among these instruments; None where they have none."""
    rows = Instrument.objects.filter(market=market, code__in=codes)
    last: date | None = rows.aggregate(last=Max("last_bar"))["last"]
    return last


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
    named = rows.order_by().values_list("market", "code", "name")
    return {(market, code): name for market, code, name in named if (market, code) in wanted}


def get_names(market: str, codes: Sequence[str]) -> dict[str, str]:
    """The latest known name of each of `codes`; codes without one are left out."""
    rows = Instrument.objects.filter(market=market, code__in=list(codes)).exclude(name="")
    return dict(rows.values_list("code", "name"))


def get_segments(market: str) -> list[str]:
    """The segments that the market's own scans cover, then all others in the statements of sources."""
    others = [segment for _, segment in stated_segments([market])]
    return list(dict.fromkeys([*get_market(market).segments, *map(str, others)]))


def stated_segments(markets: Sequence[str]) -> QuerySet[InstrumentStatus, Any]:
    """(market, segment) of the statements of sources, ascending."""
    statements = InstrumentStatus.objects.filter(instrument__market__in=markets, segment__isnull=False)
    return statements.order_by("segment").values_list("instrument__market", "segment").distinct()
