"""The excess that a sweep shows belongs to the interval beside it."""

from __future__ import annotations

import pytest

from scans.management.sweep_tables import excess_text
from scans.operations.research.stored_excess import excess_by_date


def test_it_is_the_recorded_one_and_that_of_an_older_sweep_is_the_middle_of_its_interval() -> None:
    older: dict[str, float | None] = {"mean": 0.0397, "coverage": 1.0, "low": -0.0325, "high": 0.0361}
    assert excess_by_date(older) == pytest.approx(0.0018)
    assert excess_text(older) == "+0.18 % [-3.25 %, +3.61 %]"
    assert excess_text(older | {"by_date": 0.00181}) == "+0.18 % [-3.25 %, +3.61 %]"
    assert excess_text({"mean": 0.0397, "by_date": None, "coverage": 1.0, "low": None, "high": None}) == "-"
    without: dict[str, float | None] = {"mean": 0.0397, "coverage": 1.0, "low": None, "high": None}
    assert excess_text(without) == "+3.97 %"
