"""The laboratory of errors with fewer worlds: what is shown is seldom wrong of picks without skill, and finds skill."""

from __future__ import annotations

import pytest

from scans.evaluation.benchmark_paths import NAMES
from tests.benchmarks.world_errors import CLUSTERED, DIFFERENCE, PERMUTATION
from tests.benchmarks.world_markets import KINDS, make_world, picks_with_skill, picks_without_skill
from tests.benchmarks.worlds import Rejections, reject

pytestmark = pytest.mark.slow

WORLDS = 16
CALENDAR_TIME = tuple(f"calendar time, {name}" for name in NAMES)


@pytest.fixture(scope="module")
def rejections() -> Rejections:
    return reject(WORLDS, (20,))


@pytest.mark.parametrize("kind", KINDS)
def test_errors_that_are_shown_seldom_call_luck_a_result(rejections: Rejections, kind: str) -> None:
    for error in (*CALENDAR_TIME, PERMUTATION, DIFFERENCE):
        assert rejections.share(kind, error, 0) <= 0.15, error


def test_errors_clustered_by_date_call_luck_a_result(rejections: Rejections) -> None:
    assert rejections.share("lasting style", CLUSTERED, 0) > 0.3


def test_planted_skill_is_found(rejections: Rejections) -> None:
    assert sum(rejections.planted) / WORLDS == pytest.approx(0.018, abs=0.004)
    for error in (CALENDAR_TIME[0], CALENDAR_TIME[3], PERMUTATION):
        assert rejections.share("skill", error, 0) >= 0.8, error


def test_worlds_and_picks_are_those_of_their_seed() -> None:
    world, again, other = make_world(3), make_world(3), make_world(4)
    assert (world.prices.close == again.prices.close).all()
    assert (world.prices.close != other.prices.close).any()
    for kind in KINDS:
        picks = picks_without_skill(world, kind, 7)
        assert (picks.column == picks_without_skill(again, kind, 7).column).all()
        assert (picks.column != picks_without_skill(world, kind, 8).column).any()
    assert (picks_with_skill(world, 0.3, 7).column == picks_with_skill(again, 0.3, 7).column).all()
