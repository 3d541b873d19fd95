"""Suspected corporate actions and errors: an operator supplies the event, or accepts the move as real, for one or for
many at once. A reason is recorded with each decision and in the log of the admin."""

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
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

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
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import Admin

SOURCE = "admin"
AT_A_TIME = 50
ORDERS: dict[str, Callable[[Suspicion], Any]] = {
    "session": lambda suspicion: (suspicion.session, suspicion.code),
    "turnover": lambda suspicion: suspicion.turnover,
    "move": lambda suspicion: abs(suspicion.move),
}
"""The orders of the list, the largest first."""


class Decision(forms.Form):
    """The form of a decision about one suspected action."""

    market = forms.CharField(max_length=12)
    code = forms.CharField(max_length=24)
    day = forms.DateField()
    ratio = forms.FloatField(min_value=0, required=False)
    reason = forms.CharField(max_length=200, required=False)


class EventDraft(NamedTuple):
    """An event before it is recorded."""

    code: str
    day: date
    ratio: float


class SuspectsPage(Admin):
    """The page of suspected actions, below the factor events."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.suspected)
        return [path("suspected/", view, name="suspected_actions"), *super().get_urls()]

    def suspected(self, request: HttpRequest) -> HttpResponse:
        """The suspected actions of a market; a POST decides one, or the ticked ones."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            actions.require_permission(request, "marketdata.add_factorevent")
            return self._decide_ticked(request) if "many" in request.POST else self._decide(request)
        market = request.GET.get("market", "kr")
        order = request.GET.get("order", "session")
        suspicions, problem = _suspicions(market)
        suspicions = sorted(suspicions, key=ORDERS.get(order, ORDERS["session"]), reverse=True)
        page = Paginator(suspicions, AT_A_TIME).get_page(request.GET.get("p"))
        names = get_names(market, [suspicion.code for suspicion in page])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Suspected corporate actions of market %(market)s") % {"market": market},
            "market": market,
            "markets": instruments.get_market_names(),
            "order": order if order in ORDERS else "session",
            "orders": {"session": _("session"), "turnover": _("turnover"), "move": _("move")},
            "page": page,
            "problem": problem,
            "rows": [
                {
                    "suspicion": suspicion,
                    "name": names.get(suspicion.code, ""),
                    "split": f"{suspicion.split:.6g} = {format_ratio(suspicion.split)}" if suspicion.split else "",
                }
                for suspicion in page
            ],
            "may_decide": self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/marketdata/suspected.html", context)

    def _decide(self, request: HttpRequest) -> HttpResponse:
        form = Decision(request.POST)
        where = request.get_full_path()
        if not form.is_valid():
            problems = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
            messages.error(request, _("Nothing was recorded: %(problem)s") % {"problem": problems})
            return HttpResponseRedirect(where)
        data = form.cleaned_data
        ratio = factor_events.REAL_MOVE if "accept" in request.POST else data["ratio"]
        if ratio is None:
            problem = _("ratio: This field is required.")
            messages.error(request, _("Nothing was recorded: %(problem)s") % {"problem": problem})
            return HttpResponseRedirect(where)
        try:
            self.supply(request, data["market"], data["code"], data["day"], ratio, data["reason"])
        except (factor_events.EventRefused, UnknownMarket) as error:
            messages.error(request, failure_reason(str(error)))
        else:
            sentence = (
                _("The move of %(code)s on %(day)s counts as real.")
                if ratio == factor_events.REAL_MOVE
                else _("The event of %(code)s on %(day)s is recorded with a ratio of %(ratio)s.")
            ) % {"code": data["code"], "day": data["day"], "ratio": f"{ratio:g}"}
            events = FactorEvent.objects.filter(market=data["market"], stock_code=data["code"], date=data["day"])
            actions.log_action(request, events, _with_reason(sentence, data["reason"]))
        return HttpResponseRedirect(where)

    def _decide_ticked(self, request: HttpRequest) -> HttpResponse:
        """Accept the ticked moves as real, or record the split that is suggested for each."""
        where, market = request.get_full_path(), request.POST.get("market", "")
        reason = request.POST.get("reason", "").strip()[:200]
        suspicions, problem = _suspicions(market)
        ticked = set(request.POST.getlist("ticked"))
        chosen = [suspicion for suspicion in suspicions if f"{suspicion.session} {suspicion.code}" in ticked]
        if problem or not chosen:
            messages.error(request, problem or gettext("Nothing was recorded: tick the moves first."))
            return HttpResponseRedirect(where)
        events, left = _events(chosen, as_splits=request.POST["many"] == "split")
        recorded: list[FactorEvent] = []
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
                refused.append(failure_reason(str(error)))
                continue
            recorded += FactorEvent.objects.filter(market=market, stock_code=event.code, date=event.day)
        self._project(request, market)
        if recorded:
            count = len(recorded)
            sentence = (
                ngettext("%(count)s split recorded.", "%(count)s splits recorded.", count)
                if request.POST["many"] == "split"
                else ngettext("%(count)s move accepted as real.", "%(count)s moves accepted as real.", count)
            ) % {"count": count}
            actions.log_action(request, recorded, _with_reason(sentence, reason))
        if left:
            sentence = ngettext(
                "%(count)s move without a simple split nearby: decide one by one.",
                "%(count)s moves without a simple split nearby: decide one by one.",
                left,
            )
            refused.append(sentence % {"count": left})
        for sentence in refused:
            messages.error(request, sentence)
        return HttpResponseRedirect(where)

    def supply(self, request: HttpRequest, market: str, code: str, day: date, ratio: float, reason: str = "") -> None:
        """Record the event and bring the lake up to date, so that the page shows what is still undecided."""
        factor_events.record_decision(
            market=market, code=code, day=day, ratio=ratio, source=SOURCE, at=timezone.now(), reason=reason
        )
        self._project(request, market)

    def _project(self, request: HttpRequest, market: str) -> None:
        try:
            project.project_bars(market)
        except DataProblem as error:
            messages.warning(
                request,
                _("The event is recorded, but the lake is behind: %(error)s") % {"error": failure_reason(str(error))},
            )


def _suspicions(market: str) -> tuple[Sequence[Suspicion], str]:
    """The suspicions of a market, or why they cannot be read."""
    try:
        get_market(market)
        return get_suspicions(get_record(market)), ""
    except (LakeError, UnknownMarket) as error:
        return [], failure_reason(str(error))


def _events(chosen: Iterable[Suspicion], *, as_splits: bool) -> tuple[list[EventDraft], int]:
    """The events of a decision about `chosen`, and the number of suspicions without a suggested split."""
    events, left = [], 0
    for suspicion in chosen:
        ratio = suspicion.split if as_splits else factor_events.REAL_MOVE
        if ratio is None:
            left += 1
        else:
            events.append(EventDraft(suspicion.code, date.fromisoformat(suspicion.session), ratio))
    return events, left


def _with_reason(sentence: str, reason: str) -> str:
    return f"{sentence} {reason}".strip()
