"""Published answers of versions: a session's ranks, the runs, and the dates there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day  # a filter and a part of the path have its name
from datetime import datetime
from typing import Any

import django_filters
import pyarrow as pa
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from caching.memo import Memo
from marketdata.api.schema import MARKET
from marketdata.api.views import MarketList, MarketView
from marketdata.markets import get_market
from marketdata.queries.market_calendar import get_sessions, has_session
from marketdata.queries.records import get_sessions_with_bars
from marketdata.record import Days
from marketdata.web.api import downloads, serializers
from marketdata.web.api.cursors import parse_cursor, refuse_cursor
from marketdata.web.api.filters import ChoiceFilter, Filters
from marketdata.web.api.pagination import DatePagination, ListPagination, RankPagination
from marketdata.web.api.response_cache import StateTimes, make_response_cache
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from marketdata.web.api.views import download_rows
from scans.api import parameters
from scans.api.parameters import (
    DATE,
    RankParameters,
    ReadingFilter,
    VersionFilter,
    VersionsParameters,
    date_range_filters,
)
from scans.api.serializers.flows import attach_flows, with_flows
from scans.api.serializers.regimes import with_regime_rules
from scans.api.serializers.scans import Answer, Header, Rank, Run, ScanResult
from scans.models import Reading, ScanRank, ScanRun, ScanSession, Status
from scans.queries import results, versions
from scans.queries.settling import EVENING


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """A version's answer for a session, its header, and the sessions of its market. Shared by threads: read-only."""

    session: ScanSession
    header: dict[str, Any]
    calendar: Days


SCAN_ANSWERS: Memo[ScanAnswer] = Memo()


class RunPagination(ListPagination):
    orders = {"-id": ("-pk",), "-started_at": ("-started_at", "-pk"), "-last": ("-last", "-pk")}


class Scan(MarketView):
    """The published answer of a version for a session: the header, and its ranks page by page. A session on which
    nothing passed is an answer too: status no_match, no ranks, and the reason.

    The pages of one answer stay pages of that answer, even where another is published in between: `next` says which
    one it belongs to.
    """

    serializer_class = ScanResult
    parameters = RankParameters
    pagination_class = RankPagination
    paginator: RankPagination
    depends = (versions.GENERATION,)
    response_cache = make_response_cache("page", "scan")

    def row(self) -> type[Rank]:
        return Rank

    def answer(self, request: Request, day: Day | None) -> HttpResponseBase:
        if self.form == "json":
            return self.cached_response(lambda: self.body(self.query_values(request), day))
        query = self.query_values(request)
        session = self.session(query, day)
        name = f"{self.market.name}-{session.scanner_version.slug}-{session.date}"
        return self.download_response(self.table(session, self.ranks(session, query)), name)

    def body(self, query: dict[str, Any], day: Day | None) -> dict[str, Any]:
        """The header and a page of ranks."""
        answer = self.scan_answer(query, day)
        rows = self.ranks(answer.session, query)
        page = self.paginator.paginate_queryset(rows, self.request, self, of=str(answer.session.pk))
        if self.fields is None or "flow" in self.fields:
            attach_flows(page, answer.calendar)
        ranks = serializers.serialize_list(Rank(page, many=True), self.fields)
        return {**answer.header, **self.paginator.get_paginated_response(ranks).data}

    def scan_answer(self, query: dict[str, Any], day: Day | None) -> ScanAnswer:
        """The requested answer before filters of its ranks; cached by this process as long as its state is the same."""
        if parse_cursor(self.request) is not None:
            return self._read(query, day)
        key = (self.market.name, query.get("scanner_version"), day, query.get("reading"))
        return SCAN_ANSWERS.get(key, tuple(self.state() or ()), lambda: self._read(query, day))

    def _read(self, query: dict[str, Any], day: Day | None) -> ScanAnswer:
        session, calendar = self.session(query, day), get_sessions(self.market.name)
        return ScanAnswer(session, self.header(session, calendar), calendar)

    def ranks(self, session: ScanSession, query: dict[str, Any]) -> QuerySet[ScanRank]:
        """The ranks of the answer that pass the filters."""
        filters = {name: value for name, value in query.items() if name not in ("scanner_version", "reading")}
        return results.session_ranks(session, **filters)

    def session(self, query: dict[str, Any], day: Day | None) -> ScanSession:
        """The session of the requested answer; with a cursor, the cursor's."""
        cursor = parse_cursor(self.request)
        if cursor is None:
            version = parameters.chosen_version(self.market.name, query)
            choose = results.evening_session if query.get("reading") == EVENING else results.published_session
            return choose(self.market.name, version, day)
        session = results.trusted_session(self.market.name, int(cursor.of) if cursor.of.isdecimal() else 0)
        requested = (query.get("scanner_version"), day)
        if session is None or any(
            value and value != actual
            for value, actual in zip(requested, (session.scanner_version.slug, session.date), strict=True)
        ):
            refuse_cursor()
        return session

    def header(self, session: ScanSession, calendar: Days) -> dict[str, Any]:
        context = self.get_serializer_context() | {
            "is_latest": session.published and not session.has_later,  # type: ignore[attr-defined]
            "today": parameters.today(self.market),
            "is_session": has_session(calendar, session.date),
        }
        header: dict[str, Any] = Header(session, context=context).data
        return header

    def table(self, session: ScanSession, rows: QuerySet[ScanRank]) -> downloads.Table:
        """The ranks as a table; each row says of which session and version it is."""
        row = serializers.select_members(Rank(), self.fields)
        lead = {"market": self.market.name, "scanner_version": session.scanner_version.slug}
        lead |= {"date": session.date.isoformat(), "reading": str(session.reading)}
        columns = [*parameters.PICK_COLUMNS, downloads.column("reading", pa.string()), *downloads.columns(row)]
        picks = with_flows(download_rows(self.paginator, rows, self.request))
        return downloads.Table(columns, ({**lead, **row.to_representation(pick)} for pick in picks))

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        """`is_today` changes at midnight, whatever else does."""
        own = super().state_of(generations, market) or []
        return [*own, parameters.midnight(get_market(market))] if market else own


