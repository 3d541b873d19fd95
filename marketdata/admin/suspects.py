"""Suspected corporate actions and errors: for each an operator supplies the event, or accepts that the move was a real
one. Many are decided at once; a reason is kept with each decision and in the log of the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from marketdata.breaks import format_ratio
from marketdata.errors import DataProblem, LakeError
from marketdata.markets import UnknownMarket, get_market
from marketdata.models import FactorEvent
from marketdata.operations.projection import project
from marketdata.operations.record import factor_events
from marketdata.queries import instruments
from marketdata.queries.instruments import get_names
from marketdata.queries.records import get_record
from marketdata.queries.suspicions import Suspicion, get_suspicions
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import Admin

SOURCE = "admin"
AT_A_TIME = 50
ORDERS: dict[str, Callable[[Suspicion], Any]] = {
    "session": lambda one: (one.session, one.code),
    "turnover": lambda one: one.turnover,
    "move": lambda one: abs(one.move),
}
"""What the list is sorted by, the largest first."""


class Decision(forms.Form):
    """What is decided of one suspected action."""

    market = forms.CharField(max_length=12)
    code = forms.CharField(max_length=24)
    day = forms.DateField()
    ratio = forms.FloatField(min_value=0, required=False)
    reason = forms.CharField(max_length=200, required=False)


class EventDraft(NamedTuple):
    """An event to be recorded."""

    code: str
    day: date
    ratio: float


class SuspectsPage(Admin):
    """The page, under the factor events that it makes."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.suspected)
        return [path("suspected/", view, name="suspected_actions"), *super().get_urls()]

    def suspected(self, request: HttpRequest) -> HttpResponse:
        """The suspected actions of a market; a POST decides one, or those that are ticked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            actions.require_permission(request, "marketdata.add_factorevent")
            return self._decide_ticked(request) if "many" in request.POST else self._decide(request)
        market = request.GET.get("market", "kr")
        order = request.GET.get("order", "session")
        found, problem = _suspicions(market)
        found = sorted(found, key=ORDERS.get(order, ORDERS["session"]), reverse=True)
        page = Paginator(found, AT_A_TIME).get_page(request.GET.get("p"))
        names = get_names(market, [one.code for one in page])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Suspected corporate actions of market {market}",
            "market": market,
            "markets": instruments.get_market_names(),
            "order": order if order in ORDERS else "session",
            "orders": list(ORDERS),
            "page": page,
            "problem": problem,
            "rows": [
                {
                    "one": one,
                    "name": names.get(one.code, ""),
                    "split": f"{one.split:.6g} is {format_ratio(one.split)}" if one.split else "",
                }
                for one in page
            ],
            "may_decide": self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/marketdata/suspected.html", context)

    def _decide(self, request: HttpRequest) -> HttpResponse:
        form = Decision(request.POST)
        where = request.get_full_path()
        if not form.is_valid():
            told = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
            messages.error(request, f"Nothing was recorded: {told}")
            return HttpResponseRedirect(where)
        given = form.cleaned_data
        ratio = factor_events.REAL_MOVE if "accept" in request.POST else given["ratio"]
        if ratio is None:
            messages.error(request, "Nothing was recorded: ratio: This field is required.")
            return HttpResponseRedirect(where)
        try:
            self.supply(request, given["market"], given["code"], given["day"], ratio, given["reason"])
        except (factor_events.EventRefused, UnknownMarket) as error:
            messages.error(request, str(error))
        else:
            told = (
                f"The move of {given['code']} on {given['day']} counts as a real one."
                if ratio == factor_events.REAL_MOVE
                else f"The event of {given['code']} on {given['day']} is recorded with a ratio of {ratio:g}."
            )
            made = FactorEvent.objects.filter(market=given["market"], stock_code=given["code"], date=given["day"])
            actions.log_action(request, made, _with_reason(told, given["reason"]))
        return HttpResponseRedirect(where)

    def _decide_ticked(self, request: HttpRequest) -> HttpResponse:
        """Accept all that are ticked as real moves, or record the split that is suggested for each."""
        where, market = request.get_full_path(), request.POST.get("market", "")
        reason = request.POST.get("reason", "").strip()[:200]
        found, problem = _suspicions(market)
        ticked = set(request.POST.getlist("ticked"))
        chosen = [one for one in found if f"{one.session} {one.code}" in ticked]
        if problem or not chosen:
            messages.error(request, problem or "Nothing was recorded: tick the moves first.")
            return HttpResponseRedirect(where)
        events, left = _events(chosen, as_splits=request.POST["many"] == "split")
        made: list[FactorEvent] = []
        refused: list[str] = []
        for event in events:
            try:
                factor_events.record_decision(
                    market=market,
                    code=event.code,
                    day=event.day,
                    ratio=event.ratio,
                    source=SOURCE,
                    at=timezone.now(),
                    reason=reason,
                )
            except factor_events.EventRefused as error:
                refused.append(str(error))
                continue
            made += FactorEvent.objects.filter(market=market, stock_code=event.code, date=event.day)
        self._project(request, market)
        if made:
            what = "splits" if request.POST["many"] == "split" else "real moves"
            actions.log_action(request, made, _with_reason(f"{len(made)} moves are {what}.", reason))
        if left:
            refused.append(f"{left} of them have no simple split near: decide them one by one.")
        for told in refused:
            messages.error(request, told)
        return HttpResponseRedirect(where)

    def supply(
        self,
        request: HttpRequest,
        market: str,
        code: str,
        day: date,
        ratio: float,
        reason: str = "",
    ) -> None:
        """Record the event and bring the lake up to date, so that the next look shows what is still open."""
        factor_events.record_decision(
            market=market,
            code=code,
            day=day,
            ratio=ratio,
            source=SOURCE,
            at=timezone.now(),
            reason=reason,
        )
        self._project(request, market)

    def _project(self, request: HttpRequest, market: str) -> None:
        try:
            project.project_bars(market)
        except DataProblem as error:
            messages.warning(request, f"The event is recorded, but the lake is behind: {error}")


def _suspicions(market: str) -> tuple[Sequence[Suspicion], str]:
    """What is suspected, or why it is not known."""
    try:
        get_market(market)
        return get_suspicions(get_record(market)), ""
    except (LakeError, UnknownMarket) as error:
        return [], str(error)


def _events(chosen: Iterable[Suspicion], *, as_splits: bool) -> tuple[list[EventDraft], int]:
    """The events that say what is decided of `chosen`, and of how many nothing can be said."""
    events, left = [], 0
    for one in chosen:
        ratio = one.split if as_splits else factor_events.REAL_MOVE
        if ratio is None:
            left += 1
        else:
            events.append(EventDraft(one.code, date.fromisoformat(one.session), ratio))
    return events, left


def _with_reason(told: str, reason: str) -> str:
    return f"{told} {reason}".strip()
