"""The body of an evening: every version's picks of a session against its session before, and the signals that moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from scans.api.fields import Percent
from scans.api.serializers.regimes import attach_regime_rules
from scans.api.serializers.scans import Answer, Rank
from scans.api.serializers.signals import DISTANCES, SignalBody
from scans.models import ScanSession, SignalStatus
from scans.queries.evening_summary import EveningSummary, Pick, VersionEvening

GROUPS = ("new", "stayed", "dropped")
ENDS = [str(status) for status in SignalStatus if status not in (SignalStatus.WAITING, SignalStatus.OPEN)]


class EveningPick(Rank):
    """A pick of the evening. A dropped one is as it was on the session before, its last close apart."""

    rank_before = serializers.IntegerField(allow_null=True, help_text="On the session before; null: a new pick")
    exit_reason = serializers.ChoiceField(
        choices=ENDS,
        allow_blank=True,
        help_text='How a signal of a dropped pick ended on the session; "": the version picks it no longer',
    )
    last_close = serializers.FloatField(allow_null=True, help_text="Raw, up to the session; null: no bar of late")
    last_change_pct = Percent(help_text="Of the last close, adjusted, against the close before")

    class Meta(Rank.Meta):
        fields = (*Rank.Meta.fields, "rank_before", "exit_reason", "last_close", "last_change_pct")  # type: ignore[assignment]


class MovedSignal(SignalBody):
    """A signal that was entered or ended on the session."""

    class Meta(SignalBody.Meta):
        list_serializer_class = serializers.ListSerializer  # type: ignore[assignment]
        fields = tuple(name for name in SignalBody.Meta.fields if name not in DISTANCES)  # type: ignore[assignment]


class PrecloseHitsBody(serializers.Serializer[Any]):
    """How many picks of the version's last scan before the close are in its list of the session."""

    read_at = serializers.DateTimeField(help_text="When the quotes of the scan before the close were read")
    picks = serializers.IntegerField(help_text="Of the scan before the close")
    hits = serializers.IntegerField(help_text="Of these, in the list")


class VersionEveningBody(serializers.Serializer[Any]):
    """A version on the session: `answer` is null where it has published none. The three lists are differences of sets
    of codes: new is in the session alone, stayed in both, dropped in the session before alone."""

    scanner_version = serializers.CharField()
    answer = Answer(allow_null=True)
    before = serializers.DateField(allow_null=True, help_text="The version's published session before")
    listed = serializers.IntegerField(help_text="Picks of the session: new and stayed")
    preclose_hits = PrecloseHitsBody(allow_null=True, help_text="Null: the version had no pick before the close")
    new = EveningPick(many=True)
    stayed = EveningPick(many=True)
    dropped = EveningPick(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A version without picks",
            value={
                "market": "kr",
                "currency": "KRW",
                "date": "2026-08-21",
                "previous_session": "2026-08-20",
                "next_session": None,
                "versions": [
                    {
                        "scanner_version": "v1",
                        "answer": {
                            "date": "2026-08-21",
                            "scanner_version": "v1",
                            "status": "no_match",
                            "reason": "regime crash",
                            "reading": "settled",
                            "read_at": None,
                            "settled_at": "2026-08-23T23:15:31Z",
                            "regime": "crash",
                            "regime_rule": {
                                "kind": "daily",
                                "sentence": "daily: crash, the index moved -2.9 % on the day (below -2.5 %)",
                                "measures": {"move_pct": -2.914},
                            },
                            "fallback_step": 0,
                            "counts": {"universe": 2537, "scored": 2101, "matched": 0, "ranked": 0},
                            "result_digest": "93d5a1f6c3b04a51a2f0a6f0a4b1a8de",
                        },
                        "before": "2026-08-20",
                        "listed": 0,
                        "preclose_hits": None,
                        "new": [],
                        "stayed": [],
                        "dropped": [],
                    }
                ],
                "signals": [],
            },
        )
    ]
)
class EveningBody(serializers.Serializer[Any]):
    """A market's evening. Versions: v2 and v3 first, then those without an answer for the session; signals: those that
    were entered or ended on it."""

    market = serializers.CharField()
    currency = serializers.CharField()
    date = serializers.DateField()
    previous_session = serializers.DateField(allow_null=True, help_text="The day before with an answer of any version")
    next_session = serializers.DateField(allow_null=True, help_text="The day after with one")
    versions = VersionEveningBody(many=True)
    signals = MovedSignal(many=True)


def evening_body(summary: EveningSummary, context: dict[str, Any]) -> dict[str, Any]:
    """The body of a summary; `context` has the market."""
    market = context["market"]
    attach_regime_rules([version.session for version in summary.versions if version.session])
    for signal in summary.signals:
        signal.version_slug, signal.picked_rank = signal.scanner_version.slug, signal.rank.rank  # type: ignore[attr-defined]
        for name in ("name", "segment", "date", "close", "entry", "target", "stop", "holding_min", "holding_max"):
            setattr(signal, name, getattr(signal.rank, name))
    return {
        "market": market.name,
        "currency": market.currency,
        "date": summary.session_date,
        "previous_session": summary.previous,
        "next_session": summary.next,
        "versions": [_version(version, summary) for version in summary.versions],
        "signals": MovedSignal(summary.signals, many=True, context=context).data,
    }


def _version(version: VersionEvening, summary: EveningSummary) -> dict[str, Any]:
    picks = {name: _picks(getattr(version, name), summary) for name in GROUPS}
    session: ScanSession | None = version.session
    return {
        "scanner_version": version.version.slug,
        "answer": session and Answer(session).data,
        "before": version.before and version.before.date,
        "listed": version.listed,
        "preclose_hits": version.preclose_hits and PrecloseHitsBody(version.preclose_hits).data,
        **picks,
    }


def _picks(picks: Sequence[Pick], summary: EveningSummary) -> Any:
    rows = []
    for pick in picks:
        row, series = pick.rank, summary.closes.get(pick.rank.code)
        vars(row).update(
            flow=summary.flows.get((row.code, summary.session_date)),
            rank_before=pick.rank_before,
            exit_reason=pick.exit_reason,
            last_close=series and series.last,
            last_change_pct=series and series.change,
        )
        rows.append(row)
    return EveningPick(rows, many=True).data
