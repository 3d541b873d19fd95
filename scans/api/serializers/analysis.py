"""The body of an analysis: one pick read against its checks, its plan, its market and the picks before it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Percent
from scans.api.serializers.explain import CheckBody, ExplanationBody
from scans.api.serializers.intervals import ExcessesBody
from scans.api.serializers.regimes import RegimeRuleBody
from scans.operations.analysis.analyse import BaseRate
from scans.operations.evaluation.base_rates import MIN_JUDGED

FIGURES = "line.figures."


class BaseRateBody(serializers.Serializer[BaseRate]):
    """How picks of one kind fared over one horizon, before that day, after costs. Where too few could be judged to say
    anything the figures are null, and the counts say how few."""

    by = serializers.ChoiceField(choices=["all", "label", "strategy", "regime"])
    group = serializers.CharField(allow_blank=True, help_text="The pick's own label, strategy ...")
    horizon = serializers.IntegerField(source="line.horizon", help_text="Sessions held")
    picks = serializers.IntegerField(source=f"{FIGURES}picks")
    computed_afterwards = serializers.IntegerField(
        help_text="How many of them were made by a run that began after the open of their entry"
    )
    judged = serializers.IntegerField(source=f"{FIGURES}judged")
    too_few = serializers.BooleanField(help_text=f"Fewer than {MIN_JUDGED} could be judged")
    hit_rate_pct = Percent(source=f"{FIGURES}hit_rate")
    universe_hit_rate_pct = Percent(
        source=f"{FIGURES}universe_hit_rate", help_text="Of all that could be picked, over the same sessions"
    )
    mean_pct = Percent(source=f"{FIGURES}mean")
    median_pct = Percent(source=f"{FIGURES}median")
    costs_pct = Percent(source=f"{FIGURES}costs")
    excess = ExcessesBody(source="line.figures", allow_null=True)
    detectable_pct = Percent(source=f"{FIGURES}detectable")
    standing = serializers.ChoiceField(source=f"{FIGURES}standing", choices=["ahead", "behind", ""])

    def to_representation(self, rate: BaseRate) -> dict[str, Any]:
        body: dict[str, Any] = super().to_representation(rate)
        if rate.too_few:
            body |= {name: None for name in body if name.endswith("_pct") or name == "excess"}
            body["standing"] = ""
        return body


class BaseRatesBody(serializers.Serializer[Any]):
    """The published picks of the version from `first` to `last`, judged as known at the close of the day. Of the
    `instruments` that could be picked `gone` have left the market: where none have, the record holds survivors only,
    and returns are too good."""

    first = serializers.DateField()
    last = serializers.DateField()
    revision = serializers.IntegerField(help_text="Of the evaluation's rules")
    market_regime = serializers.CharField(allow_blank=True, help_text="By the trend of the market's index on that day")
    market_regime_rule = RegimeRuleBody(allow_null=True)
    instruments = serializers.IntegerField(help_text="How many could be picked at some time")
    gone = serializers.IntegerField()
    rates = BaseRateBody(many=True, help_text="Empty where nothing was picked")


class NarrativeBody(serializers.Serializer[Any]):
    """A text that a model wrote from the facts above, where one is configured. It is somebody else's text: show it as
    text, and name the model."""

    state = serializers.ChoiceField(
        choices=["off", "made", "failed", "not_picked"],
        help_text="off: no server is configured; failed: see reason; everything else here is complete without it",
    )
    text = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class AnalysisBody(ExplanationBody):
    """The conditions by verdict, the plan, and how such picks fared; `pick` is null where it was not picked,
    `flow` (who bought it, picked or not) where nothing is recorded."""

    status = serializers.CharField(help_text="Of the published session")
    checks = None  # type: ignore[assignment]  # they stand below, by their verdict
    fired = CheckBody(many=True)
    not_fired = CheckBody(many=True)
    base_rates = BaseRatesBody()
    narrative = NarrativeBody()
