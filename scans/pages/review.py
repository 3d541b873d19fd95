"""Review: the picks of a session one by one, with chart, reasons, tag and note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from marketdata.errors import DataProblem
from marketdata.queries.history import get_history, get_instrument_table
from scans.engines.base import Check
from scans.models import ScanRank
from scans.operations.analysis.explain import explain_instrument
from scans.operations.scan.reproduce import NoSuchRun
from scans.pages.account import chosen_versions
from scans.pages.base import MarketPage
from scans.pages.candlesticks import candlestick_chart
from scans.pages.marks import mark_form
from scans.pages.rows import order_plan
from scans.queries import marks, results
from scans.queries.review import ReviewPick, latest_day, neighbouring_days, review_queue

BARS = 60
"""Sessions of the chart."""


class LatestReview(MarketPage):
    """`/{market}/review`: a redirect to the review of the latest published session; without one, to the evening."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        day = latest_day(self.market.name)
        if day is None:
            return redirect("pages:latest", self.market.name)
        return redirect("pages:review", self.market.name, day)


class Review(MarketPage):
    """`/{market}/{day}/review?code=`: by default the first unseen pick."""

    template_name = "pages/review.html"
    section = "review"

    @cached_property
    def queue(self) -> list[ReviewPick]:
        return review_queue(self.request.user, self.market.name, self.kwargs["day"], chosen_versions(self.request))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        day: date = self.kwargs["day"]
        days = neighbouring_days(self.market.name, day)
        if days["day"] is None:
            raise Http404(f"Nothing is published for {day}.")
        context |= {**days, "queue": self.queue, "seen": sum(pick.seen_at is not None for pick in self.queue)}
        if not self.queue:
            return context
        place = self.place(self.request.GET.get("code"))
        pick = self.queue[place]
        return context | {
            "pick": pick,
            "place": place + 1,
            "onward": self.address(place + 1),
            "backward": self.address(place - 1),
            **self.pick_context(pick, place),
        }

    def place(self, code: str | None) -> int:
        """The place of the requested instrument in the queue, 0 where none is requested; 404 where it is not in it."""
        if not code:
            return 0
        places = [place for place, pick in enumerate(self.queue) if pick.rank.code == code]
        if not places:
            raise Http404(f"No version picked {code!r} on {self.kwargs['day']}.")
        return places[0]

    def address(self, place: int) -> str:
        """The address of a pick of the queue, which is a ring."""
        page = reverse("pages:review", args=[self.market.name, self.kwargs["day"]])
        return f"{page}?code={self.queue[place % len(self.queue)].rank.code}"

    def pick_context(self, pick: ReviewPick, place: int) -> dict[str, Any]:
        """Chart, plan, reasons and mark of one pick."""
        rank, user = pick.rank, self.request.user
        table = get_instrument_table(self.market.name, tuple(sorted(self.generations.items())))
        series = get_history(table, rank.code)
        order = order_plan(rank)
        picks = list(results.instrument_picks(self.market.name, rank.code)[:BARS])
        unseen = [after for after in self._after(place) if not after.seen_at]
        onward = self.address(self.queue.index(unseen[0]) if unseen else place + 1)
        own = marks.instrument_marks(user, self.market.name, rank.code)
        return {
            "order": order,
            "chart": candlestick_chart(series, BARS, order, picks) if series else None,
            "checks": self.checks(rank),
            "mark_form": mark_form(rank.code, rank.date, own, onward) if user.is_authenticated else None,
        }

    def _after(self, place: int) -> Sequence[ReviewPick]:
        return [*self.queue[place + 1 :], *self.queue[:place]]

    def checks(self, rank: ScanRank) -> dict[str, Any] | None:
        """The checks of the leading version's pick: those that count points, that failed, and that passed; None where
        the record cannot answer."""
        try:
            explanation = explain_instrument(
                market=self.market.name,
                version=rank.scanner_version,
                code=rank.code,
                day=rank.date,
                as_of=timezone.now(),
            )
        except (DataProblem, NoSuchRun):
            return None
        checks = explanation.checks.checks
        counted = [check for check in checks if check.points and (check.group != "risk" or check.holds)]
        others = [check for check in checks if check not in counted]
        return {
            "points": [(_points(check), check) for check in counted],
            "failed": [check for check in others if not _passes(check)],
            "passed": [check for check in others if _passes(check)],
        }


def _passes(check: Check) -> bool:
    """Whether it speaks for the pick: a condition that holds, a risk that does not."""
    return check.holds != (check.group == "risk")


def _points(check: Check) -> float:
    """The points that it adds; those of a risk are taken off."""
    if not check.holds:
        return 0.0
    return -check.points if check.group == "risk" else check.points
