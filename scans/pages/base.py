"""Base classes of the trader's pages: the frame with the status of the market and the reader's tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from caching.memo import Memo
from marketdata.joint_queries import evaluate_together
from marketdata.market_time import market_zone
from marketdata.operations import task_queue
from marketdata.operations.live_quotes import has_quotes
from marketdata.pages.frame import FramedPage
from marketdata.pages.kept import Content, KeptContentPage
from marketdata.queries.readiness import ReadinessState
from scans.queries import versions
from scans.queries.market_status import (
    MarketStatus,
    StatusQueries,
    Work,
    current_work,
    market_status,
    work_and_tags,
)
from scans.queries.readiness import VersionState
from scans.wording import glossary


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The status above a page. `html` None: it is another each time; `is_stale`: the record is behind; `quoted_hours`:
    those of today's continuous trading, where a source has live quotes."""

    html: SafeString | None
    is_stale: bool
    quoted_hours: list[datetime] | None


STATUS_LINES: Memo[StatusLine] = Memo()
"""(market, language, whether the reader is of the staff) -> the line where nothing runs."""
QUOTED_MARKETS: Memo[bool] = Memo()
"""Market -> whether a source has live quotes of it."""


class MarketPage(FramedPage):
    """A page below /{market}/ with the status of the market above it."""

    @property
    def market_state(self) -> list[datetime | None]:
        """Changes with the data of the market and with the versions."""
        return [self.generations.get(versions.GENERATION), self.generations.get(self.market.name)]

    @property
    def state(self) -> Sequence[Any]:
        """Changes with everything that the page shows of the market."""
        return self.market_state

    @cached_property
    def work(self) -> list[Work]:
        """The scan requests and the evening in progress on the market."""
        return current_work(self.market.name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | self.status_context()

    @cached_property
    def status_queries(self) -> StatusQueries:
        """The queries of the market's status."""
        return StatusQueries(self.market.name, timezone.now().replace(second=0, microsecond=0), self.market_state)

    def evaluate(self, *query_sets: QuerySet[Any, Any]) -> None:
        """Evaluate these query sets in one statement, with the next ones of the status where it is not cached."""
        evaluate_together(*query_sets, *self.status_queries.missing_step())

    @cached_property
    def status(self) -> MarketStatus:
        """The status of the market at this minute."""
        return market_status(self.status_queries)

    def status_context(self) -> dict[str, Any]:
        """The line above the page, and whether the record is behind: then plans are struck."""
        work, is_staff = self.work, self.request.user.is_staff
        key, state = (
            (self.market.name, get_language(), is_staff),
            (*self.market_state, self.status_queries.as_of, id(settings.SOURCES)),
        )
        line = STATUS_LINES.get(key, state, self._status_line) if not work else self._status_line()
        html = self._status_html() if line.html is None else line.html
        return {"status_html": html, "is_stale": line.is_stale, "work": work, "quoted_hours": line.quoted_hours}

    def _status_line(self) -> StatusLine:
        """The line, without its HTML where that shows what runs, or a form."""
        status, name = self.status, self.market.name
        is_of_reader = bool(self.work or status.versions_in(VersionState.STALE))
        is_demo = status.readiness.state == ReadinessState.DEMO
        hours = None
        if (
            status.quoted_hours
            and not is_demo
            and QUOTED_MARKETS.get(name, id(settings.SOURCES), lambda: has_quotes(name))
        ):
            # A kept status has the offset of the market alone, and the page shows the name of its zone.
            hours = [at.astimezone(market_zone(name)) for at in status.quoted_hours]
        is_stale = not is_demo and status.readiness.record.behind > 0
        return StatusLine(None if is_of_reader else self._status_html(), is_stale, hours)

    def _status_html(self) -> SafeString:
        now, status = timezone.now(), self.status
        context = {
            "market": self.market,
            "status": status,
            "left_out": status.bars.expected - status.bars.present if status.bars else 0,
            "quarantined": status.versions_in(VersionState.QUARANTINED),
            "failed": status.versions_in(VersionState.FAILED),
            "corrected": status.versions_in(VersionState.STALE),
            "scanned": status.versions_in(VersionState.SCANNED),
            "work": self.work,
            "now": now,
            "no_worker": _lacks_worker(self.work, now),
        }
        return render_to_string("pages/readiness.html", context, self.request)


def _lacks_worker(work: Sequence[Work], now: datetime) -> bool:
    """Whether a request waits and no task worker is running, or none of the queue that has waiting tasks."""
    if not any(one.is_waiting for one in work):
        return False
    try:
        queue = task_queue.queue_state(now)
    except (task_queue.QueueUnavailable, DatabaseError):
        return False
    return queue.workers == 0 or queue.neglected


class KeptPage(MarketPage, KeptContentPage):
    """The same with content that is kept, and the reader's tags beside codes."""

    def prepare_frame(self) -> None:
        """The status of the market."""
        _ = self.status

    def tags(self, content: Content) -> Mapping[str, SafeString]:
        """By code."""
        self.work, tags = work_and_tags(self.request.user, self.market.name, content.codes, content.day)
        return {code: tag_html(tag) for code, tag in tags.items()}


def tag_html(tag: str) -> SafeString:
    """A tag beside a name; "" without one."""
    return (
        format_html('<span class="tag {}">{}</span>', tag, glossary.word(glossary.TAGS, tag)) if tag else SafeString()
    )
