"""Kinds and flags of KRX instruments: names and departments as the exchange writes them, verdicts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marketdata.sources import krx_words
from marketdata.sources.batches import RowStatus


def status_of(code: str, name: str, segment: str, department: str | None) -> RowStatus:
    def word(text: str | None) -> krx_words.Words:
        return krx_words.Words(np.array([text or "?"]), np.array([0 if text else -1], dtype=np.int32))

    words = word(department) if department is not None else None
    statuses, index = krx_words.statuses(word(code), word(name), word(segment), words)
    status: RowStatus = statuses[int(index[0])]
    return status


@pytest.mark.parametrize(
    ("code", "name", "segment", "department", "kind"),
    [
        ("005930", "삼성전자", "KOSPI", "", "common"),
        ("005935", "삼성전자우", "KOSPI", "", "preferred"),
        ("33637K", "솔루스첨단소재1우", "KOSPI", "", "preferred"),
        ("0001A0", "덕양에너젠", "KOSDAQ", "중견기업부", "common"),
        ("138040", "메리츠금융지주", "KOSPI", "", "common"),
        ("395400", "SK리츠", "KOSPI", "", "reit"),
        ("088260", "이리츠코크렙", "KOSPI", "", "reit"),
        ("251630", "블리츠웨이엔터테인먼트", "KOSDAQ", "중견기업부", "common"),
        ("473050", "메리츠제1호스팩", "KOSDAQ", "SPAC(소속부없음)", "spac"),
        ("347140", "케이프이에스제4호", "KOSDAQ", "SPAC(소속부없음)", "spac"),
        ("454640", "하나29호스팩", "KOSDAQ", "관리종목(소속부없음)", "spac"),
        ("000010", "가나리츠", "KOSDAQ", "중견기업부", "common"),
    ],
)
def test_kinds(code: str, name: str, segment: str, department: str, kind: str) -> None:
    assert status_of(code, name, segment, department).kind == kind


@pytest.mark.parametrize(
    ("department", "managed", "caution"),
    [
        ("관리종목(소속부없음)", True, False),
        ("투자주의환기종목(소속부없음)", False, True),
        ("우량기업부", False, False),
        ("", False, False),
        (None, None, None),
    ],
)
def test_flags(department: str | None, managed: bool | None, caution: bool | None) -> None:
    status = status_of("000010", "가나", "KOSDAQ", department)
    assert (status.managed, status.caution) == (managed, caution)
    assert status.department == department


def test_rows_that_say_the_same_share_a_status() -> None:
    codes = krx_words.Words(np.array(["000010", "000015"]), np.array([0, 1, 0, 1], dtype=np.int32))
    names = krx_words.Words(np.array(["가", "나"]), np.array([0, 0, 1, -1], dtype=np.int32))
    segments = krx_words.Words(np.array(["KOSDAQ", "KOSPI"]), np.array([0, 0, 0, -1], dtype=np.int32))
    statuses, index = krx_words.statuses(codes, names, segments, None)
    assert [statuses[n] for n in index] == [
        RowStatus("KOSDAQ", None, "common", None, None),
        RowStatus("KOSDAQ", None, "preferred", None, None),
        RowStatus("KOSDAQ", None, "common", None, None),
        RowStatus(None, None, "preferred", None, None),
    ]
    assert len(statuses) == 3
