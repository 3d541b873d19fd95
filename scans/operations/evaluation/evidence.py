"""Evidence on picks, from which they are judged: one read of the lake for all versions, their holdings and benchmarks.

1. The requested sessions, and the picks of each version on them (`picks`).
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
from scans.queries.versions import get_versions

HORIZONS = (1, 5, 10, 20, 60)
HISTORY = 253
"""Sessions read before the first: the reach of a suspected corporate action."""


class BeyondRecord(DataProblem):
    """No holding over the horizon can have ended, or the record has no bars of a pick."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """Options of an evaluation. No first: from the start of the record's last contiguous block; no last: to its end.
    `horizons` in sessions. `costs`: the share of a round trip. `by`: one of evaluate.GROUPINGS, or "". `intervals`:
    with confidence intervals. `mend` False: nothing is written, and a lake that is behind raises LakeError."""

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
    """The evidence on one version. eligible (K, N): the instruments that could be picked on each requested session."""

    picked: VersionPicks
    eligible: Bools
    paths: Paths
    benchmarks: Benchmarks


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a request. `sessions` (K,): the first of `prices`. `regime` (K,): names by the trend of the
    market index; `regimes`: their rules.

    instruments: how many were eligible at some time. gone: how many of these have no bar on the last session read.
    capped: on how many requested sessions most of them have a market cap. seconds: by stage.
    """

    sessions: Days
    prices: Prices
    regime: NDArray[np.str_]
    regimes: RegimeHistory
    version_evidence: tuple[VersionEvidence, ...]
    instruments: int
    gone: int
    capped: int
    seconds: dict[str, float] = field(default_factory=dict)


def gather_evidence(request: EvaluationRequest) -> Evidence:
    """The evidence on every version of `request`; errors of the request or the data are raised, in one sentence
    each."""
    get_market(request.market)
    versions = get_versions(request.market, list(request.versions))
    if request.mend:
        record = project.current_record(request.market)
    else:
        named_days = [day for day in (request.first, request.last) if day]
        record = get_projected_record(request.market, *named_days)
    sessions = _requested_sessions(record, request)
    price_days = _price_days(record, sessions, request)
    began = time.perf_counter()
    if request.source == PUBLISHED:
        picked = [published_picks(request.market, version, sessions) for version in versions]
    else:
        picked = scan_picks(request.market, versions, sessions, request.as_of)
        record = get_record(request.market)
    picks_done = time.perf_counter()
    rules = {rule for picks in picked for rule in picks.rules}
    panel, over, index = _read(request, record, sessions, price_days, rules)
    read = time.perf_counter()
    horizons = tuple(sorted(set(request.horizons)))
    version_evidence = tuple(_version_evidence(picks, panel, over, len(sessions), horizons) for picks in picked)
    eligible = np.logical_or.reduce([picks.eligible for picks in version_evidence])
    ever_eligible, counts = eligible.any(axis=0), eligible.sum(axis=1)
    history = RegimeHistory(index)
    with np.errstate(invalid="ignore"):
        caps = (eligible & (over.market_cap[: len(sessions)] > 0)).sum(axis=1)
    return Evidence(
        sessions=sessions,
        prices=over,
        regime=np.array(regimes.NAMES)[history.trend[index.rows(sessions)]],
        regimes=history,
        version_evidence=version_evidence,
        instruments=int(ever_eligible.sum()),
        gone=int((ever_eligible & (panel.segment[-1] < 0)).sum()),
        capped=int((2 * caps >= np.maximum(counts, 1)).sum()),
        seconds={
            "picks": picks_done - began,
            "read": read - picks_done,
            "judge": time.perf_counter() - read,
        },
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
    price_days: Days = block[: len(sessions) + WAIT + max(request.horizons)]
    return price_days


def _read(
    request: EvaluationRequest, record: Record, sessions: Days, price_days: Days, rules: set[EligibilityRule]
) -> tuple[Panel, Prices, MarketIndex]:
    """The panel, the prices and the index; a lake that is damaged or behind is repaired once."""
    if not request.mend:
        return _read_arrays(record, sessions, price_days, rules)
    return project.read_with_repair(record, lambda record: _read_arrays(record, sessions, price_days, rules))


def _read_arrays(
    record: Record, sessions: Days, price_days: Days, rules: set[EligibilityRule]
) -> tuple[Panel, Prices, MarketIndex]:
    fields = ["open", "high", "low", "close", "volume"]
    if any(rule.limits for rule in rules):
        fields.append("amount")
    index_data = index_series.get_index(record, sessions, index_series.get_index_name(record.market.name))
    index = MarketIndex(index_data.sessions, index_data.m, index_data.range)
    history = max([HISTORY, *(rule.min_bars for rule in rules)])
    window = open_window(record, price_days, history, caps=0)
    panel = window.read({**dict.fromkeys(fields, 0), "market_cap": 0}, threads=2)
    return panel, price_arrays(panel, window.suspects()), index


def _version_evidence(
    picked: VersionPicks, panel: Panel, over: Prices, sessions: int, horizons: tuple[int, ...]
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
    eligible = _eligible(picked, panel, over, sessions)
    return VersionEvidence(picked, eligible, paths, compute_benchmarks(over, paths, eligible))


def _eligible(picked: VersionPicks, panel: Panel, over: Prices, sessions: int) -> Bools:
    """The instruments that could be picked on each requested session, (K, N), by the rule of its answer; none on a
    session without an answer."""
    row = np.searchsorted(over.sessions, picked.sessions)
    versions = np.zeros((sessions, len(over.codes)), dtype=bool)
    for n, rule in enumerate(picked.rules):
        rows = row[picked.rule == n]
        versions[rows] = _eligible_by_rule(panel, rule)[rows]
    return versions


def _eligible_by_rule(panel: Panel, rule: EligibilityRule) -> Bools:
    eligible = panel.eligible(segments=rule.segments, min_bars=rule.min_bars)
    for name, count in rule.limits:
        if name in panel.segments:
            inside = eligible & (panel.segment == panel.segments.index(name))
            first = top_per_group(panel.tail("amount", 0), inside, count)
            eligible = (eligible & ~inside) | first
    return eligible
