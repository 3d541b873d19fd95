"""The periods of a sweep: develop, choose and test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from marketdata.errors import DataProblem
from marketdata.record import Days

EMBARGO = 5
"""Sessions beside the horizon between a choice and what it is judged on."""
FEWEST = 60
"""Sessions that the develop and the choose period have at least."""


class SweepProblem(DataProblem):
    """The sweep cannot be made, or its name is taken."""


def refuse_short_choice(sessions: int | None) -> None:
    """SweepProblem if a choice would look back on too few sessions; None: on all of them."""
    if sessions is not None and sessions < FEWEST:
        raise SweepProblem(f"A choice from {sessions} sessions is one by chance: look back on at least {FEWEST}.")


@dataclass(frozen=True, slots=True)
class Periods:
    """The sessions of a sweep, (S,), and the rows at which the choose and the test period begin. `purged`: rows at
    which a period's picks end, so that their holdings end before the next period."""

    sessions: Days
    choose: int
    test: int
    horizon: int

    @property
    def gap(self) -> int:
        """Sessions between a pick and what its holding must not reach."""
        return self.horizon + EMBARGO

    @property
    def seen(self) -> Days:
        """The sessions whose picks are judged before the test period."""
        return self.sessions[: self.test - self.gap]


def sweep_periods(
    sessions: Days, horizon: int, choose_from: date | None = None, test_from: date | None = None
) -> Periods:
    """The periods of the requested `sessions`; no `choose_from`: half of them, no `test_from`: the last quarter.
    SweepProblem if one is too short for a verdict."""
    count = len(sessions)
    choose = _row(sessions, choose_from, count // 2)
    test = _row(sessions, test_from, count * 3 // 4)
    periods = Periods(sessions, choose, test, horizon)
    shortest = FEWEST + periods.gap
    if choose < shortest or test - choose < shortest or count - test < 1:
        raise SweepProblem(
            f"From {sessions[0]} to {sessions[-1]} the develop period has {choose} sessions, the choose period "
            f"{test - choose} and the test period {count - test}: with holdings of {horizon} sessions the "
            f"first two need {shortest} each. Begin earlier or hold shorter."
        )
    return periods


def _row(sessions: Days, day: date | None, default: int) -> int:
    return default if day is None else int(np.searchsorted(sessions, np.datetime64(day)))
