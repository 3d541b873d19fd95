"""The funnel of a published session: how many instruments each filter of its version leaves, and the nearest misses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from caching.cached import cached
from scans.engines.base import Check
from scans.engines.funnel import Branch, Miss, Step
from scans.models import ScanSession
from scans.operations.analysis.split import input_identity
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import count_survivors


def session_funnel(session: ScanSession) -> list[Branch]:
    """The branches of the funnel, with the parameters of the session's run, which is loaded; none if the engine has no
    conditions. DataProblem (LakeError: the lake is behind), NoSuchRun: the engine or its revision is another one."""
    run, slug = session.run, session.scanner_version.slug
    identity = input_identity(session)
    return _cached_funnel(session.market, slug, session.date, dict(run.params), run.index, *identity)


@cached("published", what="funnel", version=1, holds=(Branch, Step, Miss, Check))
def _cached_funnel(
    market: str, slug: str, day: date, parameters: Mapping[str, Any], index: str, engine: str, data_digest: str
) -> list[Branch]:
    """The branches; `engine` and `data_digest` only serve the cache key."""
    return count_survivors(RunRequest.of_answer(market, slug, day, parameters, index))
