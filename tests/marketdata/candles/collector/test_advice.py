"""Score and suggestions, by hand; patterns of markets whose pattern is known by how they were made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketdata.candles.collector.advice import CollectionFigures, advise
from marketdata.candles.collector.features import Feature
from tests.benchmarks.candle_patterns import accuracy, synthetic

FIGURES = CollectionFigures(
    rows=20_000,
    calls=100,
    retries=0,
    partial=0,
    seconds_overlap=1.0,
    seconds_api=18.0,
    seconds_total=20.0,
    page=200,
    per_second=0.0,
    usual_pace=10.0,
    setting="UPBIT_PER_SECOND",
)


def test_whole_pages_need_no_advice() -> None:
    assert (FIGURES.score, advise(FIGURES)) == (100.0, [])


def test_the_score_is_the_share_of_needed_calls() -> None:
    assert replace(FIGURES, calls=125).score == 80.0
    assert replace(FIGURES, rows=19_801).score == 100.0
    assert replace(FIGURES, rows=0, calls=4).score == 25.0
    assert replace(FIGURES, rows=0, calls=0).score == 100.0


def test_repeated_calls_suggest_a_lower_pace() -> None:
    (suggestion,) = advise(replace(FIGURES, calls=125, retries=25))
    assert (suggestion.setting, suggestion.gain, suggestion.unit) == ("UPBIT_PER_SECOND", 0.2, "calls")
    assert str(suggestion).startswith("UPBIT_PER_SECOND: a lower pace, such as 9.0")


def test_pieces_of_pages_suggest_one_range() -> None:
    (suggestion,) = advise(replace(FIGURES, calls=120, partial=25))
    assert (suggestion.setting, suggestion.gain) == ("--from and --to", 0.1)


def test_a_slow_pace_without_repeats_suggests_the_usual_one() -> None:
    (suggestion,) = advise(replace(FIGURES, per_second=5.0))
    assert suggestion.gain == pytest.approx(0.5 * 18 / 20)
    assert "saves about 45% of the seconds" in str(suggestion)


def test_a_flag_that_is_off_is_suggested_where_it_is_worth_it() -> None:
    off = replace(FIGURES, off=frozenset({Feature.LOOK_AHEAD}))
    assert [each.setting for each in advise(off)] == ["look_ahead"]
    assert advise(replace(off, seconds_overlap=0.5)) == []


def test_the_largest_gain_comes_first_and_small_collections_have_none() -> None:
    figures = replace(FIGURES, calls=150, retries=50, partial=25)
    assert [each.gain for each in advise(figures)] == sorted((each.gain for each in advise(figures)), reverse=True)
    assert len(advise(figures)) == 2
    assert advise(replace(figures, calls=9)) == []


def test_patterns_of_made_up_markets_are_recognized() -> None:
    table = synthetic(markets=40)
    assert sum(table.values()) == 160
    assert accuracy(table) >= 0.90
