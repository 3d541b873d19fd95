"""The rule that split versions: of an instrument that one version picked and another did not, the first check of the
other that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from caching.cached import cached
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.records import get_projected_record
from scans.engines.base import Check
from scans.engines.conditions import SOFT
from scans.engines.registry import ENGINES
from scans.models import ScanSession
from scans.operations.scan.reproduce import refuse_other_engine
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import check_instruments


def first_failing_checks(
    sessions: Sequence[ScanSession], lacking: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Check]]:
    """Version -> code -> the first check that fails, of the instruments in `lacking` (version -> codes) on published
    `sessions` of one day, whose runs are loaded; instruments that pass every check, or have no bars, are left out.
    DataProblem (LakeError: the lake is behind), NoSuchRun if an answer was made with another engine or revision."""
    splits = {}
    for session in sessions:
        slug, run, day = session.scanner_version.slug, session.run, session.date
        if not lacking.get(slug):
            continue
        codes = sorted(lacking[slug])
        splits[slug] = _cached_splits(
            session.market, slug, codes, day, dict(run.params), run.index, *input_identity(session)
        )
    return splits


def input_identity(session: ScanSession) -> tuple[str, str]:
    """The engine with its revision, and the digest of the present data: on these depends what a published session's
    conditions answer today. LakeError: the lake is behind; NoSuchRun: the engine or its revision is another one."""
    run = session.run
    refuse_other_engine(run, session.scanner_version)
    record = get_projected_record(session.market, session.date)
    days = record.between(session.date, session.date)
    chain = record.digests_with_caps(days, get_history_digests(record, days))
    (digest,) = index_series.get_index_digests(record, days, run.index, chain)
    return f"{run.engine} {ENGINES[run.engine].revision}", digest


@cached("published", what="split", version=1, holds=(Check,))
def _cached_splits(
    market: str,
    slug: str,
    codes: Sequence[str],
    day: date,
    parameters: Mapping[str, Any],
    index: str,
    engine: str,
    data_digest: str,
) -> dict[str, Check]:
    """Code -> its first failing check; `engine` and `data_digest` only serve the cache key."""
    request = RunRequest.of_answer(market, slug, day, parameters, index)
    every = check_instruments(request, codes)
    first = {
        code: next((check for check in checks if not check.holds and check.group not in SOFT), None)
        for code, checks in every.items()
    }
    return {code: check for code, check in first.items() if check is not None}
