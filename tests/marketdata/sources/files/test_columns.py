"""Numbers, days and words as files write them. Whatever is not one is flagged, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketdata.sources.files import columns


@pytest.mark.parametrize(
    ("written", "read", "wrong"),
    [
        (pa.array(["83000.0", " 12 ", "", "nan", None]), [83000, 12, np.nan, np.nan, np.nan], []),
        (pa.array(["1e3", "abc", "1,000", "0x10"]), [1000, np.nan, np.nan, np.nan], [1, 2, 3]),
        (pa.array(["inf", "2"]), [np.nan, 2], [0]),
        (pa.array([1.5, np.inf, np.nan, None]), [1.5, np.nan, np.nan, np.nan], [1]),
        (pa.array([3, None], pa.int64()), [3, np.nan], []),
        (pa.array(["1", "2"]).dictionary_encode(), [1, 2], []),
        (pa.array([True, False]), [1, 0], []),
        (pa.array([[1], [2]]), [np.nan, np.nan], [0, 1]),
    ],
)
def test_numbers(written: pa.Array[Any], read: list[float], wrong: list[int]) -> None:
    found, unreadable = columns.numbers(written)
    np.testing.assert_array_equal(found, read)
    assert np.flatnonzero(unreadable).tolist() == wrong


@pytest.mark.parametrize(
    "written",
    [
        pa.array(["2026-08-21", "20260821", "2026/08/21", "2026.08.21", "2026-08-21 00:00:00"]),
        pa.array(np.array(["2026-08-21"], dtype="datetime64[D]")),
        pa.array(np.array(["2026-08-21T15:30"], dtype="datetime64[ns]")),
        pa.array([1787238000], pa.timestamp("s", tz="Asia/Seoul")),  # 2026-08-21 00:00 in Seoul
    ],
)
def test_days(written: pa.Array[Any]) -> None:
    assert {str(day) for day in columns.days(written)} == {"2026-08-21"}


@pytest.mark.parametrize(
    "written",
    [
        pa.array(["", None, "21.08.2026", "2026-02-30", "today"]),
        pa.array([20260821]),
        pa.array([1.5]),
    ],
)
def test_what_is_no_day(written: pa.Array[Any]) -> None:
    assert np.isnat(columns.days(written)).all()


def test_words_are_trimmed_and_coded() -> None:
    found, index = columns.words(pa.chunked_array([["b ", "a"], ["nan", None, "", "b"]]))
    assert found.tolist() == ["a", "b"]
    assert index.tolist() == [1, 0, -1, -1, -1, 1]


def test_a_code_may_look_like_nothing_and_table_ascends() -> None:
    found, index = columns.codes(pa.array(["nan", "0001A0", "000010", "", None]), "code")
    assert found.tolist() == ["000010", "0001A0", "nan"]
    assert index.tolist() == [2, 1, 0, -1, -1]
