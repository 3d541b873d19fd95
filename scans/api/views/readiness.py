"""Whether a market's last closed session is there, and what each version made of it."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView
from marketdata.queries.readiness import ReadinessState
from marketdata.queries.session_bars import SessionBars
from marketdata.web.api.schema import error_responses
from scans.queries import readiness
from scans.queries.readiness import Readiness, VersionState

STATES = [str(state) for state in ReadinessState]
VERSION_STATES = [str(state) for state in VersionState]
MOST_CODES = 100
"""Codes named for each reason."""
MOST_SESSIONS = 100
"""Missing sessions that are named: the latest."""


class OmissionBody(serializers.Serializer[Any]):
    """Instruments that are not scanned on the session, for one reason."""

    reason = serializers.CharField(
        help_text="Without a bar: no_bar, halted, delisted (these are not expected). With one, hence not eligible: "
        "other_segment, not_common_stock, administration, caution, suspected (a corporate action), halted, untraded; "
        "each instrument has the first that holds"
    )
    has_bar = serializers.BooleanField()
    expected = serializers.BooleanField(help_text="Whether they are counted in `expected`")
    count = serializers.IntegerField()
    codes = serializers.ListField(child=serializers.CharField(), help_text=f"The first {MOST_CODES} of them")


class VersionReadinessBody(serializers.Serializer[Any]):
    """The state of an enabled version on the last closed session."""

    scanner_version = serializers.CharField()
    state = serializers.ChoiceField(
        choices=VERSION_STATES, help_text="stale: published, from older data than the record has now"
    )
    reason = serializers.CharField(allow_blank=True)
    latest_session = serializers.DateField(allow_null=True, help_text="The latest session it has published")
    sessions_behind = serializers.IntegerField(
        allow_null=True, help_text="Closed sessions since; null: it has published none"
    )
    run = serializers.IntegerField(allow_null=True, help_text="The run that published it")
    read_at = serializers.DateTimeField(
        allow_null=True, help_text="When its bars were read, which may still change; null: they are settled"
    )
    waited_for = serializers.BooleanField(
        help_text="Whether the market's state depends on it: its schedule names it, or without a schedule it is the "
        f"active one or has published in the last {readiness.RECENT_SESSIONS} sessions of the record"
    )


class CalendarDisagreementBody(serializers.Serializer[Any]):
    """A day that a source calls otherwise than the calendar."""

    day = serializers.DateField()
    source = serializers.CharField()  # type: ignore[assignment]
    is_open = serializers.BooleanField(help_text="Whether the source calls it a session")
    counts_open = serializers.BooleanField(help_text="Whether it counts as one")
    is_decided = serializers.BooleanField(help_text="Whether a person's override decides it")
    sentence = serializers.CharField(help_text="All of it in words, with what to do")


class ReadinessBody(serializers.Serializer[Any]):
    """How ready a market is. `expected` - `present` is the sum of the omissions that are expected and have no bar."""

    market = serializers.CharField()
    as_of = serializers.DateTimeField()
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="empty: no bars; demo: a generated market; not_ready: a session has closed and its evening is not "
        "over; ready; stale: published from older data than the record has; overdue: the last closed session should "
        "be recorded and scanned and is not",
    )
    reason = serializers.CharField(help_text="The state in one sentence")
    last_closed_session = serializers.DateField(allow_null=True)
    latest_session = serializers.DateField(allow_null=True, help_text="The latest closed session with any bar")
    latest_complete_session = serializers.DateField(
        allow_null=True, help_text="The latest with enough bars to be scanned"
    )
    read_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the bars of the latest complete session were read, which may still change; null: they are "
        "settled",
    )
    sessions_behind = serializers.IntegerField(help_text="Closed sessions after the latest complete one")
    missing_sessions = serializers.ListField(
        child=serializers.DateField(),
        help_text=f"Closed sessions after the latest one with bars, the last {MOST_SESSIONS} of them",
    )
    undecided_sessions = serializers.ListField(
        child=serializers.DateField(),
        help_text="Recent sessions before the latest complete one whose bars are in doubt and undecided: "
        "later answers build on them",
    )
    calendar_disagreements = CalendarDisagreementBody(
        many=True, help_text="Days from two weeks ago on that a source calls otherwise than the calendar"
    )
    due_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the evening of the oldest session that is behind, else of the last closed one, is overdue",
    )
    expected = serializers.IntegerField(
        help_text="Instruments that should have a bar on the last closed session: listed, with a bar in the 20 "
        "sessions before it"
    )
    present = serializers.IntegerField(help_text="Those that have one")
    omitted = OmissionBody(many=True)
    note = serializers.CharField(allow_blank=True, help_text="What could not be looked up")
    versions = VersionReadinessBody(many=True)


class ReadinessView(MarketView):
    """Whether a market's last closed session is recorded and scanned."""

    serializer_class = ReadinessBody
    pagination_class = None

    @extend_schema(
        operation_id="readiness",
        tags=["markets"],
        parameters=[MARKET],
        responses={200: ReadinessBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        """The record of a market against its calendar and the clock: its last closed session, how many bars it has of
        how many expected, which instruments are left out and why, and what each enabled version made of it."""
        now = timezone.now()
        market_state, bars = readiness.readiness_with_bars(
            self.market.name, now, lambda record: cast("date", record.last_closed), eligibility=True
        )
        return Response(ReadinessBody({"as_of": now, **_body(market_state, bars)}).data)


def _body(market_state: Readiness, bars: SessionBars | None) -> dict[str, Any]:
    record = market_state.record
    return {
        "market": market_state.market,
        "state": str(market_state.state),
        "reason": market_state.reason,
        "last_closed_session": record.last_closed,
        "latest_session": record.latest,
        "latest_complete_session": record.complete,
        "read_at": record.read_at,
        "sessions_behind": record.behind,
        "missing_sessions": record.missing[-MOST_SESSIONS:],
        "undecided_sessions": [day for day, _ in record.undecided],
        "calendar_disagreements": record.disagreements,
        "due_at": record.due_at,
        "expected": bars.expected if bars else 0,
        "present": bars.present if bars else 0,
        "omitted": [
            {
                "reason": row.reason,
                "has_bar": row.has_bar,
                "expected": row.expected,
                "count": row.count,
                "codes": row.codes[:MOST_CODES],
            }
            for row in (bars.omissions if bars else ())
        ],
        "note": bars.note if bars else "",
        "versions": [
            {
                "scanner_version": row.version,
                "state": str(row.state),
                "reason": row.reason,
                "latest_session": row.latest,
                "sessions_behind": row.behind,
                "run": row.run,
                "waited_for": row.belongs,
            }
            for row in market_state.versions
        ],
    }
