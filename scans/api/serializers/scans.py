"""The bodies of the scans' part of the API. Percentages are percent, prices are numbers in the currency named."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.web.api.serializers import PlannedSerializer
from scans.api.serializers.explain import CheckBody
from scans.api.serializers.flows import Flow, PickListSerializer
from scans.api.serializers.plans import Plan
from scans.api.serializers.regimes import RegimeRuleBody, SessionListSerializer, attach_regime_rules
from scans.models import Reading, ScanRank, ScanRun, ScanSession

SLUG = "scanner_version.slug"


class Rank(PlannedSerializer, serializers.ModelSerializer[ScanRank]):
    """One instrument picked on a session."""

    plan = Plan(source="*")
    signals = serializers.ListField(child=serializers.CharField())
    components = serializers.DictField(child=serializers.FloatField(allow_null=True))
    flow = Flow(allow_null=True)

    class Meta:
        model = ScanRank
        list_serializer_class = PickListSerializer
        fields = (
            "rank",
            "code",
            "name",
            "segment",
            "score",
            "label",
            "strategy",
            "close",
            "change_pct",
            "amount",
            "plan",
            "signals",
            "components",
            "flow",
        )


class Pick(Rank):
    """A pick among those of an instrument."""

    scanner_version = serializers.CharField(source=SLUG)
    reading = serializers.ChoiceField(choices=Reading.choices, source="session.reading")

    class Meta(Rank.Meta):
        fields = ("date", "scanner_version", "reading", *Rank.Meta.fields)  # type: ignore[assignment]


class Counts(PlannedSerializer):
    """Instruments: in the universe, with a score, past every filter, kept."""

    universe = serializers.IntegerField()
    scored = serializers.IntegerField()
    matched = serializers.IntegerField()
    ranked = serializers.IntegerField()


class Answer(PlannedSerializer, serializers.ModelSerializer[ScanSession]):
    """The published answer of a version for a session, without the picks."""

    regime_rule = RegimeRuleBody(allow_null=True)
    scanner_version = serializers.CharField(source=SLUG)
    reading = serializers.ChoiceField(choices=Reading.choices)
    counts = Counts(source="*")

    class Meta:
        model = ScanSession
        list_serializer_class = SessionListSerializer
        fields = (
            "date",
            "scanner_version",
            "status",
            "reason",
            "reading",
            "read_at",
            "settled_at",
            "regime",
            "regime_rule",
            "fallback_step",
            "counts",
            "result_digest",
        )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        if not hasattr(instance, "regime_rule"):  # one by itself
            attach_regime_rules([instance])
        return super().to_representation(instance)


class Header(Answer):
    """The run behind a session's answer, and where the session stands."""

    market = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    as_of = serializers.DateTimeField(source="run.started_at", help_text="When it was run")
    run = serializers.IntegerField(source="run_id")
    engine = serializers.CharField(source="run.engine")
    revision = serializers.IntegerField(source="run.revision")
    params_hash = serializers.CharField(source="run.params_hash")
    data_digest = serializers.CharField(source="run.data_digest")
    is_latest = serializers.SerializerMethodField(help_text="Whether the version has published nothing later")
    is_today = serializers.SerializerMethodField(help_text="Whether the date is today where the market is")
    is_session = serializers.SerializerMethodField(
        help_text="Whether the date is a session of the market's calendar, as it is known now"
    )

    class Meta(Answer.Meta):
        fields = (  # type: ignore[assignment]
            "market",
            "currency",
            *Answer.Meta.fields,
            "as_of",
            "run",
            "engine",
            "revision",
            "notes",
            "short_risk",
            "input_digest",
            "params_hash",
            "data_digest",
            "is_latest",
            "is_today",
            "is_session",
        )

    def get_market(self, _: ScanSession) -> str:
        name: str = self.context["market"].name
        return name

    def get_currency(self, _: ScanSession) -> str:
        currency: str = self.context["market"].currency
        return currency

    def get_is_latest(self, _: ScanSession) -> bool:
        return bool(self.context["is_latest"])

    def get_is_today(self, session: ScanSession) -> bool:
        return bool(session.date == self.context["today"])

    def get_is_session(self, _: ScanSession) -> bool:
        return bool(self.context["is_session"])


