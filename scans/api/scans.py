"""What versions published: a session's ranks, the runs, and the dates there are."""

from __future__ import annotations

from datetime import date as Day  # a filter and a part of the path have its name
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.pages import ByDate, ByRank, Pages
from marketdata.api.schema import MARKET, PAGES, UNCHANGED, problems
from marketdata.api.views import MarketList, MarketView, etag, not_modified, tagged
from scans import results
from scans.api import asking
from scans.api.asking import DATE, ForRanks, ForVersion, VersionFilter, between
from scans.api.forms import Answer, Header, Rank, Run, ScanResult
from scans.models import ScanRun, ScanSession, Status


class RunOrder(Pages):
    ordering = ("-pk",)


class Scan(MarketView):
    """What a version published for a session: the header, and its ranks page by page. A session on which nothing
    passed is an answer too: status no_match, no ranks, and the reason."""

    serializer_class = ScanResult
    parameters = ForRanks
    pagination_class = ByRank

    def answer(self, request: Request, day: Day | None) -> Response:
        given = self.given(request)
        version = asking.version(self.market.name, given)
        found = results.session(self.market.name, version, day)
        context = self.get_serializer_context() | {
            "is_latest": not found.has_later,  # type: ignore[attr-defined]
            "today": asking.today(self.market),
            "is_session": asking.is_session(self.market, found.date),
        }
        header = Header(found, context=context).data
        tag = etag([*header.values(), request.build_absolute_uri()])
        unchanged = not_modified(request, tag)
        if unchanged:
            return unchanged
        given.pop("scanner_version", None)
        page = self.paginate_queryset(results.ranks(found, **given))
        links = {
            "next": self.paginator.get_next_link(),  # type: ignore[union-attr]
            "previous": self.paginator.get_previous_link(),  # type: ignore[union-attr]
        }
        return tagged(Response({**header, **links, "ranks": Rank(page, many=True).data}), tag)


class LatestScan(Scan):
    @extend_schema(
        operation_id="scan_latest",
        tags=["scans"],
        parameters=[MARKET, ForRanks, *PAGES],
        responses={200: ScanResult, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        """The latest session that the version published."""
        return self.answer(request, None)


class DatedScan(Scan):
    @extend_schema(
        operation_id="scan",
        tags=["scans"],
        parameters=[MARKET, DATE, ForRanks, *PAGES],
        responses={200: ScanResult, **UNCHANGED, **problems(400, 404)},
    )
    def get(self, request: Request, market: str, date: str) -> Response:
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
    pagination_class = RunOrder

    def rows(self) -> QuerySet[ScanRun]:
        return results.runs(self.market.name)

    @extend_schema(
        operation_id="runs",
        tags=["scans"],
        parameters=[MARKET],
        responses={200: Run(many=True), **problems(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Dates(MarketList):
    """The days that a version has published, the latest first, each with its answer."""

    model = ScanSession
    serializer_class = Answer
    parameters = ForVersion
    filterset_class = between("date")
    pagination_class = ByDate

    def rows(self) -> QuerySet[ScanSession]:
        version = asking.version(self.market.name, self.given(self.request))
        return results.published(self.market.name, version).select_related("version")

    @extend_schema(
        operation_id="scan_dates",
        tags=["scans"],
        parameters=[MARKET, ForVersion],
        responses={200: Answer(many=True), **problems(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
