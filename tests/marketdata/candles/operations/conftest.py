"""A process-wide cache would carry candles from one test's record to the next."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    from marketdata.candles import queries  # models may be imported once Django is set up

    queries.shared_cache.cache_clear()
