"""Runs scanner versions over sessions: one read of the lake, every engine over it, each version published by itself.

1. The record says which sessions there are; where the lake is behind it, it is brought up to date first.
2. `execution` reads the window and computes the features of all versions together.
3. Each version is scored and published on its own: one that fails leaves the others standing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import DatabaseError

from marketdata.database_damage import is_damage
from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.nearest_name import did_you_mean
from marketdata.operations import analyze_tables
from marketdata.operations.projection import project
from marketdata.queries.instruments import get_names, get_segments
from marketdata.queries.readiness import get_doubtful_bases
from marketdata.queries.records import get_record
from marketdata.record import Days, Record
from scans.engines import engine_params
from scans.engines.base import Check, Features, MarketIndex, Universe
from scans.engines.regime_rules import RegimeHistory, RegimeRule
from scans.engines.registry import ENGINES
from scans.execution.shards import EngineTask
from scans.models import ScannerVersion, ScanRank, ScanSession
from scans.operations.scan import inputs
from scans.operations.scan.answers import Scan, SessionAnswer, session_answers
from scans.operations.scan.publish import NotReproducible, Permit, publish, record_failure
from scans.queries import versions as queries

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run. No versions: the market's active one. No first and last: the last complete session as of `as_of`.
    `limits` and `top` override the version's own; `save` False publishes nothing. `pinned` gives a version (by slug)
    the parameters that a run recorded, instead of those it has now; `index` names the series that regimes stand on
    (None: the one chosen for the market). `mend` False: nothing is written, so a lake that is behind is a LakeError
    instead of being brought up to date. `cached` False: everything is computed, whatever the score cache has."""

    market: str
    as_of: datetime
    versions: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    top: int | None = None
    executor: str = "auto"
    workers: int = 0
    save: bool = True
    started_by: str = ""
    request_id: str = ""
    pinned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    index: str | None = None
    mend: bool = True
    cached: bool = True


class NoBars(DataProblem):
    """The market has no bars of an instrument in the window of a session."""


@dataclass(frozen=True, slots=True)
class InstrumentChecks:
    """What a version made of one instrument on one session: every check, and its answer for the whole session, in
    which the instrument may have a rank, with the rule behind its regime."""

    checks: list[Check]
    answer: SessionAnswer
    regime_rule: RegimeRule | None = None

    def rank(self, code: str) -> dict[str, Any] | None:
        """The row of the instrument, None where it was not picked."""
        return next((row for row in self.answer.ranks if row["code"] == code), None)


def run_scan(
    request: RunRequest,
    *,
    permit: Permit | None = None,
    each: Callable[[Scan], None] | None = None,
) -> list[Scan]:
    """A `Scan` for each version, in the order asked for; raises what is wrong with the request or the data. `permit`
    is asked as each version is published, and `each` told what became of it; what they raise ends the run there."""
    get_market(request.market)
    chosen = queries.get_versions(request.market, list(request.versions))
    held = _record(request)
    asked = _sessions(held, request)
    scans = [Scan(version, request.market, _task(version, held, request)) for version in chosen]
    data = inputs.read_inputs(held, asked, [scan.task for scan in scans], request)
    thin, undecided = _thin(held, asked), get_doubtful_bases(held, asked)
    notices = tuple(held.notices(asked))
    regimes = RegimeHistory(data.levels)
    for scan in scans:
        scan.notices, scan.regimes = notices, regimes
        scan.seconds, scan.executor = dict(data.seconds), data.executor
        scan.index = data.index.name
        digests = data.digests(scan.task)
        _answer(scan, *next(data.found), data.levels, digests, thin, undecided, request)
        if request.save:
            if not scan.error:
                _publish(scan, digests[-1], request, permit)
            if scan.error:
                _record_failure(scan, asked, digests[-1], request)
        if each:
            each(scan)
    if request.save:
        ranks = sum(len(answer.ranks) for scan in scans for answer in scan.answers)
        analyze_tables.analyze(ranks, ScanRank, ScanSession)
    return scans


