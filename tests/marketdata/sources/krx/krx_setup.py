"""The imitation of the exchange's Open API and a source over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from marketdata.sources.base import SourceError
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.krx.client import KrxSource
from marketdata.sources.krx.settings import KrxSettings
from marketdata.sources.sessions import SessionAnswer
from tests.exchanges.krx_open_api import KEY, Days, KrxOpenApi, daily_row


@contextmanager
def krx_source(days: Days, **options: Any) -> Iterator[tuple[KrxOpenApi, KrxSource]]:
    """The imitation that serves `days`, and a source with the settings among `options`."""
    names = ("api_key", "segments", "calls_a_day")
    chosen: dict[str, Any] = {"api_key": KEY} | {name: options.pop(name) for name in names if name in options}
    with KrxOpenApi(days, **options) as exchange:
        settings = KrxSettings(base_url=exchange.url, per_second=1_000, **chosen)
        http = HttpClient(retry=RetryPolicy(attempts=4, draw=lambda low, high: 0.0))
        source = KrxSource(settings, http)
        try:
            yield exchange, source
        finally:
            source.close()


def answer_of(source: KrxSource, day: date) -> SessionAnswer | SourceError:
    """The answer for one day."""
    return next(answer for _, answer in source.sessions_of([day]))


def whole_session(session: date, *, kospi: int = 700, kosdaq: int = 1_200, step: int = 0) -> dict[str, list[Any]]:
    """A session with so many rows; closes rise by `step` won."""
    return {
        "KOSPI": [daily_row(session, f"{n:05d}0", close=10_000 + 10 * n + step) for n in range(1, kospi + 1)],
        "KOSDAQ": [
            daily_row(session, f"{n:05d}0", close=5_000 + step, market="KOSDAQ", department="중견기업부")
            for n in range(10_001, 10_001 + kosdaq)
        ],
    }
