"""Whether a market traded on a session, from counts and from bars."""

from __future__ import annotations

import numpy as np
import pytest

from marketdata.session_activity import Activity, ActivityTracker, SessionCounts


@pytest.mark.parametrize(
    ("bars", "traded", "repeated", "before", "closure", "doubt"),
    [
        (24, 0, 0, 24, "none of 24 instruments traded", "none of 24 instruments traded"),
        (9, 0, 0, 9, "", "none of 9 instruments traded"),  # too few for the rule
        (24, 0, 0, 0, "", ""),  # no trade before either
        (24, 0, 0, None, "", ""),  # the first session of all
        (
            20,
            20,
            19,
            20,
            "19 of 20 bars repeat the session before",
            "19 of 20 bars repeat the session before",
        ),
        (20, 20, 12, 20, "", "12 of 20 bars repeat the session before"),
        (20, 20, 9, 20, "", ""),
    ],
)
def test_a_session_is_closed_or_in_doubt(
    bars: int, traded: int, repeated: int, before: int | None, closure: str, doubt: str
) -> None:
    seen = Activity(bars, traded, repeated, before)
    assert (seen.closure(), seen.doubt()) == (closure, doubt)


def test_bars_repeat_only_with_every_price_and_the_last_share() -> None:
    first = np.array([[10, 12, 9, 11, 500], [5, 5, 5, 5, 70], [8, 9, 7, 8, 0]], dtype=float)
    walk = ActivityTracker(4)
    code = np.array([0, 1, 3])
    walk.accept(code, first, walk.activity(code, first))
    later = np.array([[10, 12, 9, 11, 500], [5, 5, 5, 5, 71], [8, 9, 7, 8, 0]], dtype=float)
    # one is the same, one has another volume, one did not trade
    assert walk.activity(code, later) == Activity(3, 2, 1, 2)
    # code 2 had no bar to repeat
    assert walk.activity(np.array([2]), later[:1]) == Activity(1, 1, 0, 2)


def test_counts_of_an_older_lake_say_nothing_of_trades() -> None:
    old = SessionCounts.of([24, "abc", 20])
    assert old.doubt(SessionCounts.of([24, "abc", 20])) == ""
    assert (
        SessionCounts.of([24, "abc", 17]).doubt(old) == "only 17 instruments have a bar, 20 had one the session before"
    )


@pytest.mark.parametrize(
    ("trading", "before", "doubt"),
    [
        (3, 24, "only 3 of 24 instruments traded, 24 did the session before"),
        (20, 24, ""),  # four fewer
        (24, 0, ""),
    ],
)
def test_a_session_is_thin_when_few_of_those_in_good_standing_trade(trading: int, before: int, doubt: str) -> None:
    seen, earlier = SessionCounts(40, 24, trading, 30, 0), SessionCounts(40, 24, before, 40, 0)
    assert seen.doubt(earlier) == doubt


def test_a_source_that_knows_more_instruments_does_not_make_the_next_look_thin() -> None:
    wide = SessionCounts(2907, 2440, 2390, 2840, 3)
    assert SessionCounts(2537, 2440, 2389, 2480, 2).doubt(wide) == ""
    assert SessionCounts(2537, 2440, 2150, 2480, 2).doubt(wide).startswith("only 2150 of 2440")
