"""Daily rows of the exchange's Open API: strings in, a batch of bars out.

Every value is text. `-` and an empty text are missing, `0` is a number. ISU_CD is the short code, which may hold
letters.
base price = TDD_CLSPRC - CMPPREVDD_PRC. A row without a close is no bar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata.normalization import nfc
from marketdata.sources import krx_words
from marketdata.sources.base import AccessRefused, SourceChanged, SourceError, SourceRefused, SourceUnavailable
from marketdata.sources.batches import VALUES, BarBatch, RowStatus, missing_zeros
from marketdata.sources.daily import AMOUNT_SLACK
from marketdata.sources.http.client import Answer

FIELDS = {
    "open": "TDD_OPNPRC",
    "high": "TDD_HGPRC",
    "low": "TDD_LWPRC",
    "close": "TDD_CLSPRC",
    "volume": "ACC_TRDVOL",
    "amount": "ACC_TRDVAL",
    "market_cap": "MKTCAP",
    "shares": "LIST_SHRS",
}
CHANGE = "CMPPREVDD_PRC"
COLUMNS = ("BAS_DD", "ISU_CD", "ISU_NM", "MKT_NM", "SECT_TP_NM", CHANGE, *FIELDS.values())
MISSING = ("", "-")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
CAP_SLACK = 1e-6
"""Relative difference of the market cap and close x shares from which the row contradicts itself."""

Rows = list[dict[str, Any]]


INDEX_LEVELS = {"open": "OPNPRC_IDX", "high": "HGPRC_IDX", "low": "LWPRC_IDX", "close": "CLSPRC_IDX"}
INDEX_COLUMNS = ("BAS_DD", "IDX_CLSS", "IDX_NM", *INDEX_LEVELS.values())


def rows_of(answer: Answer, service: str, session: date, columns: Sequence[str] = COLUMNS) -> Rows:
    """The daily rows of an answer, [] where it has none; the SourceError of any other answer."""
    body = answer.json()
    if answer.status != 200 or not isinstance(body, dict) or "OutBlock_1" not in body:
        raise _refusal(answer, body, service)
    rows = body["OutBlock_1"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceChanged(f"{answer.what} changed", expected="a list of rows", actual=type(rows).__name__)
    short = next((row for row in rows if not row.keys() >= set(columns)), None)
    if short is not None:
        lacking = [name for name in columns if name not in short]
        raise SourceChanged(
            f"{answer.what} lacks columns", expected=", ".join(lacking), actual=", ".join(map(str, short))
        )
    day = f"{session:%Y%m%d}"
    other = next((str(row["BAS_DD"]) for row in rows if row["BAS_DD"] != day), None) if "BAS_DD" in columns else None
    if other is not None:
        raise SourceChanged(f"{answer.what} answered for another day", expected=day, actual=other)
    return rows


def _refusal(answer: Answer, body: object, service: str) -> SourceError:
    message, status = "", answer.status
    if isinstance(body, dict):
        message = str(body.get("respMsg") or body.get("error_msg") or "").strip()
        stated = str(body.get("respCode") or "")
        if status == 200 and stated.isdecimal():  # the refusal is in the body alone
            status = int(stated)
    if status == 429 or 500 <= status < 600:
        return SourceUnavailable(f"{answer.what} answered status {status}.", retry_after=answer.retry_after)
    if "Unauthorized Key" in message:
        return AccessRefused(
            "The exchange does not accept the key: check KRX_API_KEY, and whether it has expired at openapi.krx.co.kr."
        )
    if status == 401:
        return AccessRefused(
            f"The exchange has not approved service {service} for this key: request it at openapi.krx.co.kr"
            f"{', or leave its segment out of KRX_SEGMENTS' if service.startswith('sto/') else ''}."
        )
    return SourceRefused(f"{answer.what} was refused: {message or f'status {status}'}.")


def bar_batch(session: date, rows_by_segment: Mapping[str, Rows]) -> BarBatch:
    """The bars of a session, segment by segment; rows without a close, and copies of a row, are left out. A row that
    contradicts itself or another one of its code, or with a text in the place of a number, is marked unreadable."""
    priced = [
        (segment, row)
        for segment, rows in rows_by_segment.items()
        for row in {tuple(row.items()): row for row in rows}.values()
        if _is_priced(row)
    ]
    rows = [row for _, row in priced]
    segments = [_segment(_text(row, "MKT_NM"), segment) for segment, row in priced]
    unreadable = np.zeros(len(rows), dtype=bool)
    values = {name: np.full(len(rows), np.nan) for name in VALUES}
    for name, column in FIELDS.items():
        values[name] = _numbers(rows, column, unreadable)
    values["base_price"] = values["close"] - _numbers(rows, CHANGE, unreadable)
    unreadable |= _contradictions(values)
    codes, names = _words([_text(row, "ISU_CD") for row in rows]), _words([_text(row, "ISU_NM") for row in rows])
    unreadable |= np.bincount(codes.index + 1, minlength=len(codes.words) + 1)[codes.index + 1] > 1
    departments = _words([_text(row, "SECT_TP_NM") for row in rows])
    statuses, status = krx_words.statuses(codes, names, _words(segments), departments)
    return BarBatch(
        row=np.arange(1, len(rows) + 1),
        codes=codes.words,
        code=codes.index,
        names=names.words,
        name=names.index,
        date=np.full(len(rows), np.datetime64(session, "D")),
        values=missing_zeros(values),
        statuses=tuple(_stated(row_status) for row_status in statuses),
        status=status,
        unreadable=unreadable,
        foreign=np.zeros(len(rows), dtype=bool),
        raw=pa.table({name: pa.array([_text(row, name) for row in rows], pa.string()) for name in COLUMNS}),
    )


def unpriced_codes(rows_by_segment: Mapping[str, Rows]) -> frozenset[str]:
    """The codes of the rows without a close."""
    return frozenset(_text(row, "ISU_CD") for rows in rows_by_segment.values() for row in rows if not _is_priced(row))


def _is_priced(row: Mapping[str, Any]) -> bool:
    return _text(row, FIELDS["close"]) not in MISSING


def _contradictions(values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Rows whose market cap is not close x shares, with some of open, high and low 0, an open or close outside
    low..high of the regular session, or an amount that does not fit the volume. A missing value contradicts none."""
    o, h, low, close, volume, amount = (values[name] for name in FIELDS if name not in ("market_cap", "shares"))
    regular = np.minimum(np.minimum(o, h), low) > 0
    # Without a regular trade there are block trades alone, at prices near the close.
    bottom, top = np.where(regular, low, close) / AMOUNT_SLACK, np.where(regular, h, close) * AMOUNT_SLACK
    with np.errstate(invalid="ignore", divide="ignore"):
        cap, price = close * values["shares"], amount / volume
        wrong: NDArray[np.bool_] = np.abs(values["market_cap"] - cap) > CAP_SLACK * cap
        wrong |= ~regular & ((o > 0) | (h > 0) | (low > 0))
        prices = np.stack([o, low, close])
        wrong |= (h > 0) & ((prices > h) | (low > prices)).any(axis=0)
        wrong |= (volume > 0) & ((price < bottom) | (price > top))
    return wrong


