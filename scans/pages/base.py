"""Base classes of the trader's pages: the frame with the status of the market and the reader's tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from caching.memo import Memo
from marketdata.operations import task_queue
from marketdata.operations.live_quotes import quoted_hours
from marketdata.pages.frame import FramedPage
from marketdata.pages.kept import Content, KeptContentPage
from marketdata.queries.readiness import ReadinessState
from scans.queries import versions
from scans.queries.market_status import Work, current_work, market_status, work_and_tags
from scans.queries.readiness import VersionState
from scans.wording import glossary

STATUS_LINES: Memo[SafeString] = Memo()
"""(market, language) -> the line of a reader without rights, where nothing runs."""
QUOTED_HOURS: Memo[tuple[datetime, datetime] | None] = Memo()
"""Market -> the hours of its live quotes."""


class MarketPage(FramedPage):
    """A page below /{market}/ with the status of the market above it."""

    @property
    def state(self) -> list[datetime | None]:
        """Changes with everything that the page shows of the market."""
        return [self.generations.get(versions.GENERATION), self.generations.get(self.market.name)]

    @cached_property
    def work(self) -> list[Work]:
        """What runs on the market."""
        return current_work(self.market.name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | self.status_context()

    def status_context(self) -> dict[str, Any]:
        """The line above the page, and whether the record is behind: then plans are struck."""
        now, work = timezone.now(), self.work
        minute = now.replace(second=0, microsecond=0)
        status = market_status(self.market.name, minute, self.state)
        corrected = status.versions_in(VersionState.STALE)
        context = {
            "market": self.market,
            "status": status,
            "left_out": status.bars.expected - status.bars.present if status.bars else 0,
            "quarantined": status.versions_in(VersionState.QUARANTINED),
            "failed": status.versions_in(VersionState.FAILED),
            "corrected": corrected,
            "scanned": status.versions_in(VersionState.SCANNED),
            "work": work,
            "now": now,
            "no_worker": _lacks_worker(work, now),
        }

        def line() -> SafeString:
            return render_to_string("pages/readiness.html", context, self.request)

        is_same_for_all = not (work or corrected or self.request.user.is_staff)
        key = (self.market.name, get_language())
        html = STATUS_LINES.get(key, (*self.state, minute), line) if is_same_for_all else line()
        is_demo = status.readiness.state == ReadinessState.DEMO
        name, state = self.market.name, (*self.state, minute, id(settings.SOURCES))
        hours = None if is_demo else QUOTED_HOURS.get(name, state, lambda: quoted_hours(name, as_of=now))
        is_stale = not is_demo and status.readiness.record.behind > 0
        return {"status_html": html, "is_stale": is_stale, "work": work, "quoted_hours": hours}


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

    def tags(self, content: Content) -> Mapping[str, SafeString]:
        """By code."""
        self.work, tags = work_and_tags(self.request.user, self.market.name, content.codes, content.day)
        return {code: tag_html(tag) for code, tag in tags.items()}


def tag_html(tag: str) -> SafeString:
    """A tag beside a name; "" without one."""
    return (
        format_html('<span class="tag {}">{}</span>', tag, glossary.word(glossary.TAGS, tag)) if tag else SafeString()
    )
