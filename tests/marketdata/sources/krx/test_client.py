"""The source of whole sessions against its imitation, with rows as the exchange answered them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from marketdata.sources.base import AccessRefused, SourceChanged, SourceRefused
from marketdata.sources.batches import BarBatch, RowStatus
from marketdata.sources.krx.settings import KrxSettings
from marketdata.sources.sessions import SessionAnswer
from tests.exchanges.krx_open_api import KEY, daily_row
from tests.exchanges.server import Faults
from tests.marketdata.sources.krx.krx_setup import answer_of, krx_source

DAY = date(2026, 8, 14)
AJ = {
    "BAS_DD": "20260814",
    "ISU_CD": "095570",
    "ISU_NM": "AJ네트웍스",
    "MKT_NM": "KOSPI",
    "SECT_TP_NM": "",
    "TDD_CLSPRC": "4520",
    "CMPPREVDD_PRC": "100",
    "FLUC_RT": "2.26",
    "TDD_OPNPRC": "4435",
    "TDD_HGPRC": "4545",
    "TDD_LWPRC": "4435",
    "ACC_TRDVOL": "74511",
    "ACC_TRDVAL": "334258460",
    "MKTCAP": "204542470680",
    "LIST_SHRS": "45252759",
}
"""A recorded answer."""


def answer(kospi: list[Any], kosdaq: list[Any] = [], **options: Any) -> Any:  # noqa: B006 - never changed
    with krx_source({DAY: {"KOSPI": kospi, "KOSDAQ": kosdaq}}, **options) as (_, source):
        return answer_of(source, DAY)


def batch(*rows: Any) -> BarBatch:
    result = answer(list(rows))
    assert isinstance(result, SessionAnswer)
    return result.batch


def test_a_recorded_row_with_its_base_price() -> None:
    bars = batch(AJ)
    values = {name: column[0] for name, column in bars.values.items()}
    assert values == {
        "open": 4435.0,
        "high": 4545.0,
        "low": 4435.0,
        "close": 4520.0,
        "volume": 74511.0,
        "amount": 334258460.0,
        "base_price": 4420.0,
        "market_cap": 204542470680.0,
        "shares": 45252759.0,
    }
    assert (bars.codes[bars.code[0]], bars.names[bars.name[0]]) == ("095570", "AJ네트웍스")
    assert bars.date.tolist() == [DAY]
    assert not bars.unreadable.any()


def test_signed_changes_letters_in_codes_and_thousands_separators() -> None:
    bars = batch(daily_row(DAY, "00104K", close=4750, change=-250), AJ | {"ACC_TRDVOL": "74,511"})
    assert bars.codes.tolist() == ["00104K", "095570"]
    assert bars.values["base_price"].tolist() == [5000.0, 4420.0]
    assert bars.values["volume"][1] == 74511.0


def test_missing_cells_stay_missing_and_texts_mark_their_row() -> None:
    bars = batch(AJ | {"ACC_TRDVAL": "-", "MKTCAP": ""}, AJ | {"ISU_CD": "000020", "ACC_TRDVOL": "n/a"})
    assert np.isnan(bars.values["amount"][0])
    assert np.isnan(bars.values["market_cap"][0])
    assert bars.unreadable.tolist() == [False, True]


def test_a_row_without_a_close_is_no_bar() -> None:
    assert (
        len(batch(AJ, AJ | {"ISU_CD": "000020", "TDD_CLSPRC": "-"}, AJ | {"ISU_CD": "000040", "TDD_CLSPRC": ""})) == 1
    )


def test_a_market_cap_that_is_not_close_times_shares_marks_its_row() -> None:
    bars = batch(AJ, AJ | {"ISU_CD": "000020", "MKTCAP": "20454247068"})
    assert bars.unreadable.tolist() == [False, True]


def test_open_and_close_of_a_traded_row_lie_within_its_range() -> None:
    """A row of trades outside the regular session has no range: its close is the last price."""
    bars = batch(
        AJ,
        AJ | {"ISU_CD": "000020", "TDD_OPNPRC": "4434"},
        AJ | {"ISU_CD": "000040", "TDD_LWPRC": "4521"},
        AJ
        | {"ISU_CD": "000050", "TDD_OPNPRC": "0", "TDD_HGPRC": "0", "TDD_LWPRC": "0"}
        | {"ACC_TRDVOL": "437", "ACC_TRDVAL": "1975240"},
    )
    assert bars.codes[bars.code].tolist() == ["095570", "000020", "000040", "000050"]
    assert bars.unreadable.tolist() == [False, True, True, False]


def test_an_untraded_row_keeps_its_zeros() -> None:
    bars = batch(daily_row(DAY, "000300", close=1130, prices=(0, 0, 0), volume=0))
    assert [bars.values[name][0] for name in ("open", "high", "low", "close", "volume")] == [0, 0, 0, 1130, 0]


def test_a_base_price_reset_while_halted_is_kept() -> None:
    """Volume 0 with a change: the base price was set anew, the close is the last price."""
    bars = batch(daily_row(DAY, "000300", close=1130, change=-70, prices=(0, 0, 0), volume=0))
    assert bars.values["base_price"].tolist() == [1200.0]
    assert [bars.values[name][0] for name in ("open", "high", "low", "close", "volume")] == [0, 0, 0, 1130, 0]
    assert not bars.unreadable.any()


def test_statuses_say_no_more_than_the_rows() -> None:
    rows = [
        daily_row(DAY, "100000", close=1000, market="KOSDAQ", department="관리종목(소속부없음)"),
        daily_row(DAY, "200000", close=1000, market="KOSDAQ", department="투자주의환기종목(소속부없음)"),
        daily_row(DAY, "300000", "유안타제1호스팩", close=1000, market="KOSDAQ", department="SPAC(소속부없음)"),
        daily_row(DAY, "400000", close=1000, market="KOSDAQ GLOBAL", department="우량기업부"),
        daily_row(DAY, "500000", close=1000, market="KOSDAQ", department="외국기업(소속부없음)"),
    ]
    bars = answer([AJ, AJ | {"ISU_CD": "005935", "ISU_NM": "삼성전자우"}], rows).batch
    code = {name: at for at, name in enumerate(bars.codes[bars.code].tolist())}
    stated = {name: bars.statuses[bars.status[at]] for name, at in code.items()}
    assert stated["095570"] == RowStatus("KOSPI", None, None, None, None)
    assert stated["005935"] == RowStatus("KOSPI", None, "preferred", None, None)
    assert stated["100000"] == RowStatus("KOSDAQ", "관리종목(소속부없음)", "common", managed=True, caution=False)
    assert stated["200000"].caution
    assert stated["300000"].kind == "spac"
    assert stated["400000"] == RowStatus("KOSDAQ GLOBAL", "우량기업부", "common", managed=False, caution=False)
    assert stated["500000"].kind is None


def test_an_empty_answer_names_its_segment() -> None:
    result = answer([AJ])
    assert result.rows == {"KOSPI": 1, "KOSDAQ": 0}
    assert result.empty == ("KOSDAQ",)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("other day", "expected 20260814, received 20200102"), ("columns", "expected MKTCAP")],
)
def test_answers_that_do_not_fit_are_refused(fault: str, sentence: str) -> None:
    faults = Faults()
    faults.next(fault)
    result = answer([AJ], [AJ], faults=faults)
    assert isinstance(result, SourceChanged)
    assert sentence in str(result)


def test_a_service_that_is_not_approved_is_named() -> None:
    result = answer([AJ], [AJ], approved=["KOSPI"])
    assert isinstance(result, AccessRefused)
    assert "sto/ksq_bydd_trd" in str(result)
    assert "KRX_SEGMENTS" in str(result)


def test_a_wrong_key_is_refused_without_being_shown() -> None:
    result = answer([AJ], [AJ], api_key="SECRET-OF-ANOTHER")
    assert isinstance(result, AccessRefused)
    assert "KRX_API_KEY" in str(result)
    assert "SECRET" not in str(result)


def test_a_refusal_in_the_body_is_not_repeated() -> None:
    faults = Faults()
    faults.next("refusal")
    with krx_source({DAY: {"KOSPI": [AJ], "KOSDAQ": [AJ]}}, faults=faults) as (exchange, source):
        result = answer_of(source, DAY)
    assert isinstance(result, SourceRefused)
    assert "maintenance" in str(result)
    assert sum(exchange.calls.values()) == 1


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ("gone", SourceRefused, "was refused: Not Found"),
        ("unapproved", AccessRefused, "has not approved service sto/stk_bydd_trd"),
    ],
)
def test_a_permanent_refusal_is_not_repeated(fault: str, error: type[Exception], sentence: str) -> None:
    faults = Faults()
    faults.next(fault)
    with krx_source({DAY: {"KOSPI": [AJ], "KOSDAQ": [AJ]}}, faults=faults) as (exchange, source):
        result = answer_of(source, DAY)
    assert isinstance(result, error)
    assert sentence in str(result)
    assert sum(exchange.calls.values()) == 1


@pytest.mark.parametrize("fault", ["limited", "busy"])
def test_a_limit_and_a_busy_service_are_waited_for(fault: str) -> None:
    faults = Faults()
    faults.next(fault, fault)
    with krx_source({DAY: {"KOSPI": [AJ], "KOSDAQ": [AJ]}}, faults=faults) as (exchange, source):
        result = answer_of(source, DAY)
    assert isinstance(result, SessionAnswer)
    assert sum(exchange.calls.values()) == 4


def test_konex_has_no_session_before_it_began() -> None:
    before, first = date(2013, 6, 28), date(2013, 7, 1)
    row = AJ | {"BAS_DD": "20130628"}
    days: Any = {
        before: {"KOSPI": [row]},
        first: {"KOSPI": [row | {"BAS_DD": "20130701"}], "KONEX": [row | {"BAS_DD": "20130701"}]},
    }
    with krx_source(days, segments=("KOSPI", "KONEX")) as (_, source):
        answers = [answer_of(source, day) for day in (before, first)]
        assert source.first_session == date(2010, 1, 4)
    assert [result.rows for result in answers if isinstance(result, SessionAnswer)] == [
        {"KOSPI": 1},
        {"KOSPI": 1, "KONEX": 1},
    ]


def test_the_archive_of_konex_alone_begins_with_konex() -> None:
    with krx_source({}, segments=("KONEX",)) as (_, source):
        assert source.first_session == date(2013, 7, 1)


def test_gateway_pages_and_cut_answers_are_repeated() -> None:
    faults = Faults()
    faults.next("html", "truncated", "error")
    with krx_source({DAY: {"KOSPI": [AJ], "KOSDAQ": [AJ]}}, faults=faults) as (exchange, source):
        result = answer_of(source, DAY)
    assert isinstance(result, SessionAnswer)
    assert len(result.batch) == 2
    assert sum(exchange.calls.values()) == 5


def test_the_key_is_in_the_header_alone() -> None:
    with krx_source({DAY: {"KOSPI": [AJ], "KOSDAQ": [AJ]}}, segments=("KOSPI",)) as (exchange, source):
        answer_of(source, DAY)
    assert set(exchange.calls) == {"/svc/apis/sto/stk_bydd_trd"}
    assert KEY not in repr(KrxSettings(api_key=KEY))


def test_settings_refuse_an_unknown_segment() -> None:
    with pytest.raises(SourceRefused, match=r"KOSDQ.*Did you mean KOSDAQ"):
        KrxSettings(api_key=KEY, segments=("KOSDQ",))
