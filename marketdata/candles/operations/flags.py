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

LOOKED_AT = 5.0  # seconds for which an answer stands: a collection asks several times a chunk


class RecordFlags:
    """The record as `Flags`; a change is seen within `LOOKED_AT` seconds. One thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Feature, bool] = {}
        self._until = -1.0

    def enabled(self, feature: Feature) -> bool:
        """Whether the feature is on."""
        now = self._clock()
        if now >= self._until:
            self._known = queries.flags()
            self._until = now + LOOKED_AT
        return self._known[feature]

    def turn_off(self, rollback: Rollback) -> None:
        """Turn the flag off and keep why; nothing where somebody has turned it off already."""
        with transaction.atomic():
            at = timezone.now()
            flag, _ = FeatureFlag.objects.get_or_create(feature=rollback.feature, defaults=_defaults(rollback.feature))
            turned = FeatureFlag.objects.filter(pk=flag.pk, enabled=True).update(
                enabled=False, changed_at=at, changed_by="guard"
            )
            if turned:
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
    """Save a flag that a person has edited, and who it was."""
    flag.changed_by, flag.changed_at = who, at
    flag.save()


def rules() -> Sequence[Rule]:
    """What the guard watches: as the rows say, which way is worse as `RULES` says."""
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
