"""Why a version picked an instrument on a session, or not: for readers, so neither record nor lake is written.

1. The session is the one asked for, else the latest that the version has published, else the last complete one.
2. The parameters and the index are those that the run behind the published answer recorded, else those of today.
3. What was found is kept by everything that it depends on, so asking again costs no scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
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
from scans.operations.scan.run import InstrumentChecks, RunRequest, check_instrument
from scans.queries import results


@dataclass(frozen=True, slots=True)
class Explanation:
    """`explained` is what `version` makes of the instrument on `date` with `parameters` (the engine's, segments, limits
    and top): those that `session`, the published answer, was made with, or where there is none those of today."""

    version: ScannerVersion
    date: date
    session: ScanSession | None
    parameters: Mapping[str, Any]
    explained: InstrumentChecks

    @property
    def reproduces(self) -> bool | None:
        """Whether the record still holds what the published answer was made from; None without one."""
        if self.session is None:
            return None
        return self.session.input_digest == self.explained.answer.input_digest


def explain_instrument(
    *, market: str, version: ScannerVersion, code: str, day: date | None, as_of: datetime
) -> Explanation:
    """Raises DataProblem where the record cannot answer (LakeError: the lake is behind it; NoBars: nothing of this
    instrument), NoSuchRun where the engine is no longer the one that the published answer was made with."""
    found = published_answer(market, version, day)
    day = day or (found.date if found else None)
    held = get_projected_record(market, *([day] if day else []))
    day = day or held.last_complete_session(as_of)
    if found:
        refuse_other_engine(found.run, version)
    chosen = dict(found.run.params) if found else _current(version, market)
    index = found.run.index if found else index_series.get_index_name(market)
    asked = held.between(day, day)
    explained = _explained(
        market,
        version.slug,
        code,
        day,
        chosen,
        index,
        f"{version.engine} {ENGINES[version.engine].revision}",
        index_series.get_index(held, asked, index).digests(get_history_digests(held, asked))[0],
    )
    return Explanation(version, day, found, chosen, explained)


def published_answer(market: str, version: ScannerVersion, day: date | None) -> ScanSession | None:
    """The published session of that day with its run, the latest where `day` is None."""
    mine = results.published_sessions(market, version).select_related("run")
    return (mine.filter(date=day) if day else mine.order_by("-date")).first()


def _current(version: ScannerVersion, market: str) -> dict[str, Any]:
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params, market))
    return {**values, "segments": version.segments, "limits": version.limits, "top": None}


@cached("published", what="explain", version=3, holds=(InstrumentChecks, SessionAnswer, Check, RegimeRule, Comparison))
def _explained(
    market: str,
    slug: str,
    code: str,
    day: date,
    chosen: Mapping[str, Any],
    index: str,
    engine: str,
    data_digest: str,
) -> InstrumentChecks:
    """`engine` and `data_digest` are parts of the key alone. Of the answer's ranks that of the instrument is kept."""
    request = RunRequest(
        market=market,
        as_of=datetime.min.replace(tzinfo=UTC),  # the session is named
        versions=[slug],
        first=day,
        last=day,
        pinned={slug: chosen},
        index=index,
        mend=False,
    )
    found = check_instrument(request, code)[slug]
    row = found.rank(code)
    return replace(found, answer=replace(found.answer, ranks=[row] if row else []))