class ScanResult(Header):
    """A session's answer with a page of its picks, the best first."""

    next = serializers.URLField(allow_null=True, help_text="The next page of picks")
    previous = serializers.URLField(allow_null=True, help_text="The page of picks before")
    results = Rank(many=True)

    class Meta(Header.Meta):
        fields = (*Header.Meta.fields, "next", "previous", "results")  # type: ignore[assignment]


class Run(PlannedSerializer, serializers.ModelSerializer[ScanRun]):
    """One version over a range of sessions, as it was run."""

    scanner_version = serializers.CharField(source=SLUG)
    reading = serializers.ChoiceField(choices=Reading.choices)
    seconds = serializers.DictField(child=serializers.FloatField(), help_text="Stage -> seconds")

    class Meta:
        model = ScanRun
        fields = (
            "id",
            "scanner_version",
            "first",
            "last",
            "engine",
            "revision",
            "params",
            "params_hash",
            "data_digest",
            "status",
            "reason",
            "reading",
            "read_at",
            "sessions",
            "universe",
            "scored",
            "matched",
            "seconds",
            "cpu_seconds",
            "peak_memory_mb",
            "bars",
            "executor",
            "started_at",
            "finished_at",
        )


class RankMove(Rank):
    """A pick that stands elsewhere than on the session before; `moved_by` is positive upward."""

    rank_before = serializers.IntegerField()
    moved_by = serializers.IntegerField()

    class Meta(Rank.Meta):
        fields = ("rank_before", "moved_by", *Rank.Meta.fields)  # type: ignore[assignment]


class ChangesBody(serializers.Serializer[Any]):
    """From the published session before to that of `date`; `before` is null on a version's first."""

    market = serializers.CharField()
    currency = serializers.CharField()
    scanner_version = serializers.CharField()
    date = serializers.DateField()
    before = serializers.DateField(allow_null=True)
    entered = Rank(many=True)
    left = Rank(many=True, help_text="As they stood on the session before")
    moved = RankMove(many=True)


class Place(serializers.ModelSerializer[ScanRank]):
    """The rank of an instrument in a version's list, and its plan."""

    percentile = serializers.SerializerMethodField(
        help_text="Of the rank among the version's picks: 100 the best, 0 the last"
    )
    plan = Plan(source="*")

    class Meta:
        model = ScanRank
        fields = ("rank", "score", "label", "strategy", "percentile", "plan")

    def get_percentile(self, pick: ScanRank) -> float:
        count: int = self.context["ranked"][pick.session_id]
        return round(100 * (count - pick.rank) / (count - 1), 2) if count > 1 else 100.0


class ComparisonRow(serializers.Serializer[Any]):
    """One instrument; `versions` holds those that picked it, `split` the others."""

    code = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    segment = serializers.CharField(allow_blank=True)
    close = serializers.FloatField()
    change_pct = serializers.FloatField(allow_null=True)
    flow = Flow(allow_null=True)
    versions = serializers.DictField(child=Place())
    split = serializers.DictField(
        child=CheckBody(),
        allow_null=True,
        help_text="Version that did not pick it -> its first check that fails, signals and risks apart, which exclude "
        "nothing alone; null without `split=true`",
    )


class Overlap(serializers.Serializer[Any]):
    """Instruments that all versions picked, that any did, and the share of the first in the second, percent."""

    common = serializers.IntegerField()
    any = serializers.IntegerField()
    common_pct = serializers.FloatField(allow_null=True)


class Comparison(serializers.Serializer[Any]):
    """Several versions on one session side by side; what most of them picked comes first."""

    market = serializers.CharField()
    currency = serializers.CharField()
    date = serializers.DateField()
    answers = Answer(many=True)
    overlap = Overlap()
    rows = ComparisonRow(many=True)
