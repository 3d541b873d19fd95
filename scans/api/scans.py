"""What versions published: a session's ranks, the runs, and the dates there are."""

from __future__ import annotations

from datetime import date as Day  # a filter and a part of the path have its name
from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from marketdata.api import members, tables
from marketdata.api.cursors import cursor_of, refuse_cursor
from marketdata.api.pages import ByDate, ByRank, Pages
from marketdata.api.schema import MARKET, UNCHANGED, problems
from marketdata.api.views import MarketList, MarketView, keeper, listed
from scans import queries, results
from scans.api import asking
from scans.api.asking import DATE, ForRanks, ForVersion, VersionFilter, between
from scans.api.flow_forms import attached
from scans.api.forms import Answer, Header, Rank, Run, ScanResult
from scans.models import ScanRank, ScanRun, ScanSession, Status


class ByRun(Pages):
    orders = {"-id": ("-pk",), "-started_at": ("-started_at", "-pk"), "-last": ("-last", "-pk")}


class Scan(MarketView):
    """What a version published for a session: the header, and its ranks page by page. A session on which nothing
    passed is an answer too: status no_match, no ranks, and the reason.

    The pages of one answer stay pages of that answer, even where another is published in between: `next` says which
    one it belongs to.
    """

    serializer_class = ScanResult
    parameters = ForRanks
    pagination_class = ByRank
    paginator: ByRank
    depends = (queries.GENERATION,)
    keeper = keeper("published", "scan")

    def row(self) -> type[Rank]:
        return Rank

    def answer(self, request: Request, day: Day | None) -> HttpResponseBase:
        if self.form == "json":
            return self.served(lambda: self.body(self.given(request), day))
        given = self.given(request)
        found = self.session(given, day)
        name = f"{self.market.name}-{found.version.slug}-{found.date}"
        return self.downloaded(self.table(found, self.ranks(found, given)), name)

    def body(self, given: dict[str, Any], day: Day | None) -> dict[str, Any]:
        """The header and a page of ranks."""
        found = self.session(given, day)
        rows = self.ranks(found, given)
        page = self.paginator.paginate_queryset(rows, self.request, self, of=str(found.pk))
        links = {
            "next": self.paginator.get_next_link(),
            "previous": self.paginator.get_previous_link(),
        }
        ranks = members.slim(Rank(page, many=True), self.fields).data
        return {**self.header(found), **links, "ranks": ranks}

    def ranks(self, found: ScanSession, given: dict[str, Any]) -> QuerySet[ScanRank]:
        """The ranks of the answer that pass the filters."""
        filters = {name: value for name, value in given.items() if name != "scanner_version"}
        return results.ranks(found, **filters)

    def session(self, given: dict[str, Any], day: Day | None) -> ScanSession:
        """The answer asked for; with a cursor, the one that it belongs to."""
        cursor = cursor_of(self.request)
        if cursor is None:
            version = asking.version(self.market.name, given)
            return results.session(self.market.name, version, day)
        found = results.answer(self.market.name, int(cursor.of) if cursor.of.isdecimal() else 0)
        wanted = (given.get("scanner_version"), day)
        if found is None or any(
            asked and asked != there
            for asked, there in zip(wanted, (found.version.slug, found.date), strict=True)
        ):
            refuse_cursor()
        return found

    def header(self, found: ScanSession) -> dict[str, Any]:
        context = self.get_serializer_context() | {
            "is_latest": found.published and not found.has_later,  # type: ignore[attr-defined]
            "today": asking.today(self.market),
            "is_session": asking.is_session(self.market, found.date),
        }
        told: dict[str, Any] = Header(found, context=context).data
        return told

    def table(self, found: ScanSession, rows: QuerySet[ScanRank]) -> tables.Table:
        """The ranks as a table; each row says of which session and version it is."""
        row = members.slim(Rank(), self.fields)
        lead = {"market": self.market.name, "scanner_version": found.version.slug}
        lead["date"] = found.date.isoformat()
        columns = [*asking.LEAD, *tables.columns(row)]
        told = attached(listed(self.paginator, rows, self.request))
        return tables.Table(columns, ({**lead, **row.to_representation(one)} for one in told))

    def state(self) -> list[datetime | None] | None:
        """`is_today` changes at midnight, whatever else does."""
        return [*(super().state() or []), asking.midnight(self.market)]


class LatestScan(Scan):
    @extend_schema(
        operation_id="scan_latest",
        tags=["scans"],
        parameters=[MARKET, ForRanks],
        responses={200: ScanResult, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        """The latest session that the version published."""
        return self.answer(request, None)


class DatedScan(Scan):
    @extend_schema(
        operation_id="scan",
        tags=["scans"],
        parameters=[MARKET, DATE, ForRanks],
        responses={200: ScanResult, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str, date: str) -> HttpResponseBase:
        """The session of a date; a date without a run is a 404 that names the nearest dates with one."""
        return self.answer(request, asking.day(date))


class RunFilter(django_filters.FilterSet):  # type: ignore[misc]
    scanner_version = VersionFilter(field_name="version")
    status = django_filters.ChoiceFilter(choices=Status.choices)
    date = django_filters.DateFilter(
        method="over", help_text="Runs whose range holds this day, e.g. 2024-05-31"
    )

    def over(self, rows: QuerySet[ScanRun], _: str, day: Day) -> QuerySet[ScanRun]:
        return rows.filter(first__lte=day, last__gte=day)


class Runs(MarketList):
    """Every run, the latest first, whatever became of it."""

    model = ScanRun
    serializer_class = Run
    filterset_class = RunFilter
    pagination_class = ByRun

    def rows(self) -> QuerySet[ScanRun]:
        return results.runs(self.market.name)

    @extend_schema(
        operation_id="runs",
        tags=["scans"],
        parameters=[MARKET],
        responses={200: Run(many=True), **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class Dates(MarketList):
    """The days that a version has published, the latest first, each with its answer."""

    model = ScanSession
    serializer_class = Answer
    parameters = ForVersion
    filterset_class = between("date")
    pagination_class = ByDate
    depends = (queries.GENERATION,)

    def rows(self) -> QuerySet[ScanSession]:
        version = asking.version(self.market.name, self.given(self.request))
        return results.published(self.market.name, version).select_related("version")

    @extend_schema(
        operation_id="scan_dates",
        tags=["scans"],
        parameters=[MARKET, ForVersion],
        responses={200: Answer(many=True), **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)
