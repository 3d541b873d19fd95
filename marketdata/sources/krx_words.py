"""Words of KRX files: segments, departments, and the kind of an instrument.

Facts: the last character of a KRX stock code is 0 for common stock and anything else for preferred stock. The
department (소속부) of KOSDAQ companies names administration (관리종목), investment caution (투자주의환기종목) and
SPACs; KOSPI has no departments. A SPAC under administration is named 관리종목 there, its name still says 스팩.
REITs are listed on KOSPI and carry 리츠 in their names, as do 메리츠 and 블리츠, which are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.sources.batches import RowStatus

SEGMENTS = ("KOSPI", "KOSDAQ", "KOSDAQ GLOBAL", "KONEX")
SEGMENT_WORDS = {
    "코스피": "KOSPI",
    "유가증권": "KOSPI",
    "유가증권시장": "KOSPI",
    "코스닥": "KOSDAQ",
    "코스닥시장": "KOSDAQ",
    "코스닥글로벌": "KOSDAQ GLOBAL",
    "KOSDAQGLOBAL": "KOSDAQ GLOBAL",
    "코넥스": "KONEX",
    "코넥스시장": "KONEX",
}
"""Korean names of the segments."""
DEPARTMENT_LENGTH = 40

_REIT = re.compile("(?<![메블])리츠")
_TRAITS = 8


@dataclass(frozen=True, slots=True)
class Words:
    """A coded column: distinct words, and the index of each row's word (-1: missing)."""

    words: NDArray[np.str_]
    index: NDArray[np.int32]


def segment(word: str) -> str:
    """The exchange's own name of a segment; any other word in capitals."""
    return SEGMENT_WORDS.get(word.replace(" ", ""), word.upper())


def statuses(
    codes: Words, names: Words, segments: Words, departments: Words | None
) -> tuple[tuple[RowStatus, ...], NDArray[np.int32]]:
    """The distinct statuses of R rows, and the index of each row's, (R,).

    Where the file has departments, a row without one has none (""), and is neither managed nor under caution; without
    the column (None) they are unknown.
    """
    preferred = _flags(codes, lambda code: not code.endswith("0"))
    spac = _flags(names, lambda name: "스팩" in name)
    reit = _flags(names, lambda name: _REIT.search(name) is not None)
    department = departments.index if departments else np.full(len(codes.index), -1, np.int32)
    key = segments.index.astype(np.int64) + 1
    key = key * (len(departments.words) + 1 if departments else 1) + department + 1
    key = key * _TRAITS + preferred * 4 + spac * 2 + reit
    _, first, index = np.unique(key, return_index=True, return_inverse=True)
    distinct = tuple(
        _status(
            _word(segments, row),
            (_word(departments, row) or "")[:DEPARTMENT_LENGTH] if departments else None,
            preferred=bool(preferred[row]),
            spac=bool(spac[row]),
            reit=bool(reit[row]),
        )
        for row in first.tolist()
    )
    return distinct, index.astype(np.int32)


def _status(segment: str | None, department: str | None, *, preferred: bool, spac: bool, reit: bool) -> RowStatus:
    if preferred:
        kind = "preferred"
    elif spac or "SPAC" in (department or ""):
        kind = "spac"
    elif reit and segment in (None, "KOSPI"):
        kind = "reit"
    else:
        kind = "common"
    return RowStatus(
        segment=segment,
        department=department,
        kind=kind,
        managed=None if department is None else "관리종목" in department,
        caution=None if department is None else "투자주의환기종목" in department,
    )


def _flags(column: Words, test: Callable[[str], bool]) -> NDArray[np.int64]:
    """1 where the row's word passes, else 0."""
    passed = np.array([*(test(word) for word in column.words.tolist()), False], dtype=np.int64)
    return passed[column.index]


def _word(column: Words, row: int) -> str | None:
    at = int(column.index[row])
    return str(column.words[at]) if at >= 0 else None