def check_instrument(request: RunRequest, code: str) -> dict[str, InstrumentChecks]:
    """Version -> every filter, signal, gate and risk of the instrument `code` on the session asked for, and the
    session's answer; NoBars where the market has no such instrument in the window."""
    get_market(request.market)
    chosen = queries.get_versions(request.market, list(request.versions))
    held = _record(request)
    asked = _sessions(held, request)[-1:]
    scans = [Scan(version, request.market, _task(version, held, request)) for version in chosen]
    data = inputs.read_inputs(held, asked, [scan.task for scan in scans], request)
    found: dict[str, InstrumentChecks] = {}
    thin, undecided = _thin(held, asked), get_doubtful_bases(held, asked)
    regimes = RegimeHistory(data.levels)
    for scan, (universe, features) in zip(scans, data.found, strict=True):
        if isinstance(features, Exception):
            raise features
        column = int(np.searchsorted(universe.codes, code))
        if column == len(universe.codes) or universe.codes[column] != code:
            raise NoBars(f"Market {request.market} has no bars of {code} in the window of {asked[0]}.")
        checks = scan.task.engine.explain(universe, features, data.levels, scan.task.params, day=0, column=column)
        digests = data.digests(scan.task)
        _answer(scan, universe, features, data.levels, digests, thin, undecided, request)
        if scan.error:
            raise DataProblem(f"Version {scan.error}")
        scan.regimes = regimes
        (answer,) = scan.answers
        found[scan.version.slug] = InstrumentChecks(checks, answer, scan.regime_rule(answer))
    return found


def requested_sessions(request: RunRequest) -> Days:
    """The sessions that `request` asks for."""
    return _sessions(_record(request), request)


def _record(request: RunRequest) -> Record:
    """What is recorded: with the lake brought up to it, or as of the lake where nothing may be written."""
    if request.mend:
        return project.current_record(request.market)
    return get_record(request.market)


def _sessions(held: Record, request: RunRequest) -> Days:
    if request.first is None and request.last is None:
        day = held.last_complete_session(request.as_of)
        return held.between(day, day)
    return held.between(request.first, request.last)


def _task(version: ScannerVersion, held: Record, request: RunRequest) -> EngineTask:
    """DataProblem where the version or the request names a segment that the market does not have."""
    engine = ENGINES[version.engine]
    given: dict[str, Any] = {
        "segments": version.segments,
        "limits": version.limits,
        **version.params,
    }
    given = dict(request.pinned.get(version.slug, given))
    segments, limits, top = given.pop("segments"), given.pop("limits"), given.pop("top", None)
    limits = {**limits, **request.limits}
    _refuse_unknown_segments(held, {*segments, *limits})
    return EngineTask(
        engine=engine,
        params=engine_params.read(engine.Params, given, held.market.name),
        segments=tuple(segments) or held.market.segments,
        limits=limits,
        top=request.top or top,
    )


def _refuse_unknown_segments(held: Record, names: set[str]) -> None:
    if names <= set(held.market.segments):
        return
    known = get_segments(held.market.name)
    for name in sorted(names.difference(known)):
        raise DataProblem(
            f"Market {held.market.name} has no segment {name!r}: choose among {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )


def _answer(
    scan: Scan,
    universe: Universe,
    features: Features | Exception,
    index: MarketIndex,
    data: list[str],
    thin: Mapping[str, str],
    undecided: Mapping[str, str],
    request: RunRequest,
) -> None:
    began = time.perf_counter()
    try:
        if isinstance(features, Exception):
            raise features
        outcome = scan.task.engine.score(universe, features, index, scan.task.params)
    except Exception as error:  # a version that fails leaves the others standing; its scan says so
        scan.error = f"{scan.version.slug} failed: {type(error).__name__}: {error}"
        return
    picked = [str(universe.codes[i]) for i in np.unique(outcome.ranks.column)]
    names = get_names(request.market, picked)
    told = session_answers(scan.task, universe, outcome, data=data, thin=thin, undecided=undecided, names=names)
    scan.answers = list(told)
    scan.seconds["score"] = time.perf_counter() - began


def _thin(held: Record, asked: Days) -> dict[str, str]:
    """Sessions in doubt, with the reason: not to be published."""
    found = {}
    for day in asked:
        n = int(np.searchsorted(held.sessions, day))
        if why := held.doubt(n):
            found[str(day)] = why
    return found


def _record_failure(scan: Scan, asked: Days, data_digest: str, request: RunRequest) -> None:
    """Keep the attempt, where the database can."""
    try:
        record_failure(
            scan,
            first=str(asked[0]),
            last=str(asked[-1]),
            data_digest=data_digest,
            as_of=request.as_of,
            started_by=request.started_by,
            request_id=request.request_id,
        )
    except DatabaseError:  # the scan says what went wrong with it already
        LOGGER.exception("The failed run of %s was not recorded", scan.version.slug)


def _publish(scan: Scan, data_digest: str, request: RunRequest, permit: Permit | None) -> None:
    began = time.perf_counter()
    try:
        publish(
            scan,
            data_digest=data_digest,
            as_of=request.as_of,
            started_by=request.started_by,
            request_id=request.request_id,
            permit=permit,
        )
    except NotReproducible as error:
        scan.error = str(error)
    except DatabaseError as error:  # nothing of this version was written; the others go on
        if is_damage(error):
            raise
        scan.error = f"{scan.version.slug} could not be published: {type(error).__name__}: {error}"
    scan.seconds["publish"] = time.perf_counter() - began
