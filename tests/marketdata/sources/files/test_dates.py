"""Days as files write them: every notation of one day, moments on the market's clock, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketdata.sources.files.dates import DAY_FIRST, MONTH_FIRST, Clock, days, orders
from marketdata.sources.files.errors import PriceFileError

SEOUL, NEW_YORK = Clock("Asia/Seoul"), Clock("America/New_York")


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-02", "20240102", "2024/01/02", "2024.01.02", "2024-01-02 00:00:00"),
        *("2024. 01. 02", "2024. 1. 2.", "2024-1-2", "2024/1/2", "2024- 01- 02", "2024.1.2"),
        *("2024-01-02T15:30", "2024-01-02 15:30:00.123456", "2024/01/02 3:30 PM", "20240102.0"),
        *("2024-01-02 오후 3:30:00", "2024년 1월 2일", "2024년 01월 02일", "2024-01-02(화)"),
        *("Jan 02, 2024", "Jan 2, 2024", "January 2, 2024", "02 Jan 2024", "2-Jan-2024"),
        *("Tue, 02 Jan 2024 00:00:00", "45293", "45293.5"),
    ],
)
def test_a_notation_of_one_day(text: str) -> None:
    assert days(pa.array([text]), SEOUL).tolist() == [np.datetime64("2024-01-02", "D").item()]


@pytest.mark.parametrize(
    "written",
    [
        pa.array([20240102]),
        pa.array([20240102.0, None]),
        pa.array([45293], pa.int32()),
        pa.array(np.array(["2024-01-02"], dtype="datetime64[D]")),
        pa.array(np.array(["2024-01-02T15:30"], dtype="datetime64[ns]")),
        pa.array([1704153600], pa.timestamp("s")),
        pa.array([1704121200], pa.timestamp("s", tz="UTC")),  # 15:00 on the 1st there, midnight in Seoul
        pa.array([1704121200], pa.timestamp("s", tz="Asia/Seoul")),
        pa.array(["2024-01-02"]).dictionary_encode(),
    ],
)
def test_a_column_of_any_type(written: pa.Array[Any]) -> None:
    assert str(days(written, SEOUL)[0]) == "2024-01-02"


@pytest.mark.parametrize(
    ("text", "clock", "day"),
    [
        ("2024-01-01T15:00:00Z", SEOUL, "2024-01-02"),
        ("2024-01-01 15:00:00+00:00", SEOUL, "2024-01-02"),
        ("2024-01-01 15:00 UTC", SEOUL, "2024-01-02"),
        ("2024-01-02T14:59:59Z", SEOUL, "2024-01-02"),
        ("2024-01-02 00:00:00+09:00", SEOUL, "2024-01-02"),
        ("2024-01-02 09:00:00 KST", SEOUL, "2024-01-02"),
        ("2024-01-01 10:00:00-05:00", SEOUL, "2024-01-02"),
        ("2024-01-02 00:00:00-05:00", NEW_YORK, "2024-01-02"),
        ("2024-07-02 00:00:00-0400", NEW_YORK, "2024-07-02"),
        ("2024-01-03T06:00:00+09:00", NEW_YORK, "2024-01-02"),
        ("2024-01-03T01:30:00Z", NEW_YORK, "2024-01-02"),
        ("2024-07-03T03:59:00Z", NEW_YORK, "2024-07-02"),
        ("2024-07-03T04:00:00Z", NEW_YORK, "2024-07-03"),
    ],
)
def test_a_stamp_with_a_zone_has_the_day_of_the_markets_clock(text: str, clock: Clock, day: str) -> None:
    assert str(days(pa.array([text]), clock)[0]) == day


def test_text_and_stamps_agree_on_the_day_of_a_moment() -> None:
    """Every hour of two weeks around the change of summer time in New York."""
    hours = np.arange("2024-03-04T00", "2024-03-18T00", dtype="datetime64[h]")
    stamps = pa.array(hours.astype("datetime64[s]")).cast(pa.timestamp("s", tz="UTC"))
    text = pa.array([f"{hour}:00:00Z" for hour in hours.astype(str)])
    for clock in (SEOUL, NEW_YORK, Clock("UTC")):
        np.testing.assert_array_equal(days(stamps, clock), days(text, clock))


@pytest.mark.parametrize(
    "written",
    [
        pa.array(["2024-01-03T00:00:00Z", "2024-01-04T00:00:00Z"]),
        pa.array([1704240000], pa.timestamp("s", tz="UTC")),
        pa.array(["2024-01-03T00:00:00+09:00"]),
    ],
)
def test_midnights_of_another_zone_may_be_days_and_are_refused(written: pa.Array[Any]) -> None:
    with pytest.raises(PriceFileError, match="2024-01-03 there is 2024-01-02 in America/New_York"):
        days(written, NEW_YORK)


@pytest.mark.parametrize(
    "written",
    [
        pa.array(
            [
                "",
                None,
                "2026-02-30",
                "today",
                "01/02/2024",
                "2024-01-02 garbage",
                "2024-13-01",
                "24.01.02",
            ]
        ),
        pa.array(["19724", "99999", "1704153600", "2024-W01-1", "12024-01-02", "2024-01-02 25:00"]),
        pa.array([1.5]),
        pa.array([b"\xff\xfe"]),
    ],
)
def test_what_is_no_day(written: pa.Array[Any]) -> None:
    assert np.isnat(days(written, SEOUL)).all()


def test_dates_that_end_with_the_year_are_read_in_a_proved_order() -> None:
    written = pa.array(["01/02/2024", "31.01.2024", "1-2-2024"])
    read = days(written, Clock("Asia/Seoul", DAY_FIRST)).astype(str).tolist()
    assert read == ["2024-02-01", "2024-01-31", "2024-02-01"]
    read = days(written, Clock("Asia/Seoul", MONTH_FIRST)).astype(str).tolist()
    assert read == ["2024-01-02", "NaT", "2024-01-02"]
    assert orders(written) == {"", DAY_FIRST}
    assert orders(pa.array(["01/31/2024"])) == {MONTH_FIRST}
    assert orders(pa.array(["2024-01-31", None])) == set()
