"""Feature flags in the record: a person turns them, a guard turns them off.

1. A flag is on, off, or below a share of 100 % in A/B (those of `COMPARED`): that share of the work uses the feature,
   the rest does not.
2. Frequent work (a collection's calls) is observed by a `feature_guard.Guard` in its process, which asks `RecordFlags`.
3. Rare work (a scan, a warm-up) is a `Trial`: `begin` says whether it uses the feature, `end` records its measurement
   and compares the last ones with the threshold, or in A/B with the work without the feature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from django.db import transaction
from django.db.models import Avg, Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from marketdata.feature_guard import Rollback, Rule, Worse
from marketdata.models import FeatureFlag, FeatureMeasurement, FlagRollback

CACHE_SECONDS = 5.0  # a collection reads flags several times a chunk
KEPT = 1_000
"""Measurements of a feature that are kept."""
WHOLE = 100
COMPARED = ("process_pool", "score_cache", "warm_up")
"""Features whose work is done without them too, so that A/B compares; all others are on or off."""


class RecordFlags:
    """The record as `Flags`; a change takes effect within `CACHE_SECONDS`. One thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cache: dict[str, bool] = {}
        self._until = -1.0

    def enabled(self, feature: str) -> bool:
        """Whether the feature is on; one without a row is."""
        now = self._clock()
        if now >= self._until:
            self._cache = dict(FeatureFlag.objects.values_list("feature", "enabled"))
            self._until = now + CACHE_SECONDS
        return self._cache.get(feature, True)

    def turn_off(self, rollback: Rollback) -> None:
        """Turn the flag off and record the reason; no change where it is off already."""
        turn_off(rollback, at=timezone.now())
        self._until = -1.0


def turn_off(rollback: Rollback, *, at: datetime) -> None:
    """Turn a flag off and record the reason; no change where it is off already."""
    with transaction.atomic():
        defaults = {"metric": rollback.metric, "threshold": rollback.threshold, "window": rollback.observations}
        flag, _ = FeatureFlag.objects.get_or_create(feature=rollback.feature, defaults=defaults)
        changed = FeatureFlag.objects.filter(pk=flag.pk, enabled=True).update(
            enabled=False, changed_at=at, changed_by="guard"
        )
        if changed:
            FlagRollback.objects.create(
                feature=rollback.feature,
                metric=rollback.metric,
                mean=rollback.mean,
                threshold=rollback.threshold,
                observations=rollback.observations,
                at=at,
            )


def save(flag: FeatureFlag, *, who: str, at: datetime) -> None:
    """Save a flag that a person has edited, with the person's name; comparisons begin anew."""
    if flag.feature not in COMPARED:
        flag.share = WHOLE
    flag.changed_by, flag.changed_at = who, at
    flag.save()
    FeatureMeasurement.objects.filter(feature=flag.feature).delete()


def no_share_sentence(feature: str) -> str:
    """Why a feature has no share of the work, in the reader's language; "" for one of `COMPARED`."""
    if feature in COMPARED:
        return ""
    names = {"feature": feature, "compared": ", ".join(COMPARED)}
    return _("%(feature)s is on or off; only %(compared)s can have a share.") % names


def rules(shipped: Sequence[Rule]) -> Sequence[Rule]:
    """The rules of a guard: thresholds and windows of the rows, the rest of `shipped`."""
    rows = {row.feature: row for row in FeatureFlag.objects.all()}
    return [
        Rule(rule.feature, rule.metric, row.threshold, rule.worse, row.window)
        if (row := rows.get(str(rule.feature)))
        else rule
        for rule in shipped
    ]


@dataclass(frozen=True, slots=True)
class Trial:
    """A piece of work and whether it uses the feature; `flag` None: it has no row, and nothing is recorded."""

    is_on: bool
    flag: FeatureFlag | None = None

    @classmethod
    def begin(cls, feature: str) -> Trial:
        """The trial of the next piece of work. In A/B the shares of the recorded work decide."""
        flag = FeatureFlag.objects.filter(feature=feature).first()
        if flag is None or not flag.enabled or flag.share == WHOLE:
            return cls(flag is None or flag.enabled, flag)
        rows = FeatureMeasurement.objects.filter(feature=feature).order_by()
        counts = rows.aggregate(all=Count("pk"), on=Count("pk", filter=Q(is_on=True)))
        return cls(counts["on"] * WHOLE < flag.share * (counts["all"] + 1), flag)

    def end(self, value: float, *, at: datetime) -> Rollback | None:
        """Record the measurement, by the flag's metric, where higher is worse; the rollback if the guard makes one."""
        flag = self.flag
        if flag is None or not flag.enabled:
            return None
        rows = FeatureMeasurement.objects.filter(feature=flag.feature)
        row = FeatureMeasurement.objects.create(feature=flag.feature, is_on=self.is_on, value=value, at=at)
        rows.filter(pk__lte=row.pk - KEPT).delete()
        means = {is_on: _mean(flag, is_on) for is_on in ((True,) if flag.share == WHOLE else (True, False))}
        with_feature, threshold = means[True], means.get(False, flag.threshold)
        if with_feature is None or threshold is None:
            return None
        if not Rule(flag.feature, flag.metric, threshold, Worse.HIGHER, flag.window).is_broken(with_feature):
            return None
        rollback = Rollback(flag.feature, flag.metric, with_feature, threshold, flag.window)
        rollback.warn()
        turn_off(rollback, at=at)
        return rollback


def _mean(flag: FeatureFlag, is_on: bool) -> float | None:
    """The mean of the flag's last observations; None while there are fewer than its window."""
    rows = FeatureMeasurement.objects.filter(feature=flag.feature, is_on=is_on)
    values = list(rows.values_list("value", flat=True)[: flag.window])
    return fmean(values) if len(values) == flag.window else None


@dataclass(frozen=True, slots=True)
class FlagState:
    """A flag, the means of its kept measurements (with or without, mean, count), and its last rollback."""

    flag: FeatureFlag
    means: Sequence[tuple[str, float, int]]
    rollback: FlagRollback | None


def get_states() -> list[FlagState]:
    """The states of all flags, in three queries."""
    rows = FeatureMeasurement.objects.order_by("feature", "-is_on").values_list("feature", "is_on")
    means: dict[str, list[tuple[str, float, int]]] = {}
    for feature, is_on, mean, count in rows.annotate(Avg("value"), Count("pk")):
        means.setdefault(feature, []).append(("with" if is_on else "without", mean, count))
    rollbacks = {row.feature: row for row in FlagRollback.objects.order_by("at", "pk")}
    return [
        FlagState(flag, means.get(flag.feature, ()), rollbacks.get(flag.feature)) for flag in FeatureFlag.objects.all()
    ]
