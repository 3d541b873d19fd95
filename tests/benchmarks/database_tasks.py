"""Inside a process of its own: an answer that is computed from the database, then read from the cache."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from caching.cached import cached
from marketdata.queries.history import BARS


@cached("published", what="benchmark")
def get_rows(market: str, code: str) -> list[list[str]]:
    """All bars of a stock, as text."""
    return [[str(value) for value in row] for row in BARS.rows(market, code)]


def cached_history(market: str, code: str, runs: int) -> dict[str, Any]:
    """Seconds of the answers that are computed and stored, and of those from the cache."""
    misses: list[float] = []
    hits: list[float] = []
    for _ in range(runs):
        get_rows.forget(market, code)
        for times in (misses, hits):
            began = perf_counter()
            rows = get_rows(market, code)
            times.append(perf_counter() - began)
            assert rows
    return {"misses": misses, "hits": hits}
