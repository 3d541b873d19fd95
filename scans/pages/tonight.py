"""Tonight: what every version picked on a session, what is new and what left, and the signals that moved."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from scans.engines.regime_rules import RegimeRule
from scans.pages.base import MarketPage
from scans.pages.regime_sentences import regime_sentence
from scans.pages.rows import Row, evening_flows, evening_signal_row, pick_row
from scans.queries.evening_summary import EveningSummary, evening_summary
from scans.queries.regime_rules import regime_rules


class Tonight(MarketPage):
    """`/{market}/` the latest evening, `/{market}/{day}/` that of a session."""

    template_name = "pages/tonight.html"
    section = "tonight"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        day = self.kwargs.get("day")
        found = evening_summary(self.market.name, day)
        if found is None and day is not None:
            raise Http404(f"Nothing is published for {day}.")
        context["evening"] = found
        if found is None:
            return context
        context |= {
            "previous": found.previous,
            "next": found.next,
            "blocks": self.blocks(found),
            "signals": [evening_signal_row(one, found, self.market) for one in found.signals],
        }
        return context

    def blocks(self, found: EveningSummary) -> list[dict[str, Any]]:
        """One column block a version: its three lists and their counts."""
        flows = evening_flows(self.market.name, found)
        rules = regime_rules([one.session for one in found.versions if one.session])
        return [
            {
                "version": one.version,
                "session": one.session,
                "rule": one.session and _rule(rules.get(one.session.pk)),
                "before": one.before,
                "listed": one.listed,
                "groups": [
                    ("new", self.rows(one.new, found, flows)),
                    ("stayed", self.rows(one.stayed, found, flows)),
                    ("dropped", self.rows(one.dropped, found, flows)),
                ],
                "counts": (len(one.new), len(one.stayed), len(one.dropped)),
            }
            for one in found.versions
        ]

    def rows(self, picks: Any, found: EveningSummary, flows: Any) -> list[Row]:
        return [pick_row(pick, found, flows, self.market) for pick in picks]


def _rule(rule: RegimeRule | None) -> str:
    return regime_sentence(rule) if rule else ""
