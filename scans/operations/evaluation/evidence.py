"""Evidence on picks, from which they are judged: one read of the lake for all versions, their holdings and benchmarks.

1. The requested sessions, and the picks of each version on them (`picks`).
2. The prices from the first of them to the longest horizon after the last, or to the last complete session.
3. The holdings and benchmarks of all picks together (`scans.evaluation`): versions and horizons share baskets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.number_format import count_of
from marketdata.operations.projection import current_lake
from marketdata.panel import Bools, Floats, Panel
from marketdata.queries import index_series
from marketdata.queries.market_calendar import get_calendar
from marketdata.queries.records import get_projected_record, get_record
from marketdata.queries.window import open_window
from marketdata.record import Days, Record
from marketdata.trading_costs import round_trip_costs
from scans.engines import regimes
from scans.engines.base import MarketIndex
from scans.engines.regime_rules import RegimeHistory
from scans.evaluation.benchmark_paths import COVERED, Benchmarks, Universe, benchmark_paths
from scans.evaluation.calendar_time import DailyReturns, daily_returns
from scans.evaluation.holding_periods import LATE, WAIT, PickSet, holding_periods
from scans.evaluation.holdings import Costs, Holdings, hold
from scans.evaluation.matching import SPAN, Traits, traits
from scans.evaluation.prices import Prices, Rows, SuspectedAction, price_arrays
from scans.evaluation.tradability import Tradability, daily_bars, tradability
from scans.kernels.averages import sma
from scans.kernels.ranks import top_per_group
from scans.operations.evaluation.picks import PUBLISHED, EligibilityRule, VersionPicks, published_picks, scan_picks
from scans.queries.versions import get_versions

HORIZONS = (1, 5, 10, 20, 60)
TURNOVER = 20
"""Sessions of a mean turnover."""
HISTORY = 253
"""Sessions read before the first: the reach of a suspected corporate action."""


SEGMENT_INDEXES = {"KOSPI": "KS11", "KOSDAQ": "KQ11", "KOSDAQ GLOBAL": "KQ11"}
"""Segment -> the external series that replaces the basket of its members where it is recorded on all sessions."""


class BeyondRecord(DataProblem):
    """No holding over the horizon can have ended, or the record has no bars of a pick."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """Options of an evaluation. No first: from the start of the record's last contiguous block; no last: to its end.
    `horizons` in sessions. `costs`: the share of a round trip, None for the dated table (`marketdata.trading_costs`).
    `by`: one of evaluate.GROUPINGS, or "". `mend` False: nothing is written, and a lake that is behind raises
    LakeError. `permutations`: with the permutation test of each version and horizon. `amounts`: with the evidence's
    `amount`."""

    market: str
    as_of: datetime
    versions: Sequence[str]
    first: date | None = None
    last: date | None = None
    horizons: Sequence[int] = HORIZONS
    costs: float | None = None
    source: str = PUBLISHED
    by: str = ""
    mend: bool = True
    permutations: bool = False
    amounts: bool = False


@dataclass(frozen=True, slots=True)
class VersionEvidence:
    """The evidence on one version. eligible (K, N): the instruments that could be picked on each requested session.
    pick (P,): the places of its picks in the evidence's holdings. live (P,): the run that made the pick began before
    the open of its entry; all others were computed afterwards."""

    picked: VersionPicks
    eligible: Bools
    pick: Rows
    live: Bools


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a request. `requested`: its sessions; `sessions` (K,): those from the first that a version
    answered, which are the first of `prices`. `regime` (K,): names by the trend of the market index; `regimes`: their
    rules. `holdings`, `benchmarks` and `returns` are of the picks of all versions.
    `last_bar` (N,): the row of each instrument's last bar. `traits`: of the requested sessions; `amount` (K, N): the
    mean turnover of 20 sessions in currency, where it was requested; `costs`: of round trips.

    instruments: how many were eligible at some time. gone: how many of these have no bar on the last session read.
    capped: on how many requested sessions enough of them have a market cap. seconds: by stage.
    """

    requested: Days
    sessions: Days
    prices: Prices
    regime: NDArray[np.str_]
    regimes: RegimeHistory
    holdings: Holdings
    tradability: Tradability
    last_bar: Rows
    benchmarks: Benchmarks
    returns: DailyReturns
    version_evidence: tuple[VersionEvidence, ...]
    traits: Traits
    costs: Costs
    instruments: int
    gone: int
    capped: int
    amount: Floats | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def gather_evidence(request: EvaluationRequest) -> Evidence:
    """The evidence on every version of `request`; errors of the request or the data are raised, in one sentence
    each."""
    get_market(request.market)
    versions = get_versions(request.market, list(request.versions))
    record, sessions = requested_record(request)
    began = time.perf_counter()
    if request.source == PUBLISHED:
        picked = [published_picks(request.market, version, sessions) for version in versions]
    else:
        picked = scan_picks(request.market, versions, sessions, request.as_of)
        record = get_record(request.market)
    seconds = time.perf_counter() - began
    evidence = evidence_on(picked, request, record, sessions)
    evidence.seconds["picks"] = seconds
    return evidence


