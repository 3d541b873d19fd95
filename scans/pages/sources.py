"""Sources: which can do what for the market, their calls, when bars are final, and whose bars count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from caching.memo import Memo
from marketdata import source_preference
from marketdata.joint_queries import evaluate_together, reuse_queries
from marketdata.operations.source_descriptions import SourceDescription, market_sources
from marketdata.pages.kept import Content
from marketdata.queries.calendar_disagreements import CalendarDisagreement, DisagreementQueries
from marketdata.queries.call_records import CallRecord, call_records, call_rows
from marketdata.queries.readiness import DISPUTED_BACK
from marketdata.queries.source_standings import source_standings
from scans.pages.base import KeptPage
from scans.wording import glossary

DESCRIPTIONS: Memo[list[SourceDescription]] = Memo(16)
"""(market, language) -> its sources, for the present settings."""


class _CallQueries:
    def __init__(self) -> None:
        self.rows = call_rows()


class Sources(KeptPage):
    """`/{market}/sources`."""

    section = "sources"

    @cached_property
    def sources(self) -> list[SourceDescription]:
        key, state = (self.market.name, get_language()), repr(settings.SOURCES)
        return DESCRIPTIONS.get(key, state, lambda: market_sources(self.market.name))

    @cached_property
    def records(self) -> tuple[dict[str, CallRecord], tuple[CalendarDisagreement, ...]]:
        """The last calls of sources, and the days that they call otherwise than the calendar; in one query."""
        calls = reuse_queries("calls", _CallQueries).rows
        key, market = ("disagreements", self.market.name), self.market.name
        disagreements = reuse_queries(key, lambda: DisagreementQueries(market))
        evaluate_together(calls, *disagreements.query_sets)
        since = timezone.now().date() - DISPUTED_BACK
        return call_records(calls), disagreements.disagreements(since)

    @property
    def variant(self) -> Sequence[str]:  # type: ignore[override]
        """The settings of the sources, which change with a start of the server, their last calls and disagreements."""
        return [*settings.SOURCE_ORDER, *map(repr, self.sources), repr(self.records)]

    def content(self) -> Content:
        calls, disagreements = self.records
        context = {
            "disagreements": disagreements,
            "standings": source_standings(self.market.name, evaluate=self.evaluate),
            "sources": [
                (source, [glossary.word(glossary.CAPABILITIES, one) for one in source.can], calls.get(source.name))
                for source in self.sources
            ],
            "order": settings.SOURCE_ORDER,
            "least": source_preference.MIN_QUALITY,
            "window": source_preference.QUALITY_SESSIONS,
        }
        return Content(_("Sources"), self.render("pages/sources.html", context))
