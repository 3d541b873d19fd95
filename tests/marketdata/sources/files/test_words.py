"""Words are composed, trimmed, cut and coded."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa

from marketdata.sources.files.notation import Notation
from marketdata.sources.files.words import LONGEST, words


def test_words_are_trimmed_and_coded() -> None:
    coded, index = words(pa.chunked_array([["b ", "a"], ["nan", None, "", "b", "-"]]))
    assert coded.tolist() == ["a", "b"]
    assert index.tolist() == [1, 0, -1, -1, -1, 1, -1]


def test_both_forms_of_unicode_are_one_word() -> None:
    text = "관리종목"
    coded, index = words(pa.array([text, unicodedata.normalize("NFD", text)]))
    assert coded.tolist() == [text]
    assert index.tolist() == [0, 0]


def test_a_long_cell_is_cut() -> None:
    coded, _ = words(pa.array(["x" * 1_000_000, "y"]))
    assert max(map(len, coded.tolist())) == LONGEST


def test_codes_are_spelled_as_the_market_does_and_ascend() -> None:
    coded, index = Notation.of("us").codes(pa.array(["BRK/B", "NAN", "nan", None, "aapl", "BRK-B", "Total"]))
    assert coded.tolist() == ["AAPL", "BRK.B", "NAN", "Total"]
    assert index.tolist() == [1, 2, -1, -1, 0, 1, 3]


def test_a_spelling_that_is_recorded_stays() -> None:
    coded, index = Notation.of("us", {"BRK.B": "BRK-B"}).codes(pa.array(["BRK.B", "brk b", "A"]))
    np.testing.assert_array_equal(coded[index], ["BRK-B", "BRK-B", "A"])
