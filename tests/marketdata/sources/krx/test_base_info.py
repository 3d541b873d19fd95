"""The exchange's list of issues: kinds, departments, listing dates and its guards."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from marketdata.sources.base import AccessRefused, ListedInstrument, SourceChanged, SourceUnavailable
from marketdata.sources.krx import base_info
from tests.exchanges.krx_open_api import base_info_row, daily_row
from tests.marketdata.sources.krx.krx_setup import krx_source, whole_session

DAY = date(2026, 8, 14)
AJ = {
    "ISU_CD": "KR7095570008",
    "ISU_SRT_CD": "095570",
    "ISU_NM": "AJ네트웍스보통주",
    "ISU_ABBRV": "AJ네트웍스",
    "ISU_ENG_NM": "AJ Networks Co.,Ltd.",
    "LIST_DD": "20150821",
    "MKT_TP_NM": "KOSPI",
    "SECUGRP_NM": "주권",
    "SECT_TP_NM": "",
    "KIND_STKCERT_TP_NM": "보통주",
    "PARVAL": "1000",
    "LIST_SHRS": "45252759",
}
"""As the exchange lists it."""


def listed(**cells: str) -> ListedInstrument:
    (instrument,) = base_info.listed_instruments([AJ | cells], "KOSDAQ" if "KOSDAQ" in str(cells) else "KOSPI")
    return instrument


def test_a_recorded_row_is_joined_by_its_short_code() -> None:
    row = listed()
    assert (row.code, row.isin, row.name) == ("095570", "KR7095570008", "AJ네트웍스")
    assert (row.segment, row.kind, row.preferred) == ("KOSPI", "stock", False)
    assert (row.listed_on, row.shares) == (date(2015, 8, 21), 45_252_759)
    assert (row.department, row.managed, row.caution, row.halted, row.warning) == (None,) * 5
    assert row.extra == {"english": "AJ Networks Co.,Ltd.", "par_value": "1000"}


@pytest.mark.parametrize(
    ("cells", "kind", "preferred"),
    [
        ({"SECUGRP_NM": "주권", "KIND_STKCERT_TP_NM": "구형우선주"}, "stock", True),
        ({"SECUGRP_NM": "주권", "KIND_STKCERT_TP_NM": "신형우선주", "ISU_SRT_CD": "00104K"}, "stock", True),
        ({"SECUGRP_NM": "주권", "KIND_STKCERT_TP_NM": "종류주권"}, "stock", True),
        ({"SECUGRP_NM": "외국주권"}, "foreign", False),
        ({"SECUGRP_NM": "주식예탁증권"}, "dr", False),
        ({"SECUGRP_NM": "부동산투자회사"}, "reit", False),
        ({"SECUGRP_NM": "사회간접자본투융자회사"}, "fund", False),
        ({"SECUGRP_NM": "투자회사"}, "fund", False),
        ({"SECUGRP_NM": "신주인수권증서"}, "other", False),
        ({"MKT_TP_NM": "KOSDAQ", "SECT_TP_NM": "SPAC(소속부없음)"}, "spac", False),
        ({"MKT_TP_NM": "KOSDAQ", "SECT_TP_NM": "관리종목(소속부없음)", "ISU_ABBRV": "유안타제1호스팩"}, "spac", False),
    ],
)
def test_kinds_depend_on_the_group_and_the_certificate(cells: dict[str, str], kind: str, preferred: bool) -> None:
    row = listed(**cells)
    assert (row.kind, row.preferred) == (kind, preferred)


@pytest.mark.parametrize(
    ("department", "managed", "caution"),
    [
        ("관리종목(소속부없음)", True, False),
        ("투자주의환기종목(소속부없음)", False, True),
        ("중견기업부", False, False),
    ],
)
def test_departments_of_kosdaq(department: str, managed: bool, caution: bool) -> None:
    row = listed(MKT_TP_NM="KOSDAQ GLOBAL", SECT_TP_NM=department)
    assert (row.segment, row.department, row.managed, row.caution) == ("KOSDAQ GLOBAL", department, managed, caution)


def test_dates_with_slashes_shares_with_commas_and_missing_cells() -> None:
    row = listed(LIST_DD="2015/08/21", LIST_SHRS="45,252,759", PARVAL="무액면", ISU_ENG_NM="-")
    assert (row.listed_on, row.shares) == (date(2015, 8, 21), 45_252_759)
    assert row.extra == {"english": "", "par_value": "무액면"}
    assert (listed(LIST_DD="-", LIST_SHRS="").listed_on, listed(LIST_SHRS="-").shares) == (None, None)
    with pytest.raises(SourceChanged, match="expected YYYYMMDD, received soon"):
        listed(LIST_DD="soon")


def test_a_code_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(SourceChanged, match="expected each code once, received 095570"):
        base_info.listed_instruments([AJ, AJ], "KOSPI")


def served(**options: Any) -> Any:
    return krx_source({DAY: whole_session(DAY)}, **options)


def test_the_list_of_a_session() -> None:
    with served() as (exchange, source):
        rows = source.listed_instruments("KOSDAQ", DAY)
        assert len(rows) == 1_200
        assert set(exchange.calls) == {"/svc/apis/sto/ksq_isu_base_info"}
        with pytest.raises(SourceUnavailable, match="has 0 rows, fewer than 700"):
            source.listed_instruments("KOSPI", date(2026, 8, 15))


def test_a_service_that_is_not_approved_is_named() -> None:
    with served() as (exchange, source):
        exchange.unapproved = {"sto/stk_isu_base_info"}
        with pytest.raises(AccessRefused, match="sto/stk_isu_base_info"):
            source.listed_instruments("KOSPI", DAY)


def test_missing_columns_are_named_wherever_they_are_missing() -> None:
    rows = [base_info_row(daily_row(DAY, f"{n:05d}0", close=100)) for n in range(800)]
    del rows[500]["SECUGRP_NM"]

    with krx_source({DAY: {"KOSPI": []}}) as (exchange, source):
        exchange.base_info_rows = rows
        with pytest.raises(SourceChanged, match="expected SECUGRP_NM"):
            source.listed_instruments("KOSPI", DAY)
