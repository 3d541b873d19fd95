"""One stock: its chart, the plan of the pick, why it was picked, its picks and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from caching.cached import leave_unstored
from caching.reads import READS
from marketdata.errors import DataProblem
from marketdata.joint_queries import Parameter, reuse_queries
from marketdata.pages.kept import Content, kept_content
from marketdata.queries import instrument_search, instruments
from marketdata.queries.history import HistoryQueries
from scans.models import Mark, ScanRank, ScanSession
from scans.operations.analysis.analyse import such_rates
from scans.operations.analysis.explain import explain_instrument
from scans.operations.evaluation.base_rates import MIN_JUDGED
from scans.operations.scan.reproduce import NoSuchRun
from scans.pages.base import KeptPage, tag_html
from scans.pages.candlesticks import candlestick_chart
from scans.pages.check_rows import check_parts
from scans.pages.marks import mark_form, mark_values
from scans.pages.order_plan import order_plan
from scans.pages.parts import PartPage
from scans.queries import results, versions
from scans.queries.market_status import work_and_marks
from scans.queries.results import NoSession
from scans.queries.run_timing import count_computed_afterwards

BARS = 120
"""Sessions of the chart that the server draws."""
PICKS = 50
LISTED, SUGGESTED = 30, 8
CHART_SCRIPT = "lightweight-charts.js"
LIST_PLACES = (-1, -2, date(1, 1, 1))
"""Placeholders for a version, a session and its day."""
LANGUAGES_READ = "languages"
"""The scope of `READS` that counts in which languages stocks are read."""
MARK = "<!--mark-->"
"""The place of the form of the reader's mark in the content."""


class PickQueries(instruments.InstrumentQueries):
    """The queries of an instrument and of its latest picks."""

    def __init__(self, market: str, candidates: Sequence[str]) -> None:
        super().__init__(market, candidates)
        every_pick = results.instrument_picks(market, self.code)
        self.picks = every_pick.select_related("scanner_version", "session", "signal", "run")[:PICKS]

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [*super().query_sets, self.picks]


class _ListQueries:
    """The codes of the list of a session of a version, in the order of the evening's page: new picks, then those that
    stayed."""

    def __init__(self, market: str, version: int, session: int, day: date) -> None:
        published = ScanSession.objects.filter(scanner_version=version, market=market, published=True)
        before = published.filter(date__lt=day).order_by("-date").values("pk")[:1]
        stayed = Exists(ScanRank.objects.filter(session=Subquery(before), code=OuterRef("code")))
        picks = ScanRank.objects.filter(session=session).order_by(stayed, "rank")
        self.codes = picks.values_list("code", flat=True)


class StockPage(KeptPage):
    """A page of one instrument; `?scanner_version=&date=` choose a pick."""

    section = "stock"
    parameters = ("scanner_version", "date")

    def instrument(self) -> Any:
        """The instrument of the address; 404 where there is none."""
        code = self.kwargs["code"]
        instrument = instruments.get_instrument(self.market.name, code)
        if instrument is None:
            raise self.not_found()
        return instrument

    def not_found(self) -> Http404:
        """The error of a code that the market does not have."""
        return Http404(f"Market {self.market.name} has no instrument {self.kwargs['code']!r}.")


class Stock(StockPage):
    """`/{market}/s/{code}`: the plan of the chosen pick, by default the latest one."""

    @property
    def state(self) -> Sequence[Any]:
        """A change of another instrument alone does not show in it."""
        own = self.generations.get_instrument_time(self.market.name, self.kwargs["code"])
        return [self.generations.get(versions.GENERATION), own]

    def content(self) -> Content:
        market = self.market.name
        queries = PickQueries.of(market, self.kwargs["code"])
        self.evaluate(*queries.query_sets)
        instrument = next(iter(queries.rows), None)
        if instrument is None:
            raise self.not_found()
        code, picks = instrument.code, list(queries.picks)
        outcomes = [(pick, pick.signal) for pick in picks if hasattr(pick, "signal")]
        chosen = self.chosen(picks)
        history, codes = HistoryQueries.of(market, code), _session_codes(chosen) if chosen else []
        self.evaluate(*history.query_sets, *codes)
        series = history.history()
        order = order_plan(chosen) if chosen else None
        steps = _steps(chosen, list(*codes)) if chosen else {}
        query = f"?scanner_version={chosen.scanner_version.slug}&date={chosen.date}" if chosen else ""
        html = self.render(
            "pages/stock.html",
            {
                **steps,
                "instrument": instrument,
                "statuses": _statuses(queries.statuses),
                "bar": instruments.choose_bar(queries.bars),
                "picks": [(pick, getattr(pick, "signal", None)) for pick in picks],
                "outcomes": len(outcomes),
                "afterwards": count_computed_afterwards(history.calendars[market], outcomes),
                "chosen": chosen,
                "order": order,
                "chart": candlestick_chart(series, BARS, order, picks) if series else None,
                "has_script": (settings.ASSETS / CHART_SCRIPT).is_file(),
                "reasons": reverse("pages:reasons", args=[self.market.name, code]) + query,
                "rates": reverse("pages:rates", args=[self.market.name, code]) + query if chosen else "",
            },
        )
        frame = {
            "script": "seismo/chart.js",
            "code": code,
            "day": chosen and chosen.date,
            "onward": steps.get("onward", ""),
        }
        return Content(f"{instrument.name or code} {code}", html, frame=frame)

    @cached_property
    def own_marks(self) -> list[Mark]:
        """The reader's marks of the instrument."""
        self.work, own = work_and_marks(self.request.user, self.market.name, [self.kwargs["code"]])
        return own

    @property
    def own_state(self) -> Any:
        return mark_values(self.own_marks)

    def tags(self, content: Content) -> Mapping[str, SafeString]:
        """By session."""
        return {str(mark.date): tag_html(mark.tag) for mark in self.own_marks}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        READS.count(self.market.name, context["content"].frame["code"])
        READS.count(LANGUAGES_READ, context["language"])
        return context

    def filled(self, context: Mapping[str, Any]) -> SafeString:
        """With the form of the reader's own mark."""
        html, frame = super().filled(context), context["content"].frame
        if not self.request.user.is_authenticated:
            return html
        form = mark_form(frame["code"], frame["day"], self.own_marks, frame["onward"])
        mark = render_to_string("pages/stock_mark.html", {**context, "mark_form": form}, self.request)
        return mark_safe(html.replace(MARK, mark, 1))  # noqa: S308 - templates'

    def chosen(self, picks: Sequence[ScanRank]) -> ScanRank | None:
        """The pick of ?scanner_version= and ?date=; else the latest one."""
        version, day = self.request.GET.get("scanner_version"), self.request.GET.get("date")
        fitting = [
            pick
            for pick in picks
            if (not version or pick.scanner_version.slug == version) and (not day or pick.date.isoformat() == day)
        ]
        return fitting[0] if fitting else None


