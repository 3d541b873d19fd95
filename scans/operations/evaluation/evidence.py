"""Picks with everything needed to judge them: one read of the lake for all versions, their holdings and benchmarks.

1. The sessions asked for, and the picks of each version on them (`picked`).
2. The prices from the first of them to the longest horizon after the last, or to the last complete session.
3. For each version its paths and benchmarks (`scans.evaluation`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.number_format import count_of
from marketdata.operations.projection import project
from marketdata.panel import Bools, Panel
from marketdata.queries import index_series
from marketdata.queries.records import get_projected_record, get_record
from marketdata.queries.window import open_window
from marketdata.record import Days, Record
from scans.engines import regimes
from scans.engines.base import MarketIndex
from scans.engines.regime_rules import RegimeHistory
from scans.evaluation.benchmarks import Benchmarks, compute_benchmarks
from scans.evaluation.holdings import WAIT, Paths, PickSet, follow
from scans.evaluation.prices import Prices, price_arrays
from scans.kernels.ranks import top_per_group
from scans.operations.evaluation.picks import PUBLISHED, EligibilityRule, VersionPicks, published_picks, scan_picks
from scans.queries import versions as queries

HORIZONS = (1, 5, 10, 20, 60)
HISTORY = 253
"""Sessions before the first: as far as a suspected corporate action reaches."""


class BeyondRecord(DataProblem):
    """No holding over such a horizon can have ended yet, or a pick's bars are gone."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to judge. No first: from the beginning of the record's last uninterrupted run on; no last: to its end.
    horizons in sessions, costs the share of a round trip; `by` one of evaluate.GROUPINGS, or nothing. `intervals`: with
    the intervals of the means. `mend` False: nothing is written, so a lake that is behind is a LakeError."""

    market: str
    as_of: datetime
    versions: Sequence[str]
    first: date | None = None
    last: date | None = None
    horizons: Sequence[int] = HORIZONS
    costs: float = 0.0
    source: str = PUBLISHED
    by: str = ""
    intervals: bool = False
    mend: bool = True


@dataclass(frozen=True, slots=True)
class VersionEvidence:
    """One version, ready to be judged. eligible (K, N): who could be picked on each session asked for."""

    picked: VersionPicks
    eligible: Bools
    paths: Paths
    benchmarks: Benchmarks


@dataclass(frozen=True, slots=True)
class Evidence:
    """`asked` (K,) sessions, the first of `prices`; regime (K,) names by the trend of the market index, and
    `regimes` why.

    instruments: how many could be picked at some time, gone: how many of these have no bar on the last session used,
    capped: on how many of the sessions asked for most of them have a market cap. seconds by stage.
    """

    asked: Days
    prices: Prices
    regime: NDArray[np.str_]
    regimes: RegimeHistory
    judgings: tuple[VersionEvidence, ...]
    instruments: int
    gone: int
    capped: int
    seconds: dict[str, float] = field(default_factory=dict)


def gather_evidence(request: EvaluationRequest) -> Evidence:
    """The evidence on every version of `request`; raises what is wrong with it or with the data in one sentence."""
    get_market(request.market)
    chosen = queries.get_versions(request.market, list(request.versions))
    if request.mend:
        held = project.current_record(request.market)
    else:
        named = [day for day in (request.first, request.last) if day]
        held = get_projected_record(request.market, *named)
    asked = _asked(held, request)
    days = _days(held, asked, request)
    began = time.perf_counter()
    if request.source == PUBLISHED:
        picked = [published_picks(request.market, version, asked) for version in chosen]
    else:
        picked = scan_picks(request.market, chosen, asked, request.as_of)
        held = get_record(request.market)
    found = time.perf_counter()
    rules = {rule for one in picked for rule in one.rules}
    panel, over, index = _read(request, held, asked, days, rules)
    read = time.perf_counter()
    horizons = tuple(sorted(set(request.horizons)))
    judgings = tuple(_judging(one, panel, over, len(asked), horizons) for one in picked)
    eligible = np.logical_or.reduce([one.eligible for one in judgings])
    once, counts = eligible.any(axis=0), eligible.sum(axis=1)
    history = RegimeHistory(index)
    with np.errstate(invalid="ignore"):
        caps = (eligible & (over.market_cap[: len(asked)] > 0)).sum(axis=1)
    return Evidence(
        asked=asked,
        prices=over,
        regime=np.array(regimes.NAMES)[history.trend[index.rows(asked)]],
        regimes=history,
        judgings=judgings,
        instruments=int(once.sum()),
        gone=int((once & (panel.segment[-1] < 0)).sum()),
        capped=int((2 * caps >= np.maximum(counts, 1)).sum()),
        seconds={
            "picks": found - began,
            "read": read - found,
            "judge": time.perf_counter() - read,
        },
    )


def _asked(held: Record, request: EvaluationRequest) -> Days:
    held.refuse_empty()
    first = request.first or held.block(held.sessions[-1])[0].item()
    return held.between(first, request.last)


def _days(held: Record, asked: Days, request: EvaluationRequest) -> Days:
    """The sessions from the first asked for to the end of the longest holding, as far as they are known."""
    end = np.datetime64(held.last_complete_session(request.as_of))
    block = held.block(asked[0])
    block = block[(block >= asked[0]) & (block <= max(end, asked[-1]))]
    for horizon in sorted(request.horizons):
        if horizon >= len(block):
            raise BeyondRecord(
                f"A horizon of {count_of(horizon, 'session')} reaches past the record, which ends on {block[-1]}: "
                f"even a pick of {asked[0]} could not be held longer than {len(block) - 1}: "
                "ask for a shorter one or begin earlier."
            )
    days: Days = block[: len(asked) + WAIT + max(request.horizons)]
    return days


def _read(
    request: EvaluationRequest, held: Record, asked: Days, days: Days, rules: set[EligibilityRule]
) -> tuple[Panel, Prices, MarketIndex]:
    """The panel, the prices and the index; a lake that turns out to be broken or behind is mended once."""
    if not request.mend:
        return _loaded(held, asked, days, rules)
    return project.read_with_repair(held, lambda held: _loaded(held, asked, days, rules))


def _loaded(held: Record, asked: Days, days: Days, rules: set[EligibilityRule]) -> tuple[Panel, Prices, MarketIndex]:
    fields = ["open", "high", "low", "close", "volume"]
    if any(rule.limits for rule in rules):
        fields.append("amount")
    found = index_series.get_index(held, asked, index_series.get_index_name(held.market.name))
    index = MarketIndex(found.sessions, found.m, found.range)
    history = max([HISTORY, *(rule.min_bars for rule in rules)])
    window = open_window(held, days, history)
    panel = window.read(dict.fromkeys(fields, 0), threads=2, market_cap=True)
    return panel, price_arrays(panel, window.suspects()), index


def _judging(
    picked: VersionPicks, panel: Panel, over: Prices, asked: int, horizons: tuple[int, ...]
) -> VersionEvidence:
    rows = np.searchsorted(over.sessions, picked.date)
    column = over.columns(picked.code, rows)
    lost = over.codes[column] != picked.code
    if lost.any():
        raise BeyondRecord(
            f"Version {picked.version} picked {picked.code[lost][0]} on {picked.date[lost][0]}, but the record has no "
            "bars of it any more: import them again, or run that session again."
        )
    picks = PickSet(rows, column)
    paths = follow(over, picks, horizons)
    eligible = _eligible(picked, panel, over, asked)
    return VersionEvidence(picked, eligible, paths, compute_benchmarks(over, paths, eligible))


def _eligible(picked: VersionPicks, panel: Panel, over: Prices, asked: int) -> Bools:
    """Who could be picked on each session asked for, (K, N), by the rule it was answered under; nobody where it was
    not."""
    row = np.searchsorted(over.sessions, picked.sessions)
    chosen = np.zeros((asked, len(over.codes)), dtype=bool)
    for n, rule in enumerate(picked.rules):
        mine = row[picked.rule == n]
        chosen[mine] = _allowed(panel, rule)[mine]
    return chosen


def _allowed(panel: Panel, rule: EligibilityRule) -> Bools:
    eligible = panel.eligible(segments=rule.segments, min_bars=rule.min_bars)
    for name, count in rule.limits:
        if name in panel.segments:
            inside = eligible & (panel.segment == panel.segments.index(name))
            first = top_per_group(panel.tail("amount", 0), inside, count)
            eligible = (eligible & ~inside) | first
    return eligible
