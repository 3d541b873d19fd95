"""Live quotes: of a session that trades, with time and phase, one call for all within half a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.utils import timezone

from marketdata.operations.live_quotes import live_quotes
from tests.api.conftest import Get
from tests.exchanges.krx_open_api import KST
from tests.marketdata.operations.kis_setup import KisSetup, create_instruments, generated_instruments

DAY = date(2026, 8, 21)
CODES = ("000010", "000020", "000030", "000040", "000050")
AtClock = Callable[..., None]


@pytest.fixture
def desk(db: None, settings: Any, data_dir: Path) -> Iterator[KisSetup]:
    with KisSetup(generated_instruments(5)) as made:
        options = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": made.exchange.url}
        kis = settings.SOURCES["kis"] | options | {"per_second": 1_000.0, "token_every": 0.001}
        settings.SOURCES = settings.SOURCES | {"kis": kis}
        settings.TOKEN_DIR, settings.SOURCE_ATTEMPTS, settings.SOURCE_PATIENCE = data_dir / "tokens", 1, 1.0
        create_instruments(*CODES)
        made.exchange.today = DAY
        yield made


@pytest.fixture
def at(desk: KisSetup, monkeypatch: pytest.MonkeyPatch) -> AtClock:
    """Set our clock and that of the exchange."""

    def set_clocks(hour: int, minute: int, second: int = 0, day: date = DAY, late: int = 0) -> None:
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=KST)
        desk.exchange.clock = lambda: moment.timestamp() - late
        monkeypatch.setattr(timezone, "now", lambda: moment)
        cache.clear()

    return set_clocks


def quote_calls(desk: KisSetup) -> int:
    return desk.calls().get("intstock-multprice", 0)


def test_quotes_have_their_time_and_phase(desk: KisSetup, at: AtClock, get: Get) -> None:
    at(10, 30)
    body = get("kr/quotes", codes="000020,000010")
    bar = desk.market["000010"].bars[-1]
    assert (body["market"], body["session"], body["currency"], body["missing"]) == ("kr", "2026-08-21", "KRW", [])
    assert [row["code"] for row in body["quotes"]] == ["000010", "000020"]
    assert body["quotes"][0] == {
        "code": "000010",
        "price": bar.close,
        "change_pct": 100 * (bar.close / bar.base - 1),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "volume": bar.volume,
        "base_price": bar.base,
        "read_at": "2026-08-21T01:30:00Z",
        "phase": "continuous",
    }


def test_each_code_is_read_once_in_half_a_minute(desk: KisSetup, at: AtClock, get: Get) -> None:
    """A request for five codes of which three are kept reads the other two."""
    at(10, 30)
    first = get("kr/quotes", codes="000030,000010,000020")
    five = get("kr/quotes", codes="000010,000020,000030,000040,000050")
    assert five["quotes"][:3] == first["quotes"]
    assert [row["code"] for row in get("kr/quotes", codes="000050,000010")["quotes"]] == ["000010", "000050"]
    assert desk.exchange.quoted == [["000010", "000020", "000030"], ["000040", "000050"]]
    assert quote_calls(desk) == 2


def test_codes_that_several_want_at_once_are_read_once(desk: KisSetup, at: AtClock) -> None:
    at(10, 30)
    wanted = [CODES[:3], CODES[1:4], CODES[2:], CODES]
    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(copy_context().run, _quotes, codes) for codes in wanted]
        assert [task.result(30) for task in tasks] == [list(codes) for codes in wanted]
    assert sorted(code for codes in desk.exchange.quoted for code in codes) == list(CODES)


def _quotes(codes: tuple[str, ...]) -> list[str]:
    try:
        return [quote.code for quote in live_quotes("kr", codes, clock=timezone.now).quotes]
    finally:
        connections.close_all()


@pytest.mark.parametrize(
    ("clock", "sentence"),
    [
        ((8, 59), "has live quotes from 09:01 on; it is 08:59:00"),
        ((9, 0, 30), "has live quotes from 09:01 on; it is 09:00:30"),
        ((15, 20), "is in its closing auction at 15:20:00"),
    ],
)
def test_hours_without_a_last_price_of_a_trade(
    desk: KisSetup, at: AtClock, get: Get, clock: tuple[int, ...], sentence: str
) -> None:
    at(*clock)
    assert sentence in get("kr/quotes", 409, codes="000010")["detail"]
    assert quote_calls(desk) == 0


def test_a_closed_day(desk: KisSetup, at: AtClock, get: Get) -> None:
    at(10, 0, day=date(2026, 8, 22))
    assert "is closed on 2026-08-22: there are no live quotes" in get("kr/quotes", 409, codes="000010")["detail"]


@pytest.mark.parametrize(("clock", "phase"), [((15, 35), "closed"), ((15, 45), "off_hours"), ((17, 0), "after_market")])
def test_after_the_close_the_phase_says_so(
    desk: KisSetup, at: AtClock, get: Get, clock: tuple[int, int], phase: str
) -> None:
    at(*clock)
    assert [row["phase"] for row in get("kr/quotes", codes="000010")["quotes"]] == [phase]


def test_without_a_source_nothing_is_shown(desk: KisSetup, at: AtClock, get: Get, settings: Any) -> None:
    at(10, 30)
    get("kr/quotes", codes="000010")
    settings.SOURCES = settings.SOURCES | {"kis": settings.SOURCES["kis"] | {"environment": "paper"}}
    at(10, 31)
    problem = get("kr/quotes", 503, codes="000010")
    assert problem["code"] == "no_quotes"
    assert "has no quotes of many instruments a call" in problem["detail"]


def test_old_answers_are_no_live_quotes(desk: KisSetup, at: AtClock, get: Get) -> None:
    at(10, 30, late=90)
    assert "answered with quotes of 2026-08-21 01:28:30 UTC" in get("kr/quotes", 503, codes="000010")["detail"]


def test_codes_are_checked(desk: KisSetup, at: AtClock, get: Get) -> None:
    at(10, 30)
    assert "999999" in get("kr/quotes", 404, codes="000010,999999")["detail"]
    many = ",".join(f"{n:06d}" for n in range(91))
    assert "From 1 to 90 codes" in str(get("kr/quotes", 400, codes=many)["errors"])
    get("kr/quotes", 400)
    get("kr/quotes", 400, codes=" , ")
    assert quote_calls(desk) == 0


def test_it_takes_the_permission_to_read(db: None, client: Client) -> None:
    assert client.get("/api/kr/quotes?codes=000010").status_code == 401
