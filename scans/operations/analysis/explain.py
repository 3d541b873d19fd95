"""Explanation why a version picked an instrument on a session, or not: read-only, for record and lake.

1. Session: the requested one, else the latest that the version has published, else the last complete one.
2. Parameters and index: those recorded by the run of the published answer, else the present ones.
3. The result is cached by everything that it depends on, so that a second request runs no scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from caching.cached import cached
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_projected_record
from scans.engines import engine_params
from scans.engines.base import Check
from scans.engines.regime_rules import Comparison, RegimeRule
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, ScanSession
from scans.operations.scan.answers import SessionAnswer
from scans.operations.scan.reproduce import refuse_other_engine
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import InstrumentChecks, check_instrument
from scans.queries import results


@dataclass(frozen=True, slots=True)
class Explanation:
    """The checks of an instrument by `version` on `date` with `parameters` (the engine's, segments, limits and top):
    those of `session`, the published answer, or the present ones if there is none."""

    version: ScannerVersion
    date: date
    session: ScanSession | None
    parameters: Mapping[str, Any]
    checks: InstrumentChecks

    @property
    def reproduces(self) -> bool | None:
        """Whether the record still has the inputs of the published answer; None if there is none."""
        if self.session is None:
            return None
        return self.session.input_digest == self.checks.answer.input_digest


def explain_instrument(
    *, market: str, version: ScannerVersion, code: str, day: date | None, as_of: datetime
) -> Explanation:
    """The explanation. Raises DataProblem (LakeError: the lake is behind the record; NoBars: the instrument has no
    bars), and NoSuchRun if the published answer was made with another engine or revision."""
    published = published_answer(market, version, day)
    day = day or (published.date if published else None)
    record = get_projected_record(market, *([day] if day else []))
    day = day or record.last_complete_session(as_of)
    if published:
        refuse_other_engine(published.run, version)
    parameters = dict(published.run.params) if published else _current(version, market)
    index = published.run.index if published else index_series.get_index_name(market)
    days = record.between(day, day)
    checks = _cached_checks(
        market,
        version.slug,
        code,
        day,
        parameters,
        index,
        f"{version.engine} {ENGINES[version.engine].revision}",
        index_series.get_index_digests(
            record, days, index, record.digests_with_caps(days, get_history_digests(record, days))
        )[0],
    )
    return Explanation(version, day, published, parameters, checks)


def published_answer(market: str, version: ScannerVersion, day: date | None) -> ScanSession | None:
    """The published session of `day` (None: the latest) with its run; None if there is none."""
    rows = results.published_sessions(market, version).select_related("run")
    return (rows.filter(date=day) if day else rows.order_by("-date")).first()


def _current(version: ScannerVersion, market: str) -> dict[str, Any]:
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params, market))
    return {**values, "segments": version.segments, "limits": version.limits, "top": None}


@cached("published", what="explain", version=3, holds=(InstrumentChecks, SessionAnswer, Check, RegimeRule, Comparison))
def _cached_checks(
    market: str,
    slug: str,
    code: str,
    day: date,
    parameters: Mapping[str, Any],
    index: str,
    engine: str,
    data_digest: str,
) -> InstrumentChecks:
    """The checks; `engine` and `data_digest` only serve the cache key. The answer keeps the instrument's rank only."""
    request = RunRequest.of_answer(market, slug, day, parameters, index)
    checks = check_instrument(request, code)[slug]
    row = checks.rank(code)
    return replace(checks, answer=replace(checks.answer, ranks=[row] if row else []))