def index_levels(rows: Rows, index_class: str, name: str) -> dict[str, float] | None:
    """Open, high, low and close of the index that the exchange calls `name` in a class of indices; None where it has no
    row with whole levels. SourceChanged where it has two rows, or one of that name in other classes alone."""
    named = [row for row in rows if _text(row, "IDX_NM").replace(" ", "") == name]
    classes = [_text(row, "IDX_CLSS") for row in named]
    if named and classes.count(index_class) != 1:
        raise SourceChanged(
            f"The index {name} changed", expected=f"one row of {index_class}", actual=", ".join(classes)
        )
    for row, row_class in zip(named, classes, strict=True):
        if row_class != index_class:
            continue
        cells = {level: _text(row, column).replace(",", "") for level, column in INDEX_LEVELS.items()}
        if not all(NUMBER.fullmatch(cell) for cell in cells.values()):
            return None
        levels = {level: float(cell) for level, cell in cells.items()}
        is_range = 0 < levels["low"] == min(levels.values()) and levels["high"] == max(levels.values())
        return levels if is_range else None
    return None


def _stated(status: RowStatus) -> RowStatus:
    """The certain statements of a row: KOSPI rows have no department, so that administration and caution are unknown
    there, and foreign companies have no kind of their own."""
    if not status.department:
        status = status._replace(department=None, managed=None, caution=None)
    if status.kind == "common" and (status.department is None or "외국기업" in status.department):
        status = status._replace(kind=None)
    return status


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else nfc(str(value)).strip()


def _segment(word: str, requested: str) -> str:
    """KOSDAQ GLOBAL is a segment that the KOSDAQ service lists; else the service decides."""
    named = krx_words.segment(word)
    return named if named.startswith(requested) and named in krx_words.SEGMENTS else requested


def _numbers(rows: Rows, column: str, unreadable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The numbers of a column, NaN where one is missing; a text that is none marks its row in `unreadable`."""
    values = np.full(len(rows), np.nan)
    for at, row in enumerate(rows):
        text = _text(row, column).replace(",", "")
        if NUMBER.fullmatch(text):
            values[at] = float(text)
        elif text not in MISSING:
            unreadable[at] = True
    return values


def _words(texts: Sequence[str]) -> krx_words.Words:
    words = np.unique(np.array([text for text in texts if text not in MISSING], dtype=np.str_))
    index = np.searchsorted(words, np.array(texts, dtype=np.str_)).astype(np.int32)
    return krx_words.Words(words, np.where([text in MISSING for text in texts], np.int32(-1), index).astype(np.int32))