def requested_record(request: EvaluationRequest) -> tuple[Record, Days]:
    """The record of the request's market, and the requested sessions; BeyondRecord if no holding can have ended."""
    if request.mend:
        record = current_lake.current_record(request.market)
    else:
        named_days = [day for day in (request.first, request.last) if day]
        record = get_projected_record(request.market, *named_days)
    sessions = _requested_sessions(record, request)
    _price_days(record, sessions, request)
    return record, sessions


def evidence_on(picked: Sequence[VersionPicks], request: EvaluationRequest, record: Record, sessions: Days) -> Evidence:
    """The evidence on `picked`, picks of the requested `sessions`; nothing is read for those before the first answered
    one."""
    began = time.perf_counter()
    requested, price_days = sessions, _price_days(record, sessions, request)
    answered = min(picks.sessions[0] for picks in picked)
    sessions, price_days = sessions[sessions >= answered], price_days[price_days >= answered]
    rules = list(dict.fromkeys(rule for picks in picked for rule in picks.rules))
    panel, suspects, index = _read(request, record, sessions, price_days, rules)
    read = time.perf_counter()
    trades = tradability(daily_bars(panel), limited=record.market.suspect_move is not None)
    prices = price_arrays(panel, suspects, trades.liquidation)
    last_bar = np.where(panel.segment >= 0, np.arange(len(prices.sessions))[:, None], -1).max(axis=0)
    costs = holding_costs(request.market, request.costs, panel, prices)
    holdings, rule_of_pick = _holdings(request, picked, rules, costs, prices, trades, last_bar)
    universe = _universe(panel, prices, rules, len(sessions))
    benchmarks = benchmark_paths(prices, holdings.picks, rule_of_pick, holdings.periods, universe)
    version_evidence = tuple(_version_evidence(request.market, picked, rules, prices, holdings, universe))
    eligible = np.logical_or.reduce([version.eligible for version in version_evidence])
    ever_eligible, counts = eligible.any(axis=0), eligible.sum(axis=1)
    history = RegimeHistory(index)
    with np.errstate(invalid="ignore"):
        caps = (eligible & (universe.cap > 0)).sum(axis=1)
    return Evidence(
        requested=requested,
        sessions=sessions,
        prices=prices,
        regime=np.array(regimes.NAMES)[history.trend[index.rows(sessions)]],
        regimes=history,
        holdings=holdings,
        tradability=trades,
        last_bar=last_bar,
        benchmarks=benchmarks,
        returns=daily_returns(prices, benchmarks),
        version_evidence=version_evidence,
        traits=universe.traits,
        costs=costs,
        instruments=int(ever_eligible.sum()),
        gone=int((ever_eligible & (panel.segment[-1] < 0)).sum()),
        capped=int((caps >= COVERED * np.maximum(counts, 1)).sum()),
        amount=mean_turnover(panel)[: len(sessions)] if request.amounts else None,
        seconds={"read": read - began, "judge": time.perf_counter() - read},
    )


