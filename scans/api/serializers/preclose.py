"""The body of a scan before the close: each version's picks, and how many of them were in its list at the close."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.markets import get_market
from marketdata.queries import flows
from marketdata.web.api.serializers import PlannedSerializer
from scans.api.serializers.scans import Counts, Rank
from scans.models import PrecloseScan, Status
from scans.queries.order_prices import add_order_prices
from scans.queries.preclose import SESSIONS, AnswerAtClose, answers_at_close, hit_shares


class PreclosePick(Rank):
    """A pick from the quotes; its close is the last price by then."""

    at_close = serializers.BooleanField(
        allow_null=True, help_text="Whether it is in the list at the close; null: that is not published"
    )

    class Meta(Rank.Meta):
        fields = (*Rank.Meta.fields, "at_close")  # type: ignore[assignment]


class HitShareBody(PlannedSerializer):
    """How many picks of the version's last scans before the close were in its lists at the close."""

    sessions = serializers.IntegerField(help_text="With a scan before the close and a published list")
    picks = serializers.IntegerField(help_text="Before the close, on these sessions")
    hits = serializers.IntegerField(help_text="Of these, in the list at the close")
    listed = serializers.IntegerField(help_text="Picks of the lists at the close")
    share = serializers.FloatField(allow_null=True, help_text="hits / picks")
    coverage = serializers.FloatField(allow_null=True, help_text="hits / listed")


class PrecloseVersionBody(serializers.Serializer[Any]):
    """A version's answer. Nothing of it is published."""

    scanner_version = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(allow_blank=True)
    notes = serializers.CharField(allow_blank=True)
    regime = serializers.CharField(allow_blank=True)
    short_risk = serializers.IntegerField()
    fallback_step = serializers.IntegerField()
    counts = Counts(source="*")
    input_digest = serializers.CharField(allow_blank=True)
    result_digest = serializers.CharField(allow_blank=True)
    hits = serializers.IntegerField(
        allow_null=True, help_text="Picks that are in the list at the close; null: that is not published"
    )
    hit_share = HitShareBody(allow_null=True, help_text=f"Over the last {SESSIONS} sessions; null: there are none")
    picks = PreclosePick(many=True)


class PrecloseBody(serializers.Serializer[Any]):
    """The last scan before the close of a session."""

    market = serializers.CharField()
    currency = serializers.CharField()
    date = serializers.DateField()
    as_of = serializers.DateTimeField(help_text="The source's clock at its last answer")
    read_from = serializers.DateTimeField(help_text="The source's clock at its first answer")
    source = serializers.CharField()  # type: ignore[assignment]
    expected = serializers.IntegerField(help_text="Instruments that were requested")
    quoted = serializers.IntegerField(help_text="Instruments with a whole quote")
    volume_share = serializers.FloatField(
        allow_null=True, help_text="By which volumes were divided; null: they are as traded by then"
    )
    index = serializers.CharField(allow_blank=True, help_text="The series of the regimes; blank: the market's own")
    notes = serializers.CharField(allow_blank=True)
    versions = PrecloseVersionBody(many=True)


def preclose_body(scan: PrecloseScan) -> dict[str, Any]:
    """The body of a scan."""
    shares = {share.scanner_version: share for share in hit_shares(scan.market)}
    answers = answers_at_close(scan)
    picks = {(code, scan.session) for answer in answers for code in answer.answer.codes}
    figures = flows.get_flow_figures(scan.market, picks)
    versions = []
    for answer in answers:
        row, slug = answer.answer, answer.answer.scanner_version.slug
        names = ("status", "reason", "notes", "regime", "short_risk", "fallback_step", "universe", "scored", "matched")
        versions.append(
            {
                **{name: getattr(row, name) for name in (*names, "input_digest", "result_digest")},
                "scanner_version": slug,
                "ranked": len(row.codes),
                "hits": answer.hits,
                "hit_share": shares.get(slug),
                "picks": [_pick(rank, answer, scan, figures) for rank in row.ranks],
            }
        )
    body = {
        **{name: getattr(scan, name) for name in ("market", "read_from", "source", "expected", "quoted")},
        **{name: getattr(scan, name) for name in ("volume_share", "index", "notes")},
        "currency": get_market(scan.market).currency,
        "date": scan.session,
        "as_of": scan.read_at,
        "versions": versions,
    }
    return PrecloseBody(body).data


def _pick(rank: dict[str, Any], answer: AnswerAtClose, scan: PrecloseScan, figures: Any) -> dict[str, Any]:
    return {
        **add_order_prices(rank, market=scan.market, session=scan.session),
        "flow": figures.get((rank["code"], scan.session)),
        "at_close": None if answer.at_close is None else rank["code"] in answer.at_close,
    }
