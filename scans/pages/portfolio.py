"""Portfolio: the published picks of a version, traded by stated rules."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from caching.cached import leave_unstored
from marketdata.errors import DataProblem
from marketdata.pages.kept import Content
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.portfolio import MOST_SLOTS, PortfolioReport, Rules, cached_portfolio
from scans.pages.curves import draw_curves
from scans.pages.parts import PartPage
from scans.queries.readiness import EnabledVersionsQueries

LATEST = 30
"""Positions of the table."""


class PortfolioPart(PartPage):
    """A page or part on the portfolio of `?scanner_version=` with `?slots=`."""

    section = "research"
    parameters = ("scanner_version", "slots")

    @property
    def rules(self) -> Rules:
        """The rules with the chosen number of slots."""
        slots = self.request.GET.get("slots", "")
        return Rules(int(slots) if slots.isascii() and slots.isdigit() and 1 <= int(slots) <= MOST_SLOTS else 10)


class Portfolio(PortfolioPart):
    """`/{market}/portfolio`: the versions, and a place for the report, which takes longer."""

    def content(self) -> Content:
        enabled = EnabledVersionsQueries(self.market.name)
        version, rules = self.version(*enabled.query_sets), self.rules
        query = urlencode({"scanner_version": version.slug, "slots": rules.slots})
        context = {
            "version": version,
            "rules": rules,
            "versions": enabled.versions(),
            "report": f"{reverse('pages:portfolio_report', args=[self.market.name])}?{query}",
        }
        return Content(_("Portfolio"), self.render("pages/portfolio.html", context))


class Report(PortfolioPart):
    """`/{market}/portfolio/report`: the curves, figures and positions."""

    def content(self) -> Content:
        version, rules = self.version(), self.rules
        context: dict[str, Any] = {"version": version, "report": None}
        try:
            key = evaluation_cache.evaluation_key(
                self.market.name, [version], as_of=timezone.now().replace(second=0, microsecond=0), horizons=[1]
            )
            context |= _figures(cached_portfolio(key, rules))
        except (DataProblem, evaluation_cache.Busy):
            leave_unstored()
        return Content(_("Portfolio"), self.render("pages/portfolio_report.html", context))


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
