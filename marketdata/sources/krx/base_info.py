"""Lists of issues of the exchange's Open API (`isu_base_info`): listing dates, kinds, names and listed shares.

ISU_CD is the ISIN here; ISU_SRT_CD is the short code, the ISU_CD of daily rows. The kind depends on the group and the
certificate, not on the last digit. KOSPI rows have no department: administration and caution are unknown there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marketdata.normalization import nfc
from marketdata.sources.base import ListedInstrument, SourceChanged
from marketdata.sources.krx.parse import NUMBER, Rows

COLUMNS = (
    "ISU_CD",
    "ISU_SRT_CD",
    "ISU_ABBRV",
    "LIST_DD",
    "MKT_TP_NM",
    "SECUGRP_NM",
    "SECT_TP_NM",
    "KIND_STKCERT_TP_NM",
    "LIST_SHRS",
)
KINDS: Mapping[str, str] = {
    "주권": "stock",
    "외국주권": "foreign",
    "주식예탁증권": "dr",
    "부동산투자회사": "reit",
    "사회간접자본투융자회사": "fund",
    "투자회사": "fund",
}
"""Group of securities -> kind; any other is not recorded."""
COMMON = "보통주"
SPAC, MANAGED, CAUTION = "SPAC", "관리종목", "투자주의환기종목"
"""Beginnings of departments."""


def listed_instruments(rows: Rows, segment: str) -> list[ListedInstrument]:
    """The instruments of a segment's list, by code. SourceChanged for a code that is listed twice."""
    listed: dict[str, ListedInstrument] = {}
    for row in rows:
        instrument = _listed_instrument(row, segment)
        if instrument.code in listed:
            raise SourceChanged(f"The list of {segment} changed", expected="each code once", actual=instrument.code)
        if instrument.code:
            listed[instrument.code] = instrument
    return [listed[code] for code in sorted(listed)]


def _listed_instrument(row: Mapping[str, Any], segment: str) -> ListedInstrument:
    cells = {name: _text(row, name) for name in (*COLUMNS, "ISU_NM", "ISU_ENG_NM", "PARVAL")}
    department, named = cells["SECT_TP_NM"], cells["MKT_TP_NM"].upper()
    kind = KINDS.get(cells["SECUGRP_NM"], "other")
    if kind == "stock" and (department.startswith(SPAC) or "스팩" in cells["ISU_ABBRV"]):
        kind = "spac"
    shares = cells["LIST_SHRS"].replace(",", "")
    return ListedInstrument(
        code=cells["ISU_SRT_CD"],
        isin=cells["ISU_CD"],
        name=cells["ISU_ABBRV"] or cells["ISU_NM"],
        segment=named if named.startswith(segment) else segment,
        kind=kind,
        halted=None,
        managed=department.startswith(MANAGED) if department else None,
        caution=department.startswith(CAUTION) if department else None,
        warning=None,
        preferred=cells["KIND_STKCERT_TP_NM"] not in (COMMON, ""),
        listed_on=_day(cells["LIST_DD"]),
        shares=int(float(shares)) if NUMBER.fullmatch(shares) else None,
        market_cap=None,
        department=department or None,
        extra={"english": cells["ISU_ENG_NM"], "par_value": cells["PARVAL"]},
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    """The cell, "" where it is missing."""
    text = nfc(str(row.get(name) or "")).strip()
    return "" if text == "-" else text


def _day(text: str) -> date | None:
    """As 20260814 or 2026/08/14; None where it is missing. SourceChanged for another text."""
    if not text:
        return None
    try:
        return date.fromisoformat(text.replace("/", ""))
    except ValueError:
        raise SourceChanged("A listing date changed", expected="YYYYMMDD", actual=text) from None
