"""Answers of the exchange's Open API that must not pass: other shapes, days, markets and codes; and calls that must not
show the key."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from marketdata.sources.base import SourceChanged, SourceError, SourceRefused, SourceUnavailable
from marketdata.sources.http.client import HttpClient
from marketdata.sources.http.retry import RetryPolicy
from marketdata.sources.krx import parse
from marketdata.sources.krx.client import KrxSource
from marketdata.sources.krx.settings import KrxSettings
from marketdata.sources.sessions import SessionAnswer
from tests.exchanges.krx_open_api import KEY, daily_row
from tests.exchanges.server import Exchange, Request, Response
from tests.marketdata.sources.krx.krx_setup import answer_of, krx_source

DAY = date(2026, 8, 14)
ROW = daily_row(DAY, "005930", close=274_500, change=6_500, prices=(275_000, 275_500, 266_000))


class Notebook(Exchange):
    """Answers every call with `response` and keeps the requests."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response
        self.requests: list[Request] = []

    def answer(self, request: Request, fault: str | None) -> Response:
        self.requests.append(request)
        return self.response


def read(response: Response, attempts: int = 2) -> tuple[SessionAnswer | SourceError, list[Request]]:
    """What a source with one segment makes of a response, and the requests that it sent."""
    with Notebook(response) as exchange:
        http = HttpClient(retry=RetryPolicy(attempts=attempts, draw=lambda low, high: 0.0))
        settings = KrxSettings(api_key=KEY, segments=("KOSPI",), base_url=exchange.url, per_second=1_000)
        source = KrxSource(settings, http)
        result = answer_of(source, DAY)
        source.close()
        return result, exchange.requests


def test_the_key_is_in_a_header_and_the_day_alone_in_the_query() -> None:
    _, requests = read(Response.json({"OutBlock_1": [ROW]}))
    (request,) = requests
    assert (request.method, request.path) == ("GET", "/svc/apis/sto/stk_bydd_trd")
    assert dict(request.params) == {"basDd": "20260814"}
    assert request.headers["auth_key"] == KEY


def test_keys_are_sent_by_https_and_never_to_the_address_of_samples() -> None:
    assert KrxSettings(api_key=KEY).url == "https://data-dbg.krx.co.kr"


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        ({"error_msg": "Invalid parameter"}, SourceRefused, "was refused: Invalid parameter"),
        ({"respCode": "404", "respMsg": "Not Found"}, SourceRefused, "was refused: Not Found"),
        ({}, SourceRefused, "was refused: status 200"),
        ([ROW], SourceRefused, "was refused: status 200"),
        ({"OutBlock_1": {"BAS_DD": "20260814"}}, SourceChanged, "expected a list of rows, received dict"),
        ({"OutBlock_1": None}, SourceChanged, "expected a list of rows, received NoneType"),
        ({"OutBlock_1": [ROW, ["20260814"]]}, SourceChanged, "expected a list of rows"),
        ({"OutBlock_1": [ROW, ROW | {"BAS_DD": "20260813"}]}, SourceChanged, "expected 20260814, received 20260813"),
        ({"OutBlock_1": [ROW, ROW | {"BAS_DD": ""}]}, SourceChanged, "expected 20260814, received"),
    ],
)
def test_another_shape_or_day_is_refused_at_once(body: Any, error: type[SourceError], sentence: str) -> None:
    result, requests = read(Response.json(body))
    assert isinstance(result, error)
    assert sentence in str(result)
    assert len(requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_gateway_that_fails_is_tried_again(status: int) -> None:
    result, requests = read(Response(status, b"<html>", kind="text/html"), attempts=3)
    assert isinstance(result, SourceUnavailable)
    assert len(requests) == 3


def test_a_body_of_80_megabytes_is_cut_off_and_tried_again() -> None:
    with krx_source({DAY: {"KOSPI": [ROW]}}, segments=("KOSPI",)) as (exchange, source):
        exchange.faults.next("huge")
        assert isinstance(answer_of(source, DAY), SessionAnswer)
        assert sum(exchange.calls.values()) == 2


def test_the_service_decides_on_the_market_and_a_code_twice_on_neither_row() -> None:
    wrong = ROW | {"ISU_CD": "000020", "MKT_NM": "KOSDAQ"}
    twice = [ROW | {"ISU_CD": "000040"}, ROW | {"ISU_CD": "000040", "ACC_TRDVOL": "1"}]
    copies = [ROW | {"ISU_CD": "000050"}] * 2
    result, _ = read(Response.json({"OutBlock_1": [wrong, *twice, *copies]}))
    assert isinstance(result, SessionAnswer)
    bars = result.batch
    assert bars.codes[bars.code].tolist() == ["000020", "000040", "000040", "000050"]
    assert bars.unreadable.tolist() == [False, True, True, False]
    assert bars.statuses[bars.status[0]].segment == "KOSPI"


@pytest.mark.parametrize(
    ("session", "kosdaq"), [(date(2018, 1, 2), 1_200), (date(2017, 12, 28), 900), (date(2010, 1, 4), 900)]
)
def test_a_session_has_the_rows_that_its_year_had(session: date, kosdaq: int) -> None:
    rows = {"KOSPI": [ROW | {"BAS_DD": f"{session:%Y%m%d}"}], "KOSDAQ": []}
    with krx_source({session: rows}) as (_, source):
        result = answer_of(source, session)
    assert isinstance(result, SessionAnswer)
    assert result.least == {"KOSPI": 700, "KOSDAQ": kosdaq}


@pytest.mark.parametrize(
    ("levels", "is_whole"),
    [
        (("3,200.50", "3,230.00", "3,190.25", "3,225.66"), True),
        (("3,200.50", "3,230.00", "3,190.25", "3,230.01"), False),
        (("3,190.24", "3,230.00", "3,190.25", "3,225.66"), False),
        (("0", "0", "0", "3,225.66"), False),
        (("3,200.50", "", "3,190.25", "3,225.66"), False),
        (("3,200.50", "n/a", "3,190.25", "3,225.66"), False),
    ],
)
def test_an_index_whose_levels_contradict_one_another_has_none(levels: tuple[str, ...], is_whole: bool) -> None:
    row = dict(zip(parse.INDEX_LEVELS.values(), levels, strict=True)) | {"IDX_CLSS": "KOSPI", "IDX_NM": "코스피"}
    expected = {"open": 3_200.5, "high": 3_230.0, "low": 3_190.25, "close": 3_225.66} if is_whole else None
    assert parse.index_levels([row], "KOSPI", "코스피") == expected
