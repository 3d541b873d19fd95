"""One stock: its chart, the plan of the pick, its picks and their outcomes."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from marketdata.queries import instrument_search, instruments
from marketdata.queries.history import get_history, get_instrument_table
from scans.models import ScanRank, Signal
from scans.pages.base import MarketPage
from scans.pages.candlesticks import candlestick_chart
from scans.pages.marks import mark_form
from scans.pages.rows import order_plan
from scans.queries import marks, results

BARS = 120
"""Sessions of the chart."""
PICKS = 50
SUGGESTED = 30


class Stock(MarketPage):
    """`/{market}/s/{code}?scanner_version=&date=`: with them, the plan of that version's pick of that session."""

    template_name = "pages/stock.html"
    section = "stock"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        code = self.kwargs["code"]
        instrument = instruments.get_instrument(self.market.name, code)
        if instrument is None:
            raise Http404(f"Market {self.market.name} has no instrument {code!r}.")
        picks = list(results.instrument_picks(self.market.name, code)[:PICKS])
        outcomes = {signal.rank_id: signal for signal in Signal.objects.filter(rank__in=[p.pk for p in picks])}
        chosen = self.chosen(picks)
        table = get_instrument_table(self.market.name, tuple(sorted(self.generations.items())))
        series = get_history(table, code)
        order = order_plan(chosen) if chosen else None
        own = marks.instrument_marks(self.request.user, self.market.name, code)
        steps = _steps(chosen) if chosen else {}
        form = mark_form(code, chosen.date if chosen else None, own, steps.get("onward", ""))
        return context | {
            **steps,
            "mark_form": form if self.request.user.is_authenticated else None,
            "tags": {mark.date: mark.tag for mark in own},
            "instrument": instrument,
            "picks": [(pick, outcomes.get(pick.pk)) for pick in picks],
            "chosen": chosen,
            "order": order,
            "chart": candlestick_chart(series, BARS, order, picks) if series else None,
        }

    def chosen(self, picks: list[ScanRank]) -> ScanRank | None:
        """The pick of ?scanner_version= and ?date=; else the latest one."""
        version, day = self.request.GET.get("scanner_version"), self.request.GET.get("date")
        fitting = [
            pick
            for pick in picks
            if (not version or pick.scanner_version.slug == version) and (not day or pick.date.isoformat() == day)
        ]
        return fitting[0] if fitting else None


def _steps(chosen: ScanRank) -> dict[str, Any]:
    """The place of a pick in its version's list, with the addresses of the picks before and after it."""
    codes = list(ScanRank.objects.filter(session=chosen.session_id).order_by("rank").values_list("code", flat=True))
    place = codes.index(chosen.code)

    def address(code: str) -> str:
        page = reverse("pages:stock", args=[chosen.market, code])
        return f"{page}?scanner_version={chosen.scanner_version.slug}&date={chosen.date}"

    return {
        "place": f"{place + 1}/{len(codes)}",
        "backward": address(codes[place - 1]) if place else "",
        "onward": address(codes[place + 1]) if place + 1 < len(codes) else "",
    }


class Search(MarketPage):
    """`/{market}/search?q=`: a redirect to the stock where only one fits, else the list of those that fit."""

    template_name = "pages/search.html"
    section = "search"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:60]
        query = instrument_search.search_instruments(instruments.get_instruments(self.market.name), text)
        rows = list(query.order_by("code")[: SUGGESTED + 1]) if text else []
        exact = [row for row in rows if text in (row.code, row.name)]
        if len(rows) == 1 or len(exact) == 1:
            code = (exact or rows)[0].code
            return redirect("pages:stock", market=self.market.name, code=code)
        context = self.get_context_data(text=text, rows=rows[:SUGGESTED], more=len(rows) > SUGGESTED)
        return self.render_to_response(context)
