"""The collector's feature flags in the record: an admin turns them, a guard turns them off."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from marketdata.candles import queries
from marketdata.candles.collector.feature_guard import RULES, Feature, Rollback, Rule
from marketdata.candles.models import FeatureFlag, FlagRollback

CACHE_SECONDS = 5.0  # a collection reads flags several times a chunk


class RecordFlags:
    """The record as `Flags`; a change takes effect within `CACHE_SECONDS`. One thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cache: dict[Feature, bool] = {}
        self._until = -1.0

    def enabled(self, feature: Feature) -> bool:
        """Whether the feature is on."""
        now = self._clock()
        if now >= self._until:
            self._cache = queries.flags()
            self._until = now + CACHE_SECONDS
        return self._cache[feature]

    def turn_off(self, rollback: Rollback) -> None:
        """Turn the flag off and record the reason; no change where it is off already."""
        with transaction.atomic():
            at = timezone.now()
            flag, _ = FeatureFlag.objects.get_or_create(feature=rollback.feature, defaults=_defaults(rollback.feature))
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
        self._until = -1.0


def save(flag: FeatureFlag, *, who: str, at: datetime) -> None:
    """Save a flag that a person has edited, with the person's name."""
    flag.changed_by, flag.changed_at = who, at
    flag.save()


def rules() -> Sequence[Rule]:
    """The rules of the guard: thresholds and windows of the rows, the rest of `RULES`."""
    rows = {row.feature: row for row in FeatureFlag.objects.all()}
    return [
        Rule(rule.feature, rule.metric, row.threshold, rule.worse, row.window)
        if (row := rows.get(rule.feature.value))
        else rule
        for rule in RULES
    ]


def _defaults(feature: Feature) -> dict[str, object]:
    (rule,) = (rule for rule in RULES if rule.feature is feature)
    return {"metric": rule.metric, "threshold": rule.threshold, "window": rule.window}
