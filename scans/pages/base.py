"""Base classes of the pages: the reader, the market of the address, the links of the header, content that is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.mixins import AccessMixin
from django.contrib.messages import get_messages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.generic import TemplateView

from caching.cached import cached
from caching.memo import Memo
from marketdata.markets import Market, get_market
from marketdata.nearest_name import did_you_mean
from marketdata.operations import task_queue
from marketdata.queries import instruments
from marketdata.queries.readiness import ReadinessState
from scans.queries import marks, versions
from scans.queries.market_status import Work, current_work, market_status
from scans.queries.readiness import VersionState
from scans.wording import glossary
from scans.wording.glossary import MARKET_NAMES

TAG = re.compile(r"<!--tag ([^ >]+)-->")
"""Where the content of a page has the reader's tag of an instrument."""
PART = re.compile(r"<!--part (\w+)-->")
"""Where a frame has a part of the page."""


STATUS_LINES: Memo[SafeString] = Memo()
"""(market, language) -> the line of a reader without rights, where nothing runs."""

FRAMES: Memo[str] = Memo(256)
"""What a reader's frame depends on -> the page with places for its parts."""
PARTS = ("html", "status_html", "csrf_token")
"""The parts of a page that its frame has places for."""
OF_ALL = frozenset((*PARTS, "view", "content", "market_names"))
"""What of the context of a frame is no part of its key by itself."""


class Page(AccessMixin, TemplateView):
    """A page for readers who are logged in; for everybody with SEISMO_ANONYMOUS_READS."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not settings.ANONYMOUS_READS:
            return self.handle_no_permission()
        texts = (str(part) for part in (*kwargs.values(), *request.GET.values()))
        if any("\x00" in text for text in texts):  # PostgreSQL takes no such text
            raise Http404("No name holds a null character.")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["language"] = get_language() or "en"
        context["market_names"] = MARKET_NAMES
        return context


class MarketPage(Page):
    """A page below /{market}/; 404 for an unknown market."""

    section = ""

    @cached_property
    def generations(self) -> Mapping[str, datetime]:
        """The times of the last changes of each market's data and of the versions. Read before anything else."""
        return instruments.get_generations()

    @cached_property
    def markets(self) -> list[str]:
        """The markets of the header's menu: the four built in, then imported ones."""
        return instruments.list_markets(self.generations)

    @cached_property
    def market(self) -> Market:
        name = self.kwargs["market"]
        if name not in self.markets:
            raise Http404(f"There is no market {name!r} here.{did_you_mean(name, self.markets)}")
        return get_market(name)

    @property
    def state(self) -> list[datetime | None]:
        """Changes with everything that the page shows of the market."""
        return [self.generations.get(versions.GENERATION), self.generations.get(self.market.name)]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {
            "market": self.market,
            "markets": self.markets,
            "section": self.section,
            **self.status_context(),
        }

    def status_context(self) -> dict[str, Any]:
        """The line above the page, and whether the record is behind: then plans are struck."""
        now, work = timezone.now(), current_work(self.market.name)
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
        is_stale = status.readiness.state != ReadinessState.DEMO and status.readiness.record.behind > 0
        return {"status_html": html, "is_stale": is_stale, "work": work}


def _lacks_worker(work: Sequence[Work], now: datetime) -> bool:
    """Whether a request waits and no task worker is running."""
    if not any(one.is_waiting for one in work):
        return False
    try:
        return task_queue.queue_state(now).workers == 0
    except (task_queue.QueueUnavailable, DatabaseError):
        return False


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a page, the same for every reader: its title and HTML. `day`: the session that it is of, with the
    ones before and after that have a page; `codes`: the instruments whose tags of the reader are filled in; `frame`:
    plain data for the page around it."""

    title: str
    html: str
    day: date | None = None
    previous: date | None = None
    next: date | None = None
    codes: list[str] = field(default_factory=list)
    frame: dict[str, Any] = field(default_factory=dict)


class KeptPage(MarketPage):
    """A page whose content is kept until the data that it depends on changes. A subclass defines `content`; its
    template knows neither the request nor the reader. `parameters`: those of the query that the content depends on;
    `variant`: what of the reader's settings it depends on."""

    template_name = "pages/kept.html"
    parameters: ClassVar[Sequence[str]] = ()
    variant: Sequence[str] = ()

    def content(self) -> Content:
        """The content, computed."""
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        content = kept_content(self)
        context = super().get_context_data(**kwargs)
        tags = self.tags(content)
        html = mark_safe(TAG.sub(lambda match: _tag(tags.get(match[1], "")), content.html))  # noqa: S308 - a template's
        return context | {"content": content, "html": html}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page; its frame is rendered once for each reader, address and state of the market."""
        request, content = self.request, context["content"]
        if len(get_messages(request)):
            return super().render_to_response(context, **kwargs)
        user = request.user
        key = (
            request.get_full_path(),
            {name: request.COOKIES.get(name) for name in ("seismo_theme", "seismo_density")},
            (user.pk, user.get_username(), user.is_staff),
            (content.title, content.day, content.previous, content.next, content.frame),
            {name: value for name, value in context.items() if name not in OF_ALL},
        )
        places = {name: mark_safe(f"<!--part {name}-->") for name in PARTS}  # noqa: S308 - a constant
        frame = FRAMES.get(
            repr(key), None, lambda: render_to_string(self.template_name, {**context, **places}, request)
        )
        parts = {**context, "csrf_token": get_token(request)}
        return HttpResponse(PART.sub(lambda match: str(parts[match[1]]), frame))

    def tags(self, content: Content) -> Mapping[str, str]:
        """The reader's tags by the names of their places in the content: codes."""
        return marks.tags(self.request.user, self.market.name, content.codes, content.day) if content.codes else {}

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """The HTML of a template of the content."""
        return render_to_string(template, {"market": self.market, **context})


def _identity(page: KeptPage) -> Sequence[Any]:
    query = [page.request.GET.get(name, "")[:100] for name in page.parameters]
    return (settings.VERSION, page.request.path, query, get_language(), page.variant, page.state)


@cached("page", what="html", by=_identity, holds=(Content,))
def kept_content(page: KeptPage) -> Content:
    """The content of a page, computed where it is not kept."""
    return page.content()


def _tag(tag: str) -> SafeString:
    """A tag beside a name; "" without one."""
    return (
        format_html('<span class="tag {}">{}</span>', tag, glossary.word(glossary.TAGS, tag)) if tag else SafeString()
    )
