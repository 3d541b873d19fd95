"""Runs scanner versions over sessions: one read of the lake for all engines, one publication for each version.

1. The record has the sessions; a lake that is behind it is updated first.
2. `execution` reads the window and computes the features of all versions together.
3. Each version is scored and published on its own: one that fails does not affect the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
from django.db import DatabaseError

from marketdata.database_damage import is_damage
from marketdata.errors import DataProblem
from marketdata.markets import get_market
from marketdata.nearest_name import did_you_mean
from marketdata.operations import analyze_tables
from marketdata.operations.priority import without_niceness
from marketdata.operations.projection import current_lake
from marketdata.queries.instruments import get_names, get_segments
from marketdata.queries.readiness import get_doubtful_bases
from marketdata.queries.readings import ReadingTimes, get_readings
from marketdata.queries.records import get_record
from marketdata.record import Days, Record
from marketdata.spans import span
from scans.engines import engine_params
from scans.engines.base import Check, Features, MarketIndex, Universe
from scans.engines.condition_engine import ConditionEngine
from scans.engines.funnel import Branch
from scans.engines.regime_rules import RegimeHistory, RegimeRule
from scans.engines.registry import ENGINES
from scans.execution.cost import StageMeter, resident_memory
from scans.execution.shards import EngineTask
from scans.models import ScannerVersion, ScanRank, ScanSession
from scans.operations.scan import attempts, inputs
from scans.operations.scan.answers import Scan, SessionAnswer, session_answers
from scans.operations.scan.features import RunTrials
from scans.operations.scan.publish import FollowList, NotReproducible, Permit, UpdateSignals, publish
from scans.operations.scan.request import RunRequest
from scans.queries.versions import get_versions


class NoBars(DataProblem):
    """The market has no bars of an instrument in the window of a session."""


@dataclass(frozen=True, slots=True)
class InstrumentChecks:
    """The checks of one instrument by one version on one session, the version's answer for the session, in which the
    instrument may have a rank, and the rule of its regime."""

    checks: list[Check]
    answer: SessionAnswer
    regime_rule: RegimeRule | None = None

    def rank(self, code: str) -> dict[str, Any] | None:
        """The rank of the instrument as a row, None if it was not picked."""
        return next((row for row in self.answer.ranks if row["code"] == code), None)


def run_scan(
    request: RunRequest,
    *,
    permit: Permit | None = None,
    each: Callable[[Scan], None] | None = None,
    follow: FollowList | None = None,
) -> list[Scan]:
    """Run and publish the versions; returns a `Scan` for each, in their order. Errors of the request or the data are
    raised. `permit` is called as a version is published, `each` with its scan afterwards; their exceptions end the
    run. With `follow` (`signals.follow_list`) each version's signals are published with its answers."""
    get_market(request.market)
    versions = get_versions(request.market, list(request.versions))
    trials = RunTrials.begin(request)
    request = trials.request
    record = _record(request)
    days = _sessions(record, request)
    for version in versions:
        attempts.log_start(version, days, request)
    scans = []
    for scan, data_digest in answer_sessions(record, days, versions, request):
        if request.save and not scan.error:
            try:
                _publish(scan, data_digest, request, permit, follow and partial(follow, record))
            except BaseException as error:
                _record_stop(scan, error, days, data_digest, request)
                raise
        _record_end(scan, days, data_digest, request)
        if each:
            each(scan)
        scans.append(scan)
    trials.end(scans, len(days))
    if request.save:
        ranks = sum(len(answer.ranks) for scan in scans for answer in scan.answers)
        analyze_tables.analyze(ranks, ScanRank, ScanSession)
    return scans


def answer_sessions(
    record: Record, days: Days, versions: Sequence[ScannerVersion], request: RunRequest
) -> Iterator[tuple[Scan, str]]:
    """The scan of each version, with its answers for `days` of `record`, unpublished, and the digest of its data."""
    scans = [Scan(version, request.market, _task(version, record, request)) for version in versions]
    readings = _readings(record, days, request)
    baseline = resident_memory()
    data = _read_inputs(record, days, scans, request, baseline)
    thin, undecided = thin_sessions(record, days), get_doubtful_bases(record, days)
    notices = tuple(record.notices(days))
    regimes = RegimeHistory(data.levels)
    for scan in scans:
        scan.notices, scan.regimes, scan.index = notices, regimes, data.index.name
        scan.baseline = baseline
        digests = data.digests(scan.task)
        try:
            meter = StageMeter(baseline=baseline)
            _answer(scan, *next(data.results), data.levels, digests, thin, undecided, readings, request)
        except BaseException as error:
            _record_stop(scan, error, days, digests[-1], request)
            raise
        scan.add_cost("score", meter.cost())
        yield scan, digests[-1]


