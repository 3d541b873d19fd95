"""Daily bars of coins: no day that still forms, and nothing taken for absent because one answer left it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.bithumb import client as bithumb
from marketdata.sources.daily import BarAnswer, BarRequest
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.quotation.daily import LATE, PAUSES, DailyQuotationSource
from marketdata.sources.upbit import client as upbit
from tests.exchanges.upbit import BithumbExchange, QuotationExchange, UpbitExchange, generated

LAST = date(2025, 9, 10)
END = int(datetime(2025, 9, 11, tzinfo=UTC).timestamp())  # of that day, UTC
DAYS = 700
BOOK = {"KRW-BTC": generated(END - DAYS * 86_400, DAYS * 4, step=21_600)}
WHOLE = BarRequest("KRW-BTC", LAST - timedelta(days=DAYS + 99), LAST)


async def no_pause(seconds: float) -> None:
    """Time passes at once."""


@contextmanager
def served(
    kind: type[QuotationExchange] = UpbitExchange,
    *,
    exchange_now: float = END + 3600.0,
    local_now: float | None = None,
    pause: Callable[[float], Awaitable[None]] = no_pause,
) -> Iterator[tuple[QuotationExchange, DailyQuotationSource]]:
    dialect = upbit.UPBIT if kind is UpbitExchange else bithumb.BITHUMB
    with kind(BOOK, per_second=100_000, clock=lambda: exchange_now) as exchange:
        http = HttpClient(
            retry=RetryPolicy(draw=lambda low, high: 0.0),
            wall_clock=lambda: exchange_now if local_now is None else local_now,
        )
        source = DailyQuotationSource(dialect, http, base_url=exchange.url, per_second=100_000, pause=pause)
        yield exchange, source
        source.close()


def answer_of(source: DailyQuotationSource, request: BarRequest = WHOLE) -> BarAnswer | Exception:
    ((_, answer),) = source.daily_bars_of([request])
    return answer


def sessions(answer: BarAnswer | Exception) -> list[date]:
    assert isinstance(answer, BarAnswer)
    return [bar.session for bar in answer.bars]


EVERY = [LAST - timedelta(days=n) for n in reversed(range(DAYS))]


def test_every_day_is_returned_and_days_before_the_first_are_requested_once() -> None:
    with served() as (exchange, source):
        assert sessions(answer_of(source)) == EVERY
    assert sum(exchange.calls.values()) == 5  # 700 days on pages of 200, and one beside the first


@pytest.mark.parametrize("ahead", [0.0, 3600.0, 86_400.0])
@pytest.mark.parametrize("since", [-60.0, 0.0, 60.0, LATE - 1.0])
def test_a_day_that_may_still_change_is_not_returned(since: float, ahead: float) -> None:
    """By the clock of the exchange, however far ahead ours is."""
    with served(exchange_now=END + since, local_now=END + since + ahead) as (_, source):
        answer = answer_of(source)
    assert isinstance(answer, SourceUnavailable)
    assert "try again later" in str(answer)


def test_a_day_is_returned_once_its_last_trades_are_in() -> None:
    with served(exchange_now=float(END + LATE), local_now=END + LATE + 7200.0) as (_, source):
        assert sessions(answer_of(source))[-1] == LAST


def test_a_korean_day_ends_in_korea() -> None:
    korean = END - 9 * 3600
    with served(BithumbExchange, exchange_now=float(korean + LATE)) as (_, source):
        assert sessions(answer_of(source))[-1] == LAST
    with served(BithumbExchange, exchange_now=float(korean + LATE - 1)) as (_, source):
        assert isinstance(answer_of(source), SourceUnavailable)


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("number", [1, 2, 4])
def test_empty_answers_in_a_row_lose_no_day(before: int, number: int) -> None:
    with served() as (exchange, source):
        exchange.faults.next(*[None] * before, *["empty"] * number)
        assert sessions(answer_of(source)) == EVERY
        assert exchange.faults.hit["empty"] == number


def test_an_empty_answer_is_requested_again_over_seconds() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    with served(pause=pause) as (exchange, source):
        exchange._book["KRW-NIL"] = []
        request = BarRequest("KRW-NIL", LAST - timedelta(days=3), LAST)
        assert sessions(answer_of(source, request)) == []
    assert pauses == list(PAUSES)


def test_a_span_in_which_nothing_traded_is_proven_by_an_older_day() -> None:
    sleeping = generated(END - 300 * 86_400, 100, step=86_400)
    with served() as (exchange, source):
        exchange._book["KRW-OLD"] = sleeping
        request = BarRequest("KRW-OLD", LAST - timedelta(days=3), LAST)
        assert sessions(answer_of(source, request)) == []
    assert sum(exchange.calls.values()) == 1


def test_blanks_lose_no_day() -> None:
    with served() as (exchange, source):
        exchange.faults.rates = {"blank": 0.5}
        assert sessions(answer_of(source)) == EVERY
    assert exchange.faults.hit["blank"] > 0
    assert source.calls_made == sum(exchange.calls.values())
