"""Where the time of one session goes."""

from __future__ import annotations

import cProfile
import io
import pstats
from datetime import UTC, date, datetime
from typing import Any

from scans.operations.scan import run
from scans.operations.scan.request import RunRequest

AS_OF = datetime(2027, 1, 1, tzinfo=UTC)


def profile(*, market: str, version: str, day: str, top: int, save: bool) -> dict[str, Any]:
    """The functions in which one session spends most time of their own, as text; after one session to warm up."""
    request = RunRequest(
        market=market,
        as_of=AS_OF,
        versions=[version],
        first=date.fromisoformat(day),
        last=date.fromisoformat(day),
        executor="inline",
        workers=1,
        save=save,
        started_by="bench",
    )
    run.run_scan(request)
    watched = cProfile.Profile()
    watched.runcall(run.run_scan, request)
    text = io.StringIO()
    pstats.Stats(watched, stream=text).strip_dirs().sort_stats("tottime").print_stats(top)
    return {"text": text.getvalue()}
