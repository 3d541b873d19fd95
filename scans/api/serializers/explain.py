"""The bodies of what is read out of a pick: why a version picked an instrument, or not."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scans.api.fields import Number
from scans.api.serializers.flows import Flow
from scans.api.serializers.plans import Plan
from scans.api.serializers.regimes import RegimeRuleBody
from scans.engines.base import Check


class CheckBody(serializers.Serializer[Check]):
    """One filter, signal, gate, risk or part of a score, in the order in which the engine judges them."""

    group = serializers.CharField(help_text="universe, filter, signal, gate, risk, score, rank ...")
    name = serializers.CharField()
    value = Number(help_text="What was judged; null where unknown")
    rule = serializers.CharField(help_text="What it was judged by, thresholds filled in")
    limits = serializers.ListField(
        child=Number(), help_text="The thresholds in the rule that parameters or the day decide"
    )
    holds = serializers.BooleanField(help_text="The verdict; of a risk: that it is there")
    points = Number(help_text="What it counts where it holds; 0: nothing, null: unknown")


class Parameters(serializers.Serializer[Any]):
    """The parameters of the explanation: those of the run behind the published answer, or the version's own of today
    where nothing is published for the date."""

    source = serializers.ChoiceField(choices=["run", "version"])  # type: ignore[assignment]
    run = serializers.IntegerField(allow_null=True)
    values = serializers.DictField(help_text="With segments, limits and top")
    reproduces = serializers.BooleanField(
        allow_null=True,
        help_text="Whether the record still holds what that run read; false: it was corrected since; null: no run",
    )


class Day(serializers.Serializer[Any]):
    """The answer of the version on that session."""

    status = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    notes = serializers.CharField(allow_blank=True)
    regime = serializers.CharField(allow_blank=True, help_text="Empty: the engine knows none")
    regime_rule = RegimeRuleBody(allow_null=True)
    short_risk = serializers.IntegerField()
    fallback_step = serializers.IntegerField()
    universe = serializers.IntegerField()
    scored = serializers.IntegerField()
    matched = serializers.IntegerField()
    input_digest = serializers.CharField()


class PickBody(serializers.Serializer[Any]):
    """The rank of the instrument in the version's list, and its plan."""

    rank = serializers.IntegerField()
    score = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]
    strategy = serializers.CharField()
    close = serializers.FloatField()
    change_pct = serializers.FloatField(allow_null=True)
    amount = serializers.FloatField()
    plan = Plan(source="*")


class ExplanationBody(serializers.Serializer[Any]):
    """Every check of one instrument on one session. `pick` is null where it was not picked, `flow` (who bought it,
    picked or not) where nothing is recorded."""

    market = serializers.CharField()
    currency = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    date = serializers.DateField()
    scanner_version = serializers.CharField()
    engine = serializers.CharField()
    revision = serializers.IntegerField()
    parameters = Parameters()
    day = Day()
    pick = PickBody(allow_null=True)
    flow = Flow(allow_null=True)
    checks = CheckBody(many=True)