def _read_inputs(
    record: Record, days: Days, scans: Sequence[Scan], request: RunRequest, baseline: int
) -> inputs.ScanInputs:
    """The inputs of `scans`, their cost added to each; where they cannot be read, each scan has failed."""
    meter = StageMeter(baseline=baseline)
    try:
        data = inputs.read_inputs(record, days, [scan.task for scan in scans], request)
    except BaseException as error:
        for scan in scans:
            scan.error = f"{scan.version.slug} failed: {type(error).__name__}: {error}"
            scan.add_cost("read", meter.cost())
            _record_end(scan, days, "", request)
        raise
    memory = meter.cost().memory
    for scan, cost in zip(scans, data.costs, strict=True):
        scan.add_cost("read", replace(cost.read, memory=memory + cost.memory))
        scan.add_cost("features", cost.features)
        scan.bars, scan.executor = cost.bars, cost.executor
    return data


def _record_stop(scan: Scan, error: BaseException, days: Days, data_digest: str, request: RunRequest) -> None:
    """Record and log that a scan was stopped before its end."""
    scan.error = f"{scan.version.slug} was stopped: {type(error).__name__}: {error}"
    _record_end(scan, days, data_digest, request)


def _record_end(scan: Scan, days: Days, data_digest: str, request: RunRequest) -> None:
    """Record a failure, if the run is recorded at all, and log the end."""
    if request.save and scan.error:
        attempts.record_failure(scan, days, data_digest, request)
    attempts.log_end(scan)


def check_instrument(request: RunRequest, code: str) -> dict[str, InstrumentChecks]:
    """Version -> every filter, signal, gate and risk of the instrument `code` on the requested session, and the
    session's answer. NoBars if the instrument has no bars in the window."""
    record, days, scans, data = _read_session(request)
    checks_of_version: dict[str, InstrumentChecks] = {}
    thin, undecided = thin_sessions(record, days), get_doubtful_bases(record, days)
    readings = _readings(record, days, request)
    regimes = RegimeHistory(data.levels)
    for scan, (universe, features) in zip(scans, data.results, strict=True):
        if isinstance(features, Exception):
            raise features
        column = _column(universe, code)
        if column is None:
            raise NoBars(f"Market {request.market} has no bars of {code} in the window of {days[0]}.")
        checks = scan.task.engine.explain(universe, features, data.levels, scan.task.params, day=0, column=column)
        digests = data.digests(scan.task)
        _answer(scan, universe, features, data.levels, digests, thin, undecided, readings, request)
        if scan.error:
            raise DataProblem(f"Version {scan.error}")
        scan.regimes = regimes
        (answer,) = scan.answers
        checks_of_version[scan.version.slug] = InstrumentChecks(checks, answer, scan.regime_rule(answer))
    return checks_of_version


def check_instruments(request: RunRequest, codes: Sequence[str]) -> dict[str, list[Check]]:
    """Code -> every check of the instrument by the request's one version on its session; codes without bars in the
    window are left out. The market is read once for all of them."""
    _, _, (scan,), data = _read_session(request)
    universe, features = next(data.results)
    if isinstance(features, Exception):
        raise features
    columns = {code: column for code in codes if (column := _column(universe, code)) is not None}
    engine, params = scan.task.engine, scan.task.params
    return {
        code: engine.explain(universe, features, data.levels, params, day=0, column=column)
        for code, column in columns.items()
    }


def count_survivors(request: RunRequest) -> list[Branch]:
    """How many instruments each filter of the request's one version leaves on its session, and the nearest misses."""
    _, _, (scan,), data = _read_session(request)
    universe, features = next(data.results)
    if isinstance(features, Exception):
        raise features
    engine = scan.task.engine
    if not isinstance(engine, ConditionEngine):
        return []
    return engine.funnel(universe, features, data.levels, scan.task.params, day=0)


def _read_session(request: RunRequest) -> tuple[Record, Days, list[Scan], inputs.ScanInputs]:
    """The record, the requested session, a scan for each version, and their inputs."""
    get_market(request.market)
    versions = get_versions(request.market, list(request.versions))
    record = _record(request)
    days = _sessions(record, request)[-1:]
    scans = [Scan(version, request.market, _task(version, record, request)) for version in versions]
    return record, days, scans, inputs.read_inputs(record, days, [scan.task for scan in scans], request)


