"""Research: the sweeps of a market, and one sweep with its periods, verdict, variants and versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from marketdata.pages.kept import Content
from scans.models import Sweep, SweepLook, SweepStatus, SweepVariant
from scans.operations.research.pedigree import pedigrees
from scans.operations.research.verdict import judge_sweep
from scans.pages.base import KeptPage
from scans.queries.sweeps import market_sweeps, sweep_variants, sweeps_state

LISTED = 50
"""Sweeps of the list, and variants of the table."""


class ResearchPage(KeptPage):
    """A page of the section, which changes with every sweep."""

    section = "research"

    @cached_property
    def sweeps_state(self) -> list[Any]:
        return sweeps_state(self.market.name)

    @property
    def state(self) -> list[Any]:
        return [*self.market_state, *self.sweeps_state]


class Research(ResearchPage):
    """`/{market}/research`: the sweeps, the latest first."""

    def content(self) -> Content:
        sweeps = market_sweeps(self.market.name)[:LISTED]
        self.evaluate(sweeps)
        rows = [(sweep, judge_sweep(sweep)) for sweep in sweeps]
        return Content(_("Research"), self.render("pages/research.html", {"rows": rows}))


class SweepPage(ResearchPage):
    """`/{market}/research/{slug}`."""

    def content(self) -> Content:
        sweeps = market_sweeps(self.market.name).filter(slug=self.kwargs["slug"])
        self.evaluate(sweeps)
        sweep = next(iter(sweeps), None)
        if sweep is None:
            raise Http404(f"There is no sweep {self.kwargs['slug']!r} of this market.")
        context: dict[str, Any] = {"sweep": sweep, "verdict": judge_sweep(sweep), "result": sweep.result}
        if sweep.status == SweepStatus.DONE:
            context |= self._results(sweep)
        return Content(sweep.slug, self.render("pages/sweep.html", context))

    def _results(self, sweep: Sweep) -> dict[str, Any]:
        """The figures of a sweep that is done, over its horizon."""
        variants, looks = sweep_variants(sweep).defer("returns")[:LISTED], sweep.looks.all()
        self.evaluate(variants, looks)
        return _figures(sweep, variants, looks)


def _figures(sweep: Sweep, variants: Iterable[SweepVariant], looks: Iterable[SweepLook]) -> dict[str, Any]:
    horizon, result = str(sweep.horizon), sweep.result
    outside = result["outside"][horizon]
    return {
        "outside": outside,
        "excesses": [(name, outside[name]) for name in ("equal", "cap", "matched")],
        "draws": result.get("random", {}),
        "groups": [row for by in ("regime", "year") for row in result.get("groups", {}).get(by, [])],
        "order": None if (order := result.get("capacity", {}).get("order")) is None else round(order),
        "variants": [(variant, variant.figures[horizon]) for variant in variants if variant.figures],
        "looks": [(look, look.figures[horizon]) for look in looks],
        "pedigrees": pedigrees(sweep, as_of=timezone.now().replace(second=0, microsecond=0)),
    }
