"""Numbers as files write them. What is not one is flagged, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketdata.sources.files.numbers import numbers


@pytest.mark.parametrize(
    ("written", "read", "wrong"),
    [
        (pa.array(["83000.0", " 12 ", "", "nan", None]), [83000, 12, np.nan, np.nan, np.nan], []),
        (pa.array(["1e3", "abc", "1,000", "0x10"]), [1000, np.nan, 1000, np.nan], [1, 3]),
        (pa.array(["inf", "2"]), [np.nan, 2], [0]),
        (pa.array([1.5, np.inf, np.nan, None]), [1.5, np.nan, np.nan, np.nan], [1]),
        (pa.array([3, None], pa.int64()), [3, np.nan], []),
        (pa.array(["1", "2"]).dictionary_encode(), [1, 2], []),
        (pa.array([True, False]), [1, 0], []),
        (pa.array([[1], [2]]), [np.nan, np.nan], [0, 1]),
    ],
)
def test_a_column(written: pa.Array[Any], read: list[float], wrong: list[int]) -> None:
    parsed, unreadable = numbers(written)
    np.testing.assert_array_equal(parsed, read)
    assert np.flatnonzero(unreadable).tolist() == wrong


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("68,000", 68000),
        ("5,969,782,550", 5969782550),
        ("1,234.5", 1234.5),
        ("-1,200", -1200),
        ("+500", 500),
        ("\N{MINUS SIGN}500", -500),
        ("(500)", -500),
        ("(1,200.5)", -1200.5),
        ("980.1K", 980100),
        ("1.10M", 1100000),
        ("1.2m", 1200000),
        ("3B", 3e9),
        ("2.5T", 2.5e12),
        ("₩68,000", 68000),
        ("$1.50", 1.5),
        ("68,000원", 68000),
        ("'12", 12),
        ('"12"', 12),
        ("68 000", 68000),
        ("６８０００", 68000),
        ("1.2E+06", 1200000),
        (".5", 0.5),
        ("5.", 5),
    ],
)
def test_a_notation_of_the_field(text: str, value: float) -> None:
    parsed, wrong = numbers(pa.array(["1", text]))
    assert parsed.tolist() == [1, value]
    assert not wrong.any()


@pytest.mark.parametrize(
    "text",
    ["", "-", "--", "—", "N/A", "n/a", "NA", "#N/A", "null", "NULL", "None", "nan", "<NA>", " - "],
)
def test_nothing_is_missing_and_never_zero(text: str) -> None:
    parsed, wrong = numbers(pa.array([text, "68,000"]))
    np.testing.assert_array_equal(parsed, [np.nan, 68000])
    assert not wrong.any()


@pytest.mark.parametrize(
    "text",
    [
        "1,5",
        "12,34",
        "1,0000",
        "1.234,56",
        "1_000",
        "0.45%",
        "12x4",
        "1e999",
        "--5",
        "K",
        "1,000,00",
        "5 6",
    ],
)
def test_what_is_no_number_is_flagged(text: str) -> None:
    parsed, wrong = numbers(pa.array(["1", text]))
    np.testing.assert_array_equal(parsed, [1, np.nan])
    assert wrong.tolist() == [False, True]


def test_a_percentage_is_a_number_only_where_one_is_wanted() -> None:
    parsed, wrong = numbers(pa.array(["50%", "0.2"]), percent=True)
    assert parsed.tolist() == [0.5, 0.2]
    assert not wrong.any()


def test_a_grouped_number_is_the_plain_one() -> None:
    """Whatever Python groups reads as what it grouped."""
    rng = np.random.default_rng(3)
    values = rng.integers(-(10**12), 10**12, 500).tolist()
    parsed, wrong = numbers(pa.array([f"{value:,}" for value in values]))
    assert parsed.tolist() == values
    assert not wrong.any()
