"""The optimisations of scans that have a flag: the score cache and the process pool of runs that publish, the warm-up
of the cache, scans before the close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils import timezone

from marketdata.operations.feature_flags import Trial
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest


class Feature(StrEnum):
    SCORE_CACHE = "score_cache"
    PROCESS_POOL = "process_pool"
    WARM_UP = "warm_up"
    PROVISIONAL_SCANS = "provisional_scans"


@dataclass(frozen=True, slots=True)
class RunTrials:
    """The trials of a run, and its request without the features that it does not use."""

    request: RunRequest
    trials: Sequence[Trial] = ()

    @classmethod
    def begin(cls, request: RunRequest) -> RunTrials:
        """The trials of a request; none of one that publishes nothing."""
        if not request.save:
            return cls(request)
        trials = []
        if request.cached:
            trials.append(score_cache := Trial.begin(Feature.SCORE_CACHE))
            request = replace(request, cached=score_cache.is_on)
        if request.executor == "process":
            trials.append(pool := Trial.begin(Feature.PROCESS_POOL))
            request = request if pool.is_on else replace(request, executor="thread")
        return cls(request, trials)

    def end(self, scans: Sequence[Scan], sessions: int) -> None:
        """Record the seconds of reading and of features for each session."""
        if not sessions or any(scan.error for scan in scans):
            return
        seconds = max(scan.seconds["read"] for scan in scans) + sum(scan.seconds["features"] for scan in scans)
        for trial in self.trials:
            trial.end(seconds / sessions, at=timezone.now())
