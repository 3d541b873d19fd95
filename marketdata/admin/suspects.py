"""Suspected corporate actions: for each an operator supplies the event, or accepts that the move was a real one."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from marketdata import catalogue, coverage, queries
from marketdata.admin import acting
from marketdata.admin.listing import Admin
from marketdata.errors import DataProblem, LakeError
from marketdata.markets import UnknownMarket
from marketdata.markets import market as market_named
from marketdata.models import FactorEvent
from marketdata.number_format import format_number
from marketdata.operations import factor_events, project

SOURCE = "admin"
AT_A_TIME = 50


class Decision(forms.Form):
    """What is decided of one suspected action."""

    market = forms.CharField(max_length=12)
    code = forms.CharField(max_length=24)
    day = forms.DateField()
    ratio = forms.FloatField(min_value=0)


class Suspects(Admin):
    """The page, under the factor events that it makes."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.suspected)
        return [path("suspected/", view, name="suspected_actions"), *super().get_urls()]

    def suspected(self, request: HttpRequest) -> HttpResponse:
        """The suspected actions of a market, the newest first; a POST decides one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._decide(request)
        market = request.GET.get("market", "kr")
        try:
            market_named(market)
            found = coverage.suspects(queries.record(market))
            problem = ""
        except (LakeError, UnknownMarket) as error:
            found, problem = [], str(error)
        page = Paginator(found, AT_A_TIME).get_page(request.GET.get("p"))
        names = queries.names(market, [code for _, code, _, _ in page])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Suspected corporate actions of market {market}",
            "market": market,
            "markets": [name for name in catalogue.market_names() if _has_limit(name)],
            "page": page,
            "problem": problem,
            "rows": [
                {
                    "day": day,
                    "code": code,
                    "name": names.get(code, ""),
                    "before": before,
                    "close": close,
                    "ratio": round(close / before, 6),
                    "move": 100 * (close / before - 1),
                }
                for day, code, before, close in page
            ],
            "may_decide": self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/marketdata/suspected.html", context)

    def _decide(self, request: HttpRequest) -> HttpResponse:
        acting.require(request, "marketdata.add_factorevent")
        form = Decision(request.POST)
        where = request.get_full_path()
        if not form.is_valid():
            told = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
            messages.error(request, f"Nothing was recorded: {told}")
            return HttpResponseRedirect(where)
        given = form.cleaned_data
        ratio = factor_events.REAL_MOVE if "accept" in request.POST else given["ratio"]
        try:
            self.supply(request, given["market"], given["code"], given["day"], ratio)
        except (factor_events.EventRefused, UnknownMarket) as error:
            messages.error(request, str(error))
        else:
            told = (
                f"The move of {given['code']} on {given['day']} counts as a real one."
                if ratio == factor_events.REAL_MOVE
                else f"The event of {given['code']} on {given['day']} is recorded with a ratio of "
                f"{format_number(ratio)}."
            )
            made = FactorEvent.objects.filter(
                market=given["market"], stock_code=given["code"], date=given["day"]
            )
            acting.done(request, made, told)
        return HttpResponseRedirect(where)

    def supply(self, request: HttpRequest, market: str, code: str, day: date, ratio: float) -> None:
        """Record the event and bring the lake up to date, so that the next look shows what is still open."""
        factor_events.supply(
            market=market, code=code, day=day, ratio=ratio, source=SOURCE, at=timezone.now()
        )
        try:
            project.project(market)
        except DataProblem as error:
            messages.warning(request, f"The event is recorded, but the lake is behind: {error}")

    def suspected_address(self) -> str:
        return reverse("admin:suspected_actions")


def _has_limit(name: str) -> bool:
    return market_named(name).suspect_move is not None
