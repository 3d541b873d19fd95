"""The evening's page: what every version picked on a session, what is new and what left, and the signals that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.http import Http404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from marketdata.queries import instruments
from scans.engines.regime_rules import RegimeRule
from scans.pages.account import chosen_versions
from scans.pages.base import Content, KeptPage
from scans.pages.rows import PickRow, evening_signal_row, pick_row
from scans.queries.evening_summary import EveningSummary, Pick, VersionEvening, evening_summary
from scans.queries.regime_rules import regime_rules
from scans.templatetags.figures import day as day_text
from scans.wording.regime_sentences import regime_sentence


class Tonight(KeptPage):
    """`/{market}/` the latest evening, `/{market}/{day}/` that of a session."""

    section = "tonight"

    @cached_property
    def variant(self) -> list[str]:  # type: ignore[override]
        """The versions that the reader chose; none: all of them."""
        return chosen_versions(self.request)

    def content(self) -> Content:
        day: date | None = self.kwargs.get("day")
        summary = evening_summary(self.market.name, day)
        if summary is None and day is not None:
            raise Http404(f"Nothing is published for {day}.")
        if summary is None:
            recorded = self.market.name in instruments.get_recorded_markets()
            return Content(_("Tonight"), self.render("pages/empty.html", {"recorded": recorded}))
        chosen = [version for version in summary.versions if version.version.slug in self.variant] or summary.versions
        blocks = _blocks(summary, chosen)
        hidden = len(summary.versions) - len(chosen)
        signals = [evening_signal_row(signal, summary) for signal in summary.signals]
        context = {"evening": summary, "blocks": blocks, "hidden": hidden, "signals": signals}
        html = self.render("pages/tonight.html", context)
        return Content(
            title=day_text(summary.session_date),
            html=html,
            day=summary.session_date,
            previous=summary.previous,
            next=summary.next,
            codes=sorted(summary.closes),
        )


def _blocks(summary: EveningSummary, versions: Sequence[VersionEvening]) -> list[dict[str, Any]]:
    rules = regime_rules([version.session for version in versions if version.session])
    return [_block(version, summary, rules) for version in versions]


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
