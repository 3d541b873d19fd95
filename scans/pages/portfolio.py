"""Portfolio: the published picks of a version, traded by stated rules."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from caching.cached import leave_unstored
from marketdata.errors import DataProblem
from marketdata.pages.kept import Content
from scans.operations.evaluation import evaluation_cache
from scans.operations.evaluation.portfolio import MOST_SLOTS, PortfolioReport, Rules, cached_portfolio
from scans.pages.curves import draw_curves
from scans.pages.parts import PartPage
from scans.queries.readiness import enabled_versions

LATEST = 30
"""Positions of the table."""


class Portfolio(PartPage):
    """`/{market}/portfolio?scanner_version=&slots=`."""

    section = "research"
    parameters = ("scanner_version", "slots")

    def content(self) -> Content:
        version = self.version()
        slots = self.request.GET.get("slots", "")
        rules = Rules(int(slots) if slots.isascii() and slots.isdigit() and 1 <= int(slots) <= MOST_SLOTS else 10)
        context: dict[str, Any] = {
            "version": version,
            "rules": rules,
            "versions": enabled_versions(self.market.name),
            "report": None,
        }
        try:
            key = evaluation_cache.evaluation_key(
                self.market.name, [version], as_of=timezone.now().replace(second=0, microsecond=0), horizons=[1]
            )
            context |= _figures(cached_portfolio(key, rules))
        except (DataProblem, evaluation_cache.Busy):
            leave_unstored()
        return Content(_("Portfolio"), self.render("pages/portfolio.html", context))


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