class LatestScan(Scan):
    @extend_schema(
        operation_id="scan_latest",
        tags=["scans"],
        parameters=[MARKET, RankParameters],
        responses={200: ScanResult, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> HttpResponseBase:
        """The latest session that the version published."""
        return self.answer(request, None)


class DatedScan(Scan):
    @extend_schema(
        operation_id="scan",
        tags=["scans"],
        parameters=[MARKET, DATE, RankParameters],
        responses={200: ScanResult, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, date: str) -> HttpResponseBase:
        """The session of a date; a date without a run is a 404 that names the nearest dates with one."""
        return self.answer(request, parameters.parse_date(date))


class RunFilter(Filters):
    scanner_version = VersionFilter(field_name="scanner_version")
    status = ChoiceFilter(choices=Status.choices)
    reading = ChoiceFilter(choices=Reading.choices, method="read", help_text="Of the bars of its last session")
    date = django_filters.DateFilter(method="over", help_text="Runs whose range holds this day, e.g. 2024-05-31")

    def read(self, rows: QuerySet[ScanRun], _: str, reading: str) -> QuerySet[ScanRun]:
        return rows.filter(read_at__isnull=reading == Reading.SETTLED)

    def over(self, rows: QuerySet[ScanRun], _: str, day: Day) -> QuerySet[ScanRun]:
        return rows.filter(first__lte=day, last__gte=day)


class Runs(MarketList):
    """Every run, the latest first, failed and unchanged ones too."""

    model = ScanRun
    serializer_class = Run
    filterset_class = RunFilter
    pagination_class = RunPagination

    def rows(self) -> QuerySet[ScanRun]:
        return results.market_runs(self.market.name)

    @extend_schema(
        operation_id="runs",
        tags=["scans"],
        parameters=[MARKET],
        responses={200: Run(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class AnswerPagination(DatePagination):
    """The latest first; beside the rows the sessions that could have one."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        days = {"type": "array", "items": {"type": "string", "format": "date"}}
        page["properties"]["expected"] = days | {
            "description": "The sessions with bars, ascending, that the page spans, and on the first and the last page "
            "those up to the ends of the range: a session without a row of a version has not been scanned by it",
            "examples": [["2026-08-20", "2026-08-21"]],
        }
        page["required"].append("expected")
        return page


class AnswerFilter(date_range_filters("date")):  # type: ignore[misc]
    reading = ReadingFilter()


class Dates(MarketList):
    """The sessions that versions have published, the latest first, each with its answer."""

    model = ScanSession
    serializer_class = Answer
    parameters = VersionsParameters
    filterset_class = AnswerFilter
    pagination_class = AnswerPagination
    depends = (versions.GENERATION,)

    def rows(self) -> QuerySet[ScanSession]:
        slugs = self.query_values(self.request).get("scanner_version", [])
        return results.published_answers(self.market.name, parameters.chosen_versions(self.market.name, slugs))

    def page(self, rows: QuerySet[ScanSession]) -> Any:
        body = super().page(rows)
        first, last = self.span()
        return {**body, "expected": get_sessions_with_bars(self.market.name, first, last)}

    def span(self) -> tuple[Day | None, Day | None]:
        """The days that the page spans: from the row before it, at the cursor, to its last row, and at either end of
        the list to the end of the range; None: without an end."""
        pages, cursor = self.paginator, parse_cursor(self.request)
        since, until = (parse_day(self.request.query_params.get(name)) for name in ("from", "to"))
        days = [row.date for row in pages.page]
        since = since or min(days, default=None)
        edge = None if cursor is None else parse_day(cursor.values[0])
        is_backward = cursor is not None and cursor.backward
        more = pages.has_previous if is_backward else pages.has_next
        if is_backward == (pages.order == "date"):  # towards earlier sessions
            return (min(days) if more else since), edge or until
        return edge or since, (max(days) if more else until)

    def table(self, rows: QuerySet[ScanSession]) -> downloads.Table:
        """The rows as a table, each index series read once for the regimes of many."""
        row = serializers.select_members(Answer(), self.fields)
        answers = with_regime_rules(download_rows(self.paginator, rows, self.request))
        return downloads.Table(downloads.columns(row), map(row.to_representation, answers))

    @extend_schema(
        operation_id="scan_dates",
        tags=["scans"],
        parameters=[MARKET, VersionsParameters],
        responses={200: Answer(many=True), **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


def parse_day(text: str | None) -> Day | None:
    """The day of a parameter, None without one."""
    return parameters.parse_date(text) if text else None
