"""The rule behind a regime, as bodies of the API have it beside the regime's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from marketdata.tables.text import BATCH
from scans.engines.regimes import DAILY, TREND
from scans.models import ScanSession
from scans.queries.regime_rules import regime_rules, rule_json

KINDS = (DAILY, TREND)
EXAMPLES = (
    ("Daily", "daily", "daily: crash, the index moved -2.9 % on the day (below -2.5 %)", {"move_pct": -2.914}),
    (
        "Trend",
        "trend",
        "trend: bull kept, +3.1 % over 20 sessions (above 2 %), mean of 10 sessions +0.12 % (above -0.05 %)",
        {"return_20_pct": 3.12, "return_5_pct": -0.4, "mean_10_pct": 0.123},
    ),
)


@extend_schema_serializer(
    examples=[
        OpenApiExample(name, value={"kind": kind, "sentence": sentence, "measures": measures})
        for name, kind, sentence, measures in EXAMPLES
    ]
)
class RegimeRuleBody(serializers.Serializer[Any]):
    """Why the session has its regime: by which rule, with which figures of the index. Where the recorded data has
    changed since, or the index cannot be read, the sentence says so and there are no measures."""

    kind = serializers.ChoiceField(
        choices=KINDS,
        help_text="daily: by the move of the session alone (v1); trend: by 20 sessions, with the state before",
    )
    sentence = serializers.CharField()
    measures = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="Percent: move_pct of a daily rule; return_20_pct, return_5_pct and mean_10_pct of a trend; null "
        "where undefined",
    )


def attach_regime_rules(sessions: Sequence[ScanSession]) -> None:
    """Give each session its `regime_rule` as a body has it; each index series is read once for all of them."""
    rules = regime_rules(sessions)
    for session in sessions:
        session.regime_rule = rule_json(rules.get(session.pk))  # type: ignore[attr-defined]


def with_regime_rules(sessions: Iterable[ScanSession]) -> Iterator[ScanSession]:
    """The sessions, each with its `regime_rule`, `BATCH` at a time."""
    every = iter(sessions)
    while batch := list(islice(every, BATCH)):
        attach_regime_rules(batch)
        yield from batch


class SessionListSerializer(serializers.ListSerializer[Any]):
    """Answers of sessions, the rules behind their regimes among them."""

    def to_representation(self, data: Any) -> Any:
        rows = list(data)
        attach_regime_rules(rows)
        return super().to_representation(rows)