def _column(universe: Universe, code: str) -> int | None:
    """The place of an instrument in the universe, None where it is not there."""
    column = int(np.searchsorted(universe.codes, code))
    return column if column < len(universe.codes) and universe.codes[column] == code else None


def requested_sessions(request: RunRequest) -> Days:
    """The sessions of the request's range."""
    return _sessions(_record(request), request)


def _record(request: RunRequest) -> Record:
    """The record, after an update of the lake; with `mend` False the record as it is."""
    if request.mend:
        return current_lake.current_record(request.market)
    return get_record(request.market)


def _sessions(record: Record, request: RunRequest) -> Days:
    if request.first is None and request.last is None:
        day = record.last_complete_session(request.as_of)
        return record.between(day, day)
    return record.between(request.first, request.last)


def _task(version: ScannerVersion, record: Record, request: RunRequest) -> EngineTask:
    """The engine's task; DataProblem if the version or the request names a segment that the market does not have."""
    engine = ENGINES[version.engine]
    params: dict[str, Any] = {"segments": version.segments, "limits": version.limits, **version.params}
    params = dict(request.pinned.get(version.slug, params))
    segments, limits, top = params.pop("segments"), params.pop("limits"), params.pop("top", None)
    limits = {**limits, **request.limits}
    _refuse_unknown_segments(record, {*segments, *limits})
    return EngineTask(
        engine=engine,
        params=engine_params.read(engine.Params, params, record.market.name),
        segments=tuple(segments) or record.market.segments,
        limits=limits,
        top=request.top or top,
    )


def _refuse_unknown_segments(record: Record, names: set[str]) -> None:
    if names <= set(record.market.segments):
        return
    segments = get_segments(record.market.name)
    for name in sorted(names.difference(segments)):
        raise DataProblem(
            f"Market {record.market.name} has no segment {name!r}: choose among {', '.join(segments)}."
            f"{did_you_mean(name, segments)}"
        )


def _answer(
    scan: Scan,
    universe: Universe,
    features: Features | Exception,
    index: MarketIndex,
    data: list[str],
    thin: Mapping[str, str],
    undecided: Mapping[str, str],
    readings: Mapping[date, ReadingTimes],
    request: RunRequest,
) -> None:
    try:
        if isinstance(features, Exception):
            raise features
        with span("scan.score", scanner_version=scan.version.slug):
            outcome = scan.task.engine.score(universe, features, index, scan.task.params)
    except Exception as error:  # of this version only; its scan has the error
        scan.error = f"{scan.version.slug} failed: {type(error).__name__}: {error}"
        return
    codes = [str(universe.codes[i]) for i in np.unique(outcome.ranks.column)]
    names = get_names(request.market, codes)
    scan.answers = list(
        session_answers(
            scan.task,
            universe,
            outcome,
            data=data,
            thin=thin,
            undecided=undecided,
            names=names,
            readings=readings,
        )
    )


def _readings(record: Record, days: Days, request: RunRequest) -> dict[date, ReadingTimes]:
    """The readings of provisional sessions; read before the bars, so that one that is settled in between stays
    provisional until the next run. A forming session is read at the time of the request."""
    if record.forming is not None:
        return {days[-1].item(): ReadingTimes(request.as_of, None)}
    return get_readings(record.market.name, str(days[0]), str(days[-1]))


def thin_sessions(record: Record, days: Days) -> dict[str, str]:
    """Session in doubt -> the reason why it is not published."""
    reasons = {}
    for day in days:
        n = int(np.searchsorted(record.sessions, day))
        if why := record.doubt(n):
            reasons[str(day)] = why
    return reasons


def _publish(
    scan: Scan,
    data_digest: str,
    request: RunRequest,
    permit: Permit | None,
    follow: Callable[[ScannerVersion, date, datetime], UpdateSignals | None] | None,
) -> None:
    meter = StageMeter(baseline=scan.baseline)
    try:
        with span("scan.publish", scanner_version=scan.version.slug):
            first = date.fromisoformat(scan.answers[0].date)
            update = follow(scan.version, first, request.as_of) if follow else None
            options: dict[str, Any] = {"permit": permit, "update_signals": update}
            without_niceness(lambda: publish(scan, data_digest=data_digest, request=request, meter=meter, **options))
    except NotReproducible as error:
        scan.error = str(error)
    except DatabaseError as error:  # this version is rolled back; the others continue
        if is_damage(error):
            raise
        scan.error = f"{scan.version.slug} could not be published: {type(error).__name__}: {error}"