def _session_codes(chosen: ScanRank) -> list[QuerySet[ScanRank, str]]:
    """The query of the codes of a pick's list."""
    market, (version, session, day) = chosen.market, LIST_PLACES
    placeholders: dict[Parameter, Parameter] = {version: chosen.scanner_version_id, session: chosen.session_id}
    placeholders[day] = chosen.date
    queries = reuse_queries((_ListQueries, market), lambda: _ListQueries(market, *LIST_PLACES), placeholders)
    return [queries.codes]


def _steps(chosen: ScanRank, codes: Sequence[str]) -> dict[str, Any]:
    """The place of a pick in its list, with the addresses of the picks before and after it."""
    place = codes.index(chosen.code)

    def address(code: str) -> str:
        page = reverse("pages:stock", args=[chosen.market, code])
        return f"{page}?scanner_version={chosen.scanner_version.slug}&date={chosen.date}"

    return {
        "place": f"{place + 1}/{len(codes)}",
        "backward": address(codes[place - 1]) if place else "",
        "onward": address(codes[place + 1]) if place + 1 < len(codes) else "",
        "onward_codes": " ".join(codes[place + 1 : place + 3]),
    }


def _statuses(statements: Iterable[Any]) -> list[str]:
    """The attributes of the instrument's status that warn: managed, caution, halted, warning."""
    latest: dict[str, Any] = {}
    for statement in statements:
        for name in ("managed", "caution", "halted", "warning"):
            value = getattr(statement, name)
            if value is not None:
                latest[name] = value
    return [name for name, value in latest.items() if value and value != "00"]


class Reasons(PartPage, StockPage):
    """`/{market}/reasons/{code}`: why a version picked the instrument on a day, or not: the checks in three parts."""

    def content(self) -> Content:
        instrument, version = self.instrument(), self.version_or_none()
        context: dict[str, Any] = {"instrument": instrument, "version": version}
        try:
            explanation = version and explain_instrument(
                market=self.market.name,
                version=version,
                code=instrument.code,
                day=self.chosen_day(),
                as_of=timezone.now(),
            )
        except (DataProblem, NoSuchRun):
            leave_unstored()
            explanation = None
        if explanation:
            context |= {
                "day": explanation.date,
                "parts": check_parts(explanation.checks.checks),
                "is_pick": explanation.checks.rank(instrument.code) is not None,
                "reproduces": explanation.reproduces,
            }
        return Content(_("Why it was picked"), self.render("pages/reasons.html", context))


class Rates(PartPage, StockPage):
    """`/{market}/rates/{code}`: how such picks of the version fared before."""

    def content(self) -> Content:
        instrument, version = self.instrument(), self.version()
        context: dict[str, Any] = {"instrument": instrument, "version": version, "min_judged": MIN_JUDGED}
        try:
            rates, such = such_rates(
                market=self.market.name, version=version, code=instrument.code, day=self.chosen_day()
            )
            context |= {"span": rates, "such": such, "rates": [rate for rate in such if not rate.too_few]}
        except (DataProblem, NoSession):
            leave_unstored()
        return Content(_("How such picks fared"), self.render("pages/rates.html", context))


class Search(KeptPage):
    """`/{market}/search?q=`: a redirect to the stock where only one fits, else the list of those that fit; with &part
    the first of them as links."""

    section = "search"
    parameters = ("q",)

    @property
    def text(self) -> str:
        return self.request.GET.get("q", "").strip()[:60]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "part" in request.GET:
            context = {"market": self.market, "text": self.text, "rows": list(self.query(SUGGESTED))}
            return HttpResponse(render_to_string("pages/suggestions.html", context))
        if code := kept_content(self).frame["only"]:
            return redirect("pages:stock", market=self.market.name, code=code)
        return super().get(request, *args, text=self.text, **kwargs)

    def content(self) -> Content:
        query = self.query(LISTED + 1)
        self.evaluate(query)
        rows = list(query)
        exact = [row for row in rows if self.text in (row.code, row.name)]
        only = rows if len(rows) == 1 else exact if len(exact) == 1 else []
        context = {"text": self.text, "rows": rows[:LISTED], "more": len(rows) > LISTED}
        html = "" if only else self.render("pages/search.html", context)
        return Content(_("Search"), html, frame={"only": only[0].code if only else ""})

    def query(self, most: int) -> QuerySet[Any]:
        """So many of the instruments that fit; none for no text."""
        rows = instruments.get_instruments(self.market.name)
        fitting = instrument_search.search_instruments(rows, self.text) if self.text else rows.none()
        return fitting.order_by("code")[:most]
