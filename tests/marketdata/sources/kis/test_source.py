"""The KIS source against its imitation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from marketdata.sources.base import (
    Capability,
    SourceChanged,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.daily import BarAnswer, BarRequest, DailyBar
from marketdata.sources.http.client import HttpClient, Timeouts
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.kis import parse
from marketdata.sources.kis.client import KisSource
from marketdata.sources.kis.settings import HOSTS, KisSettings
from marketdata.sources.kis.token_stores import ProcessTokens, Token, TokenStore
from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Bar, Instrument, generated_bars, weekdays
from tests.exchanges.server import Faults

SESSIONS = weekdays(date(2024, 1, 2), 330)
KEY, SECRET = "PSimitationkey", "imitation-secret"
MARKET = {
    "005930": Instrument(
        "삼성전자",
        generated_bars(SESSIONS, 3),
        listed=date(1975, 6, 11),
        shares=5_919_637_000,
        flows=[(day, 1000 + n, -400, None) for n, day in enumerate(SESSIONS[-40:])],
    ),
    "005935": Instrument("삼성전자우", generated_bars(SESSIONS, 5), preferred=True),
    "0001A0": Instrument("새 종목", generated_bars(SESSIONS[-7:], 9), "KOSDAQ", spac=True),
    "068270": Instrument("백 개", generated_bars(SESSIONS[-100:], 2), "KOSDAQ", halted=True),
    "900001": Instrument("빈 종목", [], "KONEX", managed=True, warning="02", group="ST"),
}
CLOSED = frozenset({SESSIONS[3]})


def expected(bars: list[Bar], code: str) -> list[DailyBar]:
    return [
        DailyBar(code, b.session, b.open, b.high, b.low, b.close, b.volume, b.close * b.volume, b.base) for b in bars
    ]


def source_of(exchange: KisExchange, tokens: TokenStore | None = None, **options: str) -> KisSource:
    settings = KisSettings(
        **{"environment": "real", "app_key": KEY, "app_secret": SECRET} | options,  # type: ignore[arg-type]
        base_url=exchange.url,
        master_url=f"{exchange.url}/common/master",
        per_second=10_000,
        token_every=0.001,
    )
    http = HttpClient(retry=RetryPolicy(draw=lambda low, high: 0.0), timeouts=Timeouts(read=0.3))
    return KisSource(settings, http, tokens=tokens)


@pytest.fixture
def exchange() -> Iterator[KisExchange]:
    with KisExchange(MARKET, per_second=100_000, token_every=0.0, closed=CLOSED) as running:
        yield running


@pytest.fixture
def source(exchange: KisExchange) -> Iterator[KisSource]:
    made = source_of(exchange)
    yield made
    made.close()


CHART = "/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"


@pytest.mark.parametrize(("first", "calls"), [(0, 4), (230, 1), (231, 1), (229, 2), (329, 1)])
def test_daily_bars_are_paged_back_and_come_as_served(
    exchange: KisExchange, source: KisSource, first: int, calls: int
) -> None:
    """A page that ends at the first session of the request needs no further call; one short of it does."""
    bars = source.daily_bars("005930", SESSIONS[first], SESSIONS[-1])
    assert bars == expected(MARKET["005930"].bars[first:], "005930")
    assert exchange.calls[CHART] == calls


def test_halted_bars_keep_their_last_price_and_signs_make_the_base_price(source: KisSource) -> None:
    bars = source.daily_bars("005930", SESSIONS[0], SESSIONS[-1])
    halted = [bar for bar in bars if bar.volume == 0]
    assert halted
    assert all(bar.open == bar.high == bar.low == 0 < bar.close for bar in halted)
    moves = [bar.close - (bar.base_price or 0) for bar in bars]
    assert min(moves) < 0 < max(moves)


def test_rows_that_are_empty_do_not_end_the_paging(exchange: KisExchange, source: KisSource) -> None:
    source.flows("005930")  # takes the token, so that the faults hit the pages
    exchange.faults.next("blank", "blank", "blank", "blank")
    bars = source.daily_bars("005930", SESSIONS[0], SESSIONS[-1])
    assert len(bars) == 330 - 4
    assert {bar.session for bar in bars} >= {SESSIONS[0], SESSIONS[-1]}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"per": "12.34", "eps": "-1234.00", "pbr": "0.98"}, (12.34, -1234.0, 0.98)),
        ({"per": " ", "eps": "4813", "pbr": "-"}, (None, 4813.0, None)),
        ({"per": "n.a.", "eps": "1.00"}, (None, 1.0, None)),
        ({"per": "", "eps": "", "pbr": ""}, None),
        ({}, None),
    ],
)
def test_a_blank_valuation_is_missing_and_never_costs_the_bars(
    head: dict[str, str], expected: tuple[float | None, ...] | None
) -> None:
    page = parse.daily_bars({"output1": {"hts_kor_isnm": "x", "stck_prpr": "1", **head}, "output2": []}, "005930", "x")
    assert page.valuation == expected


def test_no_bars_in_a_range_is_not_an_unknown_instrument(source: KisSource) -> None:
    assert source.daily_bars("0001A0", SESSIONS[0], SESSIONS[5]) == []
    with pytest.raises(SourceRefused, match="knows no instrument 999999"):
        source.daily_bars("999999", SESSIONS[0], SESSIONS[5])


def test_a_batch_isolates_the_instrument_that_fails(source: KisSource) -> None:
    codes = ["005930", "999999", "005935", "068270"]
    requests = [BarRequest(code, SESSIONS[0], SESSIONS[-1]) for code in codes]
    results = dict(source.daily_bars_of(requests, at_once=3))
    for request in requests:
        result = results[request]
        if request.code == "999999":
            assert isinstance(result, SourceError)
        else:
            assert isinstance(result, BarAnswer)
            assert result.bars == expected(MARKET[request.code].bars, request.code)


def test_many_quotes_take_a_call_for_thirty(exchange: KisExchange) -> None:
    many = {f"{n:06d}": Instrument(f"n{n}", generated_bars(SESSIONS[-2:], n)) for n in range(1, 101)}
    with KisExchange(many, per_second=100_000, token_every=0.0) as crowd:
        source = source_of(crowd)
        quotes = source.quotes([*many, "777777"])
        source.close()
    assert [quote.code for quote in quotes] == list(many)
    assert [quote.price for quote in quotes] == [m.bars[-1].close for m in many.values()]
    assert crowd.calls["/uapi/domestic-stock/v1/quotations/intstock-multprice"] == 4


def test_flows_keep_a_blank_as_missing_and_come_in_won(source: KisSource) -> None:
    flows = source.flows("005930")
    assert len(flows) == 30
    last, bar = flows[-1], MARKET["005930"].bars[-1]
    assert (last.session, last.individual_volume, last.institution_volume) == (
        SESSIONS[-1],
        1039,
        None,
    )
    assert last.institution_value is None
    assert last.individual_value == round(1039 * bar.close / 1_000_000) * 1_000_000


def test_holidays_follow_the_pages(source: KisSource, exchange: KisExchange) -> None:
    days = source.holidays(SESSIONS[0], pages=3)
    assert [day.day for day in days] == [SESSIONS[0] + timedelta(days=n) for n in range(75)]
    shut = {day.day for day in days if not day.is_open}
    assert shut == {d.day for d in days if d.day.weekday() > 4} | CLOSED


def test_master_files_of_all_segments(source: KisSource) -> None:
    listed = {i.code: i for name in ("KOSPI", "KOSDAQ", "KONEX") for i in source.instruments(name)}
    assert list(listed) == list(MARKET)
    for code, each in MARKET.items():
        got = listed[code]
        assert (got.name, got.segment, got.listed_on) == (each.name, each.segment, each.listed)
        assert (got.isin, got.preferred, got.halted) == (
            f"KR7{code}000",
            each.preferred,
            each.halted,
        )
        assert (got.managed, got.warning == "02") == (each.managed, each.warning == "02")
        assert got.shares == each.shares
        assert got.kind == ("spac" if each.spac else "stock")
        close = each.bars[-1].close if each.bars else 0
        assert got.market_cap == each.shares * close // 100_000_000 * 100_000_000
    with pytest.raises(SourceRefused, match="KOSPI, KOSDAQ, KONEX"):
        source.instruments("NASDAQ")


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "busy",
        "transient",
        "ledger",
        "expired",
        "timeout",
        "reset",
        "cut",
        "error",
        "html",
        "truncated",
    ],
)
@pytest.mark.slow
def test_what_passes_is_survived(exchange: KisExchange, source: KisSource, fault: str) -> None:
    source.flows("005930")
    exchange.faults.next(fault)
    assert len(source.daily_bars("0001A0", SESSIONS[0], SESSIONS[-1])) == 7
    assert exchange.faults.hit[fault] == 1
    assert exchange.tokens_issued == (2 if fault == "expired" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.01, 0.10])
def test_faults_of_every_kind_leave_a_batch_whole(exchange: KisExchange, rate: float) -> None:
    """Each kind that passes by itself, at the rate given for all of them together."""
    kinds = ("transient", "reset", "cut", "error", "html", "truncated", "timeout", "skew")
    source = source_of(exchange)
    source.flows("005930")
    exchange.faults = Faults(dict.fromkeys(kinds, rate / len(kinds)), seed=5)
    requests = [BarRequest("005930", day, SESSIONS[-1]) for day in SESSIONS[200:320]]
    results = dict(source.daily_bars_of(requests))
    source.close()
    for request in requests:
        bars = MARKET["005930"].bars[SESSIONS.index(request.start) :]
        listed = results[request]
        assert isinstance(listed, BarAnswer)
        assert listed.bars == expected(bars, "005930")
    assert sum(exchange.faults.hit.values()) > 0


def test_wrong_keys_stop_at_once_and_say_which(exchange: KisExchange) -> None:
    source = source_of(exchange, app_secret="wrong-secret")  # noqa: S106
    with pytest.raises(SourceRefused, match="KIS_APP_SECRET") as refused:
        source.flows("005930")
    assert refused.value.code == "EGW00105"
    assert exchange.calls["/oauth2/tokenP"] == 1
    source.close()


def test_settings_that_contradict_each_other_do_not_start() -> None:
    with pytest.raises(SourceRefused, match="address is that of real"):
        KisSettings("paper", KEY, SECRET, base_url=HOSTS["real"])
    with pytest.raises(SourceRefused, match="real or paper"):
        KisSettings("prod", KEY, SECRET)  # type: ignore[arg-type]
    assert KisSettings("real", "", "").missing() == ("KIS_APP_KEY", "KIS_APP_SECRET")


def test_paper_has_no_quotes_and_no_holidays(exchange: KisExchange) -> None:
    source = source_of(exchange, environment="paper")
    assert not {Capability.QUOTES, Capability.HOLIDAYS} & source.capabilities
    with pytest.raises(SourceRefused, match="real environment only"):
        source.quotes(["005930"])
    with pytest.raises(SourceRefused, match="real environment only"):
        source.holidays(date(2025, 1, 1))
    assert len(source.daily_bars("0001A0", SESSIONS[0], SESSIONS[-1])) == 7
    source.close()


def test_missing_settings_are_reported_before_any_call(exchange: KisExchange) -> None:
    source = source_of(exchange, app_key="")
    with pytest.raises(SourceRefused, match="set KIS_APP_KEY"):
        source.flows("005930")
    assert sum(exchange.calls.values()) == 0
    source.close()


def test_two_clients_at_once_stay_under_the_limit_of_the_account() -> None:
    """Two clients with loops of their own share permits and token; the limit is scaled to 60 a second."""
    with KisExchange(MARKET, per_second=60) as busy:
        store, permits = ProcessTokens(), ProcessRateLimits()
        settings = KisSettings("real", KEY, SECRET, base_url=busy.url, per_second=60 / 1.05)
        clients = [KisSource(settings, HttpClient(limiter=Limiter(permits)), tokens=store) for _ in range(2)]
        with ThreadPoolExecutor(2) as threads:
            batches = threads.map(lambda client: list(client.flows_of(["005930"] * 40)), clients)
            results = [result for batch in batches for _, result in batch]
        for client in clients:
            client.close()
    assert len(results) == 80
    assert not any(isinstance(result, SourceError) for result in results)
    assert busy.refused == {}
    assert busy.tokens_issued == 1


@pytest.mark.slow
def test_secrets_and_tokens_are_in_no_message_no_repr_and_no_log(
    exchange: KisExchange, source: KisSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [repr(source._settings), repr(Token("imitation-token-0", 1.0))]
    for fault in ("transient", "expired", "html", "truncated", "cut"):
        exchange.faults.next(*[fault] * 8)
        try:
            source.daily_bars("005930", SESSIONS[-5], SESSIONS[-1])
        except (SourceRefused, SourceUnavailable, SourceChanged) as error:
            texts += [str(error), repr(error), repr(error.__cause__)]
        exchange.faults.queue.clear()
    searched = "\n".join([*texts, caplog.text])
    assert "Daily" in searched or "GET" in searched
    for secret in (SECRET, KEY, "imitation-token"):
        assert secret not in searched
