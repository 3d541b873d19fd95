"""The evening's page: what every version picked on a session, what is new and what left, and the signals that moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from marketdata.pages.kept import Content
from marketdata.queries import instruments
from marketdata.web.templatetags.numbers import day as day_text
from scans.engines.regime_rules import RegimeRule
from scans.models import Reading, ScanSession, Signal
from scans.pages.account import chosen_versions
from scans.pages.base import KeptPage
from scans.pages.pick_rows import GROUPS, PickRows
from scans.pages.preclose import preclose_context
from scans.pages.row_cells import RowCells
from scans.pages.signal_rows import ENTERED, LIFE_ORDER, moved_signal_rows
from scans.queries.evening_summary import EveningSummary, VersionEvening, evening_summary
from scans.queries.preclose import PrecloseQueries, preclose_scans
from scans.queries.regime_rules import regime_rules
from scans.queries.settling import EVENING, SettlingFigures, SettlingQueries
from scans.wording.regime_sentences import regime_sentence

FEW = 20
"""Moved signals whose list is open at once."""


class Tonight(KeptPage):
    """`/{market}/` the latest evening, `/{market}/{day}/` that of a session."""

    section = "tonight"
    parameters = ("reading", "versions")

    @cached_property
    def variant(self) -> list[str]:  # type: ignore[override]
        """The versions that the reader chose; none: all of them."""
        return chosen_versions(self.request)

    def content(self) -> Content:
        day: date | None = self.kwargs.get("day")
        of_evening = self.request.GET.get("reading") == EVENING
        beside = _Beside(self.market.name, day)
        reading = EVENING if of_evening else ""
        status = self.status_queries
        summary = evening_summary(
            self.market.name,
            day,
            reading,
            others=[beside.scans, *status.missing_step()],
            further=lambda sessions: [*beside.query_sets(sessions), *status.missing_step()],
            deferred=("signals", "components"),
        )
        if summary is None and day is not None:
            raise Http404(f"Nothing is published for {day}.")
        if summary is None:
            recorded = self.market.name in instruments.get_recorded_markets()
            return Content(_("Tonight"), self.render("pages/empty.html", {"recorded": recorded}))
        slugs = self.shown([version.version.slug for version in summary.versions])
        signals = [(_movement(signal, summary.session_date), signal) for signal in summary.signals]
        signals.sort(key=lambda row: LIFE_ORDER.index(row[0]))
        cells = RowCells(self.market)
        shown_versions = [version for version in summary.versions if version.version.slug in slugs]
        blocks = _blocks(summary, shown_versions, PickRows(summary, cells))
        context = {
            "evening": summary,
            "market": self.market,
            "chips": [
                _chip(version, slugs, {"reading": EVENING} if of_evening else {}) for version in summary.versions
            ],
            "blocks": blocks,
            "moved": list(Counter(movement for movement, _ in signals).items()),
            "moved_rows": mark_safe(moved_signal_rows(signals, cells)),  # noqa: S308 - escaped there
            "is_short": len(signals) <= FEW,
            "is_replaced": any(block["session"] and block["session"].is_replacement for block in blocks),
            "of_evening": of_evening,
            "settling": beside.settling_figures(blocks),
        }
        if beside.preclose and beside.preclose.scan:
            context |= preclose_context(beside.preclose.scan, beside.preclose, slugs)
        html = self.render("pages/tonight.html", context)
        shown = self.request.GET.get("versions")
        return Content(
            title=day_text(summary.session_date),
            html=html,
            day=summary.session_date,
            previous=summary.previous,
            next=summary.next,
            codes=sorted(summary.closes),
            frame={
                "query": f"?{urlencode({'versions': '.'.join(slugs)})}" if shown else "",
                "live": summary.next is None,
            },
        )

    def shown(self, slugs: Sequence[str]) -> list[str]:
        """The versions that are shown: those of ?versions=v2.v3, else those that the reader chose, else all."""
        for chosen in (self.request.GET.get("versions", "").split("."), self.variant):
            if fitting := [slug for slug in slugs if slug in chosen]:
                return fitting
        return list(slugs)


class _Beside:
    """The parts of an evening beside its lists: the scan before the close of the day or of a later session, and how
    provisional lists differed so far."""

    def __init__(self, market: str, day: date | None) -> None:
        self.market, self.scans = market, preclose_scans(market, day)
        self.preclose: PrecloseQueries | None = None
        self.settling: SettlingQueries | None = None

    def query_sets(self, sessions: Sequence[ScanSession]) -> list[QuerySet[Any, Any]]:
        """The queries that belong to the answers of the evening."""
        scan = next(iter(self.scans), None)
        if scan and scan.session >= sessions[0].date:
            self.preclose = PrecloseQueries(self.market, scan)
        provisional = [row.scanner_version for row in sessions if row.reading == Reading.PROVISIONAL]
        if provisional:
            self.settling = SettlingQueries(self.market, provisional)
        return [rows for queries in (self.preclose, self.settling) if queries for rows in queries.query_sets]

    def settling_figures(self, blocks: Sequence[Mapping[str, Any]]) -> list[SettlingFigures]:
        """Of each version that is shown and whose list is provisional."""
        shown = {block["version"].slug for block in blocks}
        figures = self.settling.figures() if self.settling else []
        return [one for one in figures if one.sessions and one.version in shown]


def _chip(version: VersionEvening, shown: Sequence[str], query: Mapping[str, str]) -> dict[str, Any]:
    """The link that hides a version, or shows it; the rest of its `query` stays."""
    slug = version.version.slug
    others = [one for one in shown if one != slug]
    return {
        "slug": slug,
        "listed": version.listed if version.session else None,
        "shown": slug in shown,
        "address": f"?{urlencode({**query, 'versions': '.'.join(others if slug in shown else [*shown, slug])})}",
    }


def _movement(signal: Signal, day: date) -> str:
    """What a signal did on the day: `ENTERED`, or the status with which it ended."""
    return ENTERED if signal.entered_on == day and signal.exit_on != day else signal.status


def _blocks(summary: EveningSummary, versions: Sequence[VersionEvening], rows: PickRows) -> list[dict[str, Any]]:
    rules = regime_rules([version.session for version in versions if version.session])
    return [_block(version, summary, rules, rows) for version in versions]


def _block(
    version: VersionEvening, summary: EveningSummary, rules: Mapping[int, RegimeRule | None], rows: PickRows
) -> dict[str, Any]:
    """The block of one version: its three lists, their counts and the rule behind its regime."""
    rule = rules.get(version.session.pk) if version.session else None
    query = urlencode({"scanner_version": version.version.slug, "date": summary.session_date})
    lists = dict(zip(GROUPS, (version.new, version.stayed, version.dropped), strict=True))
    return {
        "version": version.version,
        "session": version.session,
        "rule": regime_sentence(rule).replace(" %", "\u00a0%") if rule else "",
        "before": version.before,
        "listed": version.listed,
        "funnel": f"{reverse('pages:funnel', args=[summary.market])}?{query}",
        "groups": [
            (group, len(picks), mark_safe(rows.html(picks, group)))  # noqa: S308 - escaped there
            for group, picks in lists.items()
        ],
        "counts": tuple(map(len, lists.values())),
    }