def _requested_sessions(record: Record, request: EvaluationRequest) -> Days:
    record.refuse_empty()
    first = request.first or record.block(record.sessions[-1])[0].item()
    return record.between(first, request.last)


def _price_days(record: Record, sessions: Days, request: EvaluationRequest) -> Days:
    """The sessions from the first requested one to the end of the longest holding, as far as they are recorded."""
    end = np.datetime64(record.last_complete_session(request.as_of))
    block = record.block(sessions[0])
    block = block[(block >= sessions[0]) & (block <= max(end, sessions[-1]))]
    for horizon in sorted(request.horizons):
        if horizon >= len(block):
            raise BeyondRecord(
                f"A horizon of {count_of(horizon, 'session')} reaches past the record, which ends on {block[-1]}: "
                f"even a pick of {sessions[0]} could not be held longer than {len(block) - 1}: "
                "ask for a shorter one or begin earlier."
            )
    price_days: Days = block[: len(sessions) + WAIT + max(request.horizons) + LATE]
    return price_days


def _read(
    request: EvaluationRequest, record: Record, sessions: Days, price_days: Days, rules: Sequence[EligibilityRule]
) -> tuple[Panel, list[SuspectedAction], MarketIndex]:
    """The panel, the suspected actions and the index; a lake that is damaged or behind is repaired once."""
    if not request.mend:
        return _read_arrays(record, sessions, price_days, rules, request)
    return current_lake.read_with_repair(
        record, lambda record: _read_arrays(record, sessions, price_days, rules, request)
    )


def _read_arrays(
    record: Record, sessions: Days, price_days: Days, rules: Sequence[EligibilityRule], request: EvaluationRequest
) -> tuple[Panel, list[SuspectedAction], MarketIndex]:
    fields = dict.fromkeys(("open", "high", "low", "close", "volume", "raw_close"), 0)
    fields["close"] = SPAN
    if any(rule.limits for rule in rules):
        fields["amount"] = 0
    if request.amounts:
        fields["amount"] = TURNOVER - 1
    index_data = index_series.get_index(record, sessions, index_series.get_index_name(record.market.name))
    index = MarketIndex(index_data.sessions, index_data.m, index_data.range)
    history = max([HISTORY, *(rule.min_bars for rule in rules)])
    window = open_window(record, price_days, history, caps=0)
    return *window.read_with_suspicions({**fields, "market_cap": 0}, threads=2), index


def _holdings(
    request: EvaluationRequest,
    picked: Sequence[VersionPicks],
    rules: Sequence[EligibilityRule],
    costs: Costs,
    prices: Prices,
    trades: Tradability,
    last_bar: Rows,
) -> tuple[Holdings, Rows]:
    """The holdings of the picks of all versions, one version after the other, and the rule of each pick, (P,)."""
    date = np.concatenate([picks.date for picks in picked])
    code = np.concatenate([picks.code for picks in picked])
    rows = np.searchsorted(prices.sessions, date)
    column = prices.columns(code, rows)
    lost = prices.codes[column] != code
    if lost.any():
        raise BeyondRecord(
            f"The record has no bars of {code[lost][0]} any more, which was picked on {date[lost][0]}: import them "
            "again, or run that session again."
        )
    picks = PickSet(rows, column)
    periods = holding_periods(picks, tuple(sorted(set(request.horizons))), trades, prices.traded, last_bar)
    rule_of_pick = [
        np.array([rules.index(rule) for rule in one.rules], dtype=np.intp)[one.rule][
            np.searchsorted(one.sessions, one.date)
        ]
        for one in picked
    ]
    return hold(prices, picks, periods, costs), np.concatenate(rule_of_pick)


