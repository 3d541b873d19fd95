"""Feature flags of scans: on, off, or a share of the work each way, which the guard compares."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketdata.models import FeatureFlag, FeatureMeasurement, FlagRollback
from marketdata.operations.feature_flags import Trial
from scans.operations.scan.features import Feature, RunTrials
from scans.operations.scan.request import RunRequest

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 8, 21, 7, tzinfo=UTC)


def work(seconds_with: float, seconds_without: float, pieces: int) -> list[bool]:
    """Which of so many pieces of work used the score cache."""
    uses = []
    for _ in range(pieces):
        trial = Trial.begin(Feature.SCORE_CACHE)
        trial.end(seconds_with if trial.is_on else seconds_without, at=NOW)
        uses.append(trial.is_on)
    return uses


def turn(*arguments: str) -> str:
    out = StringIO()
    call_command("features", *arguments, stdout=out)
    return out.getvalue()


def test_a_share_of_the_work_goes_each_way() -> None:
    turn("score_cache", "ab", "--share", "25")
    uses = work(1.0, 1.0, 40)
    assert uses.count(True) == 10
    assert uses[:5] == [True, False, False, False, True]
    assert "with 1 (10), without 1 (30)" in turn()


def test_the_guard_turns_off_what_is_more_than_a_fifth_slower_than_the_work_without_it() -> None:
    FeatureFlag.objects.filter(feature="score_cache").update(window=5)
    turn("score_cache", "ab")
    work(1.19, 1.0, 20)
    assert not FlagRollback.objects.exists()
    turn("score_cache", "ab")  # measurements begin anew
    uses = work(1.21, 1.0, 20)
    (rollback,) = FlagRollback.objects.all()
    assert (rollback.feature, rollback.metric, rollback.observations) == ("score_cache", "seconds_per_session", 5)
    assert rollback.mean == pytest.approx(1.21)
    assert rollback.threshold == pytest.approx(1.0)
    assert uses == [True, False] * 5 + [False] * 10  # five of each, then none
    assert "turned off: score_cache 2026-08-21" in turn()


def test_the_guard_turns_off_what_is_past_its_threshold() -> None:
    FeatureFlag.objects.filter(feature="score_cache").update(window=3, threshold=10)
    assert work(12.0, 0.0, 5) == [True] * 5  # 20 % past it is not more than that
    assert work(12.1, 0.0, 3) == [True, False, False]


def test_a_run_leaves_out_what_is_off() -> None:
    request = RunRequest(market="kr", as_of=NOW, executor="process")
    assert RunTrials.begin(request).request == request
    turn("score_cache", "off")
    turn("process_pool", "off")
    left = RunTrials.begin(request).request
    assert (left.cached, left.executor) == (False, "thread")
    dry = RunRequest(market="kr", as_of=NOW, executor="process", save=False)
    assert RunTrials.begin(dry) == RunTrials(dry)
    assert not FeatureMeasurement.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("scorecache", "on"), "There is no feature 'scorecache'"),
        (("score_cache",), "Say what score_cache is to be"),
        (("score_cache", "ab", "--share", "100"), "--share is 100"),
        (
            ("provisional_scans", "ab"),
            "on or off; only process_pool, score_cache, warm_up can have a share",
        ),
    ],
)
def test_what_cannot_be_turned_is_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        turn(*arguments)
