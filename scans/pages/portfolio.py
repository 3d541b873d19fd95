"""Portfolio: the published picks of a version, traded by stated rules."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from caching.cached import leave_unstored
from marketdata.errors import DataProblem
from marketdata.pages.kept import Content
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.portfolio import MOST_SLOTS, PortfolioReport, Rules, cached_portfolio
from scans.pages.curves import draw_curves
from scans.pages.parts import PartPage, VersionPage
from scans.queries.enabled_versions import EnabledVersionsQueries

LATEST = 30
"""Positions of the table."""


class Portfolio(VersionPage):
    """`/{market}/portfolio?scanner_version=&slots=`: the versions, and a place for the report, which takes longer."""

    section = "research"
    parameters = ("scanner_version", "slots")

    def content(self) -> Content:
        enabled = EnabledVersionsQueries(self.market.name)
        version, rules = self.version(*enabled.query_sets), _rules(self.request)
        query = urlencode({"scanner_version": version.slug, "slots": rules.slots})
        context = {
            "version": version,
            "rules": rules,
            "versions": enabled.versions(),
            "report": f"{reverse('pages:portfolio_report', args=[self.market.name])}?{query}",
        }
        return Content(_("Portfolio"), self.render("pages/portfolio.html", context))


class Report(PartPage):
    """`/{market}/portfolio/report`: its curves, figures and positions."""

    section = "research"
    parameters = ("scanner_version", "slots")

    def content(self) -> Content:
        version, rules = self.version(), _rules(self.request)
        context: dict[str, Any] = {"version": version, "report": None}
        try:
            key = evaluation_cache.evaluation_key(
                self.market.name, [version], as_of=timezone.now().replace(second=0, microsecond=0), horizons=[1]
            )
            context |= _figures(cached_portfolio(key, rules))
        except (DataProblem, evaluation_cache.Busy):
            leave_unstored()
        return Content(_("Portfolio"), self.render("pages/portfolio_report.html", context))


def _rules(request: HttpRequest) -> Rules:
    """The rules with the number of slots of `?slots=`."""
    slots = request.GET.get("slots", "")
    return Rules(int(slots) if slots.isascii() and slots.isdigit() and 1 <= int(slots) <= MOST_SLOTS else 10)


def _figures(report: PortfolioReport) -> dict[str, Any]:
    """The figures and the drawing of a report."""
    capital = report.rules.capital
    series = {"portfolio": report.equity, **report.indexes}
    curves = draw_curves(
        report.sessions,
        {name: values and [value / capital - 1 for value in values] for name, values in series.items()},
    )
    return {
        "report": report,
        "curves": curves,
        "rows": [(name, values[-1] / capital - 1, report.drawdowns[name]) for name, values in series.items() if values],
        "positions": sorted(report.positions, key=lambda position: position.entered_on, reverse=True)[:LATEST],
    }
