"""The bodies of scan requests."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.queries import flows
from marketdata.web.api.pagination import list_body
from marketdata.web.api.parsers import StrictBody
from scans.api.fields import Limits
from scans.api.parameters import MOST_VERSIONS
from scans.api.serializers.regimes import RegimeRuleBody
from scans.api.serializers.scans import Counts, Rank
from scans.models import ScanDraft, ScanRequest, Status
from scans.models.versions import MOST_LIMIT
from scans.queries.order_prices import add_order_prices


class AskBody(StrictBody):
    """The scans of a request. No version: the market's active one; no day: the last complete session."""

    scanner_version = serializers.CharField(required=False, max_length=40, help_text="One version, e.g. v2")
    versions = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        min_length=1,
        max_length=MOST_VERSIONS,
        help_text="Several; each is published by itself",
    )
    date = serializers.DateField(required=False, help_text="One session")
    first = serializers.DateField(required=False, help_text="The first of a range of sessions")
    last = serializers.DateField(required=False, help_text="The last of a range of sessions")
    limits = Limits(required=False, help_text="Segment -> only so many of its largest turnovers")
    top = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_LIMIT, help_text="Only the best of each session"
    )
    save = serializers.BooleanField(  # type: ignore[assignment]
        required=False, default=True, help_text="false: publish nothing, keep the answers for a day"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "scanner_version" in attrs and "versions" in attrs:
            raise serializers.ValidationError({"versions": "Give scanner_version or versions."})
        if "date" in attrs and ("first" in attrs or "last" in attrs):
            raise serializers.ValidationError({"date": "Give date, or first and last."})
        return attrs

    def keywords(self) -> dict[str, Any]:
        """The keywords of `operations.requests.ask`."""
        body = self.validated_data
        version = body.get("scanner_version")
        return {
            "versions": [version] if version else body.get("versions", []),
            "first": body.get("date", body.get("first")),
            "last": body.get("date", body.get("last")),
            "limits": body.get("limits", {}),
            "top": body.get("top"),
            "publishes": body["save"],
        }


class OutcomeBody(serializers.Serializer[Any]):
    """The progress of one version."""

    scanner_version = serializers.CharField()
    sessions = serializers.IntegerField(help_text="Done, quarantined ones among them")
    quarantined = serializers.IntegerField(
        default=0, help_text="Of these: unpublished until an operator decides about them"
    )
    runs = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Those that hold its answers, one for each part; an older one where it stood already",
    )
    error = serializers.CharField(allow_blank=True)


class ProgressBody(serializers.Serializer[ScanRequest]):
    """Sessions of all versions together."""

    done = serializers.IntegerField(source="sessions_done")
    total = serializers.IntegerField(source="sessions")
    scanner_version = serializers.CharField(
        source="current_version", allow_blank=True, help_text="At work on it, in a range"
    )


class RequestBody(serializers.ModelSerializer[ScanRequest]):
    """A requested scan. Where it is `failed`, `reason` names the versions that failed; the others are published."""

    versions = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField(child=serializers.IntegerField())
    save = serializers.BooleanField(source="publishes")  # type: ignore[assignment]
    progress = ProgressBody(source="*")
    outcomes = OutcomeBody(many=True)

    class Meta:
        model = ScanRequest
        fields = (
            "id",
            "market",
            "versions",
            "first",
            "last",
            "limits",
            "top",
            "save",
            "status",
            "reason",
            "progress",
            "outcomes",
            "requested_by",
            "request_id",
            "created_at",
            "started_at",
            "finished_at",
        )


class AcceptedBody(RequestBody):
    """A request that was queued."""

    warning = serializers.CharField(allow_blank=True, help_text="How to start a task worker where none is running")

    class Meta(RequestBody.Meta):
        fields = (*RequestBody.Meta.fields, "warning")  # type: ignore[assignment]


class DraftParameters(serializers.Serializer[Any]):
    scanner_version = serializers.CharField(
        required=False, max_length=40, help_text="e.g. v2; omitted: the first by name"
    )
    date = serializers.DateField(required=False, help_text="e.g. 2024-05-31; omitted: the latest that is kept")


class DraftBody(serializers.Serializer[Any]):
    """An answer that was not published, with all its picks."""

    scanner_version = serializers.CharField()
    date = serializers.DateField()
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(allow_blank=True)
    notes = serializers.CharField(allow_blank=True)
    regime = serializers.CharField(allow_blank=True)
    regime_rule = RegimeRuleBody(allow_null=True)
    short_risk = serializers.IntegerField()
    fallback_step = serializers.IntegerField()
    counts = Counts(source="*")
    input_digest = serializers.CharField()
    result_digest = serializers.CharField()
    next = serializers.CharField(allow_null=True, help_text="Always null: the picks are all on one page")
    previous = serializers.CharField(allow_null=True, help_text="Always null")
    results = Rank(many=True)


def draft_body(draft: ScanDraft) -> dict[str, Any]:
    """The body of a draft."""
    market = draft.request.market
    picks = {(rank["code"], draft.date) for rank in draft.answer["ranks"]}
    figures = flows.get_flow_figures(market, picks)
    ranks = [
        {**add_order_prices(rank, market=market, session=draft.date), "flow": figures.get((rank["code"], draft.date))}
        for rank in draft.answer["ranks"]
    ]
    body = {
        "regime_rule": None,  # of drafts made before rules were in them
        **draft.answer,
        "scanner_version": draft.scanner_version,
        "ranked": len(ranks),
        **list_body(ranks),
    }
    return DraftBody(body).data
