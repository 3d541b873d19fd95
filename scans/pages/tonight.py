"""The evening's page: what every version picked on a session, what is new and what left, and the signals that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404

from scans.engines.regime_rules import RegimeRule
from scans.pages.base import MarketPage
from scans.pages.rows import PickRow, evening_signal_row, pick_row
from scans.queries.evening_summary import EveningSummary, Pick, VersionEvening, evening_summary
from scans.queries.regime_rules import regime_rules
from scans.wording.regime_sentences import regime_sentence


class Tonight(MarketPage):
    """`/{market}/` the latest evening, `/{market}/{day}/` that of a session."""

    template_name = "pages/tonight.html"
    section = "tonight"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        day = self.kwargs.get("day")
        summary = evening_summary(self.market.name, day)
        if summary is None and day is not None:
            raise Http404(f"Nothing is published for {day}.")
        context["evening"] = summary
        if summary is None:
            return context
        return context | {
            "previous": summary.previous,
            "next": summary.next,
            "blocks": _blocks(summary),
            "signals": [evening_signal_row(signal, summary) for signal in summary.signals],
        }


def _blocks(summary: EveningSummary) -> list[dict[str, Any]]:
    rules = regime_rules([version.session for version in summary.versions if version.session])
    return [_block(version, summary, rules) for version in summary.versions]


def _block(version: VersionEvening, summary: EveningSummary, rules: Mapping[int, RegimeRule | None]) -> dict[str, Any]:
    """The block of one version: its three lists, their counts and the rule behind its regime."""
    rule = rules.get(version.session.pk) if version.session else None
    return {
        "version": version.version,
        "session": version.session,
        "rule": regime_sentence(rule) if rule else "",
        "before": version.before,
        "listed": version.listed,
        "groups": [
            ("new", _rows(version.new, summary)),
            ("stayed", _rows(version.stayed, summary)),
            ("dropped", _rows(version.dropped, summary)),
        ],
        "counts": (len(version.new), len(version.stayed), len(version.dropped)),
    }


def _rows(picks: Iterable[Pick], summary: EveningSummary) -> list[PickRow]:
    return [pick_row(pick, summary) for pick in picks]
