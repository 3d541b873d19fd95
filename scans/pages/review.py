"""Review: the picks of a session one by one, with chart, reasons, tag and note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from caching.cached import cached
from marketdata.pages.kept import RenderedOncePage
from marketdata.queries.history import HistoryQueries
from scans.models import Mark
from scans.pages.account import chosen_versions
from scans.pages.base import MarketPage
from scans.pages.candlesticks import candlestick_chart
from scans.pages.marks import mark_form, mark_values
from scans.pages.order_plan import order_plan
from scans.queries import results
from scans.queries.market_status import work_and_marks
from scans.queries.review import ReviewPick, SessionPick, SessionPicks, latest_day, review_queue, session_picks

BARS = 60
"""Sessions of the chart."""


class LatestReview(MarketPage):
    """`/{market}/review`: a redirect to the review of the latest published session; without one, to the evening."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        day = latest_day(self.market.name)
        if day is None:
            return redirect("pages:latest", self.market.name)
        return redirect("pages:review", self.market.name, day)


class Review(MarketPage, RenderedOncePage):
    """`/{market}/{day}/review?code=`: by default the first unseen pick."""

    template_name = "pages/review.html"
    section = "review"

    @cached_property
    def queue(self) -> list[ReviewPick]:
        own = {mark.code: mark for mark in self.own_marks if mark.date == self.kwargs["day"]}
        return review_queue(self.session.picks, own)

    @cached_property
    def own_marks(self) -> list[Mark]:
        """The reader's marks of the instruments of the session, and of other sessions too."""
        codes = [pick.code for pick in self.session.picks]
        self.work, own = work_and_marks(self.request.user, self.market.name, codes)
        return own

    @cached_property
    def session(self) -> SessionPicks:
        """The picks of the session; 404 where nothing is published for it."""
        session = _kept_session(self)
        if session is None:
            raise Http404(f"Nothing is published for {self.kwargs['day']}.")
        return session

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        session, queue = self.session, self.queue
        place = self.place(self.request.GET.get("code")) if queue else 0
        figures = SafeString(_kept_figures(self, queue[place].pick)) if queue else None
        context = super().get_context_data(**kwargs) | {
            "day": self.kwargs["day"],
            "session": session,
            "queue": queue,
            "seen": sum(row.seen_at is not None for row in queue),
        }
        if not queue:
            return context
        pick, user = queue[place].pick, self.request.user
        unseen = [after for after in self._after(place) if not self.queue[after].seen_at]
        onward = self.address(unseen[0] if unseen else place + 1)
        own = [mark for mark in self.own_marks if mark.code == pick.code]
        return context | {
            "current": queue[place],
            "place": place + 1,
            "onward": self.address(place + 1),
            "backward": self.address(place - 1),
            "query": f"?scanner_version={pick.places[0][0]}&date={self.kwargs['day']}",
            "figures": figures,
            "mark_form": mark_form(pick.code, self.kwargs["day"], own, onward) if user.is_authenticated else None,
        }

    def page_state(self, context: Mapping[str, Any]) -> Any:
        """The queue and the form are made of the session and the reader's marks."""
        plain = {name: value for name, value in context.items() if name not in ("queue", "current", "mark_form")}
        return super().page_state(plain), mark_values(self.own_marks)

    def place(self, code: str | None) -> int:
        """The place of the requested instrument in the queue, 0 where none is requested; 404 where it is not in it."""
        if not code:
            return 0
        places = [place for place, row in enumerate(self.queue) if row.pick.code == code]
        if not places:
            raise Http404(f"No version picked {code!r} on {self.kwargs['day']}.")
        return places[0]

    def address(self, place: int) -> str:
        """The address of a pick of the queue, which is a ring."""
        page = reverse("pages:review", args=[self.market.name, self.kwargs["day"]])
        return f"{page}?code={self.queue[place % len(self.queue)].pick.code}"

    def _after(self, place: int) -> Sequence[int]:
        return [*range(place + 1, len(self.queue)), *range(place)]


def _session_identity(page: Review) -> Sequence[Any]:
    return settings.VERSION, page.market.name, page.kwargs["day"], chosen_versions(page.request), page.state


@cached("page", what="review", by=_session_identity, holds=(SessionPicks, SessionPick))
def _kept_session(page: Review) -> SessionPicks | None:
    chosen = chosen_versions(page.request)
    return session_picks(page.market.name, page.kwargs["day"], chosen, evaluate=page.evaluate)


def _figures_identity(page: Review, pick: SessionPick) -> Sequence[Any]:
    return *_session_identity(page), pick.code, get_language()


@cached("page", what="review-figures", by=_figures_identity)
def _kept_figures(page: Review, pick: SessionPick) -> str:
    """The HTML of a pick's plan and chart, the same for every reader."""
    market, day = page.market, page.kwargs["day"]
    version, _ = pick.places[0]
    of_instrument = results.instrument_picks(market.name, pick.code)
    picks, ranks = of_instrument[:BARS], of_instrument.filter(date=day, scanner_version__slug=version)[:1]
    history = HistoryQueries.of(market.name, pick.code)
    page.evaluate(picks, ranks, *history.query_sets)
    rank = next(iter(ranks), None)
    if rank is None:
        raise Http404(f"Version {version} no longer has {pick.code} on {day}.")
    order = order_plan(rank)
    series = history.history()
    context = {
        "market": market,
        "places": pick.places,
        "rank": rank,
        "order": order,
        "chart": candlestick_chart(series, BARS, order, list(picks)) if series else None,
    }
    return render_to_string("pages/review_figures.html", context)
