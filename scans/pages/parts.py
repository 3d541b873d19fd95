"""Parts of pages that take longer: the page around them fetches them; by itself each is a page too."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from caching.cached import leave_unstored
from marketdata.errors import DataProblem
from marketdata.pages.kept import Content, KeptPartPage
from marketdata.queries import instruments
from scans.models import ScannerVersion
from scans.operations.analysis.funnel import session_funnel
from scans.operations.scan.reproduce import NoSuchRun
from scans.pages.base import KeptPage
from scans.queries import results
from scans.queries.versions import NoActiveVersion, UnknownVersion, active_versions, choose_versions, named_versions


class VersionPage(KeptPage):
    """A page or part on a version, `?scanner_version=&date=`."""

    parameters = ("scanner_version", "date")

    def chosen_day(self) -> date | None:
        """The day of ?date=, None without one."""
        try:
            return date.fromisoformat(self.request.GET.get("date", ""))
        except ValueError:
            return None

    def version(self, *beside: QuerySet[Any, Any]) -> ScannerVersion:
        """The version of ?scanner_version=, else the market's active one; 404 where there is none. `beside`: query sets
        that are evaluated in the same statement."""
        version = self.version_or_none(*beside)
        if version is None:
            raise Http404(f"Market {self.market.name} has no active version.")
        return version

    def version_or_none(self, *beside: QuerySet[Any, Any]) -> ScannerVersion | None:
        """The same, None for a market without an active version; 404 for a version that does not exist."""
        slug = self.request.GET.get("scanner_version", "")
        slugs = [slug] if slug else []
        named, active = named_versions(slugs), active_versions()
        if beside:
            self.evaluate(named, active, *beside)
        try:
            return choose_versions(self.market.name, slugs, named, active)[0]
        except NoActiveVersion:
            return None
        except UnknownVersion as error:
            raise Http404(str(error)) from error


class PartPage(KeptPartPage, VersionPage):
    """A part of a page on a version."""


class Funnel(PartPage):
    """`/{market}/funnel`: how many instruments each filter of a version left on a session, and the nearest misses."""

    def content(self) -> Content:
        version, day = self.version(), self.chosen_day()
        rows = results.published_sessions(self.market.name, version).select_related("run", "scanner_version")
        session = (rows.filter(date=day) if day else rows.order_by("-date")).first()
        if session is None:
            raise Http404(f"{version.slug} has published nothing for that session.")
        try:
            branches = session_funnel(session)
        except (DataProblem, NoSuchRun):
            leave_unstored()
            branches = []
        codes = sorted({miss.code for branch in branches for miss in branch.nearest})
        context = {
            "version": version,
            "day": session.date,
            "branches": branches,
            "names": instruments.get_names(self.market.name, codes) if codes else {},
        }
        return Content(_("The filters"), self.render("pages/funnel.html", context))