def holding_costs(market: str, share: float | None, panel: Panel, prices: Prices) -> Costs:
    """The costs of round trips: one `share` for all, or by the dated table at the traded prices."""
    if share is not None:
        return lambda entry, last, column: np.full(len(entry), share)
    fee = trading_fee(market)
    raw = panel.tail("raw_close", 0)
    segments = np.array([*panel.segments, ""])

    def table(entry: Rows, last: Rows, column: Rows) -> Floats:
        scale = raw[entry, column] / prices.close[entry, column]
        return round_trip_costs(
            market,
            entries=prices.sessions[entry],
            exits=prices.sessions[last],
            entry_prices=prices.open[entry, column] * scale,
            exit_prices=raw[last, column],
            fee=fee,
            segments=segments[panel.segment[entry, column]],
        )

    return table


def trading_fee(market: str) -> float:
    """The fee of one side of a trade, a fraction of its price, as it is set."""
    return float(settings.TRADING_FEES.get(market.partition("-")[0], 0.0)) / 100


def _universe(panel: Panel, prices: Prices, rules: Sequence[EligibilityRule], days: int) -> Universe:
    cap = prices.market_cap[:days]
    close = panel.tail("close", SPAN)
    return Universe(
        eligible=[_eligible_by_rule(panel, rule)[:days] for rule in rules],
        cap=cap,
        segment=panel.segment[:days],
        traits=traits(close, cap, len(close) - len(prices.sessions), days),
        indexes=_segment_indexes(panel, prices.sessions),
    )


def mean_turnover(panel: Panel) -> Floats:
    """(K, N): the mean turnover of `TURNOVER` sessions in currency."""
    return sma(panel.tail("amount", TURNOVER - 1), TURNOVER, keep=len(panel.output_sessions))


def _segment_indexes(panel: Panel, sessions: Days) -> dict[int, Floats]:
    names = {n: SEGMENT_INDEXES[name] for n, name in enumerate(panel.segments) if name in SEGMENT_INDEXES}
    levels = {name: index_series.get_levels(panel.market, name, sessions) for name in set(names.values())}
    return {n: series for n, name in names.items() if (series := levels[name]) is not None}


def _version_evidence(
    market: str,
    picked: Sequence[VersionPicks],
    rules: Sequence[EligibilityRule],
    prices: Prices,
    holdings: Holdings,
    universe: Universe,
) -> Iterator[VersionEvidence]:
    end = 0
    for picks in picked:
        pick = np.arange(end, end := end + len(picks.date))
        eligible = np.zeros(universe.cap.shape, dtype=bool)
        row = np.searchsorted(prices.sessions, picks.sessions)
        for n, rule in enumerate(picks.rules):
            rows = row[picks.rule == n]
            eligible[rows] = universe.eligible[rules.index(rule)][rows]
        yield VersionEvidence(picks, eligible, pick, _live(market, picks, prices, holdings, pick))


def _live(market: str, picks: VersionPicks, prices: Prices, holdings: Holdings, pick: Rows) -> Bools:
    """(P,): the run of the pick began before the open of its entry, or of the session after the pick where nothing was
    bought."""
    entry = holdings.periods.entry[pick]
    row = np.where(entry >= 0, entry, holdings.picks.day[pick] + 1)
    calendar = get_calendar(market)
    following = calendar.sessions[calendar.sessions > prices.sessions[-1]][:1]
    sessions = np.concatenate([prices.sessions, following])
    opening = np.full(len(prices.sessions) + 1, np.datetime64("9999-12-31"), dtype="datetime64[s]")
    for place in np.unique(row[row < len(sessions)]).tolist():
        moment = calendar.hours.opening(sessions[place].item())
        opening[place] = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")
    live: Bools = picks.began[np.searchsorted(picks.sessions, picks.date)] < opening[row]
    return live


def _eligible_by_rule(panel: Panel, rule: EligibilityRule) -> Bools:
    eligible = panel.eligible(segments=rule.segments, min_bars=rule.min_bars)
    for name, count in rule.limits:
        if name in panel.segments:
            inside = eligible & (panel.segment == panel.segments.index(name))
            first = top_per_group(panel.tail("amount", 0), inside, count)
            eligible = (eligible & ~inside) | first
    return eligible
