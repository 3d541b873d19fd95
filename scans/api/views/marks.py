"""Marks: a user's own tags, notes and reviews of instruments and of the picks of a session."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import CODE, MARKET
from marketdata.api.stocks import instrument_or_404
from marketdata.api.views import MarketList, MarketView
from marketdata.web.api import responses
from marketdata.web.api.access import OwnData
from marketdata.web.api.filters import ChoiceFilter
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import WRITE_ERRORS, error_responses
from scans.api.parameters import date_range_filters, require_session
from scans.api.serializers.marks import MarkBody, MarkChanges, MarkParameters
from scans.models import Mark, Tag
from scans.operations import marks as operations
from scans.queries import marks as queries

EXAMPLE = OpenApiExample(
    "A pick to buy",
    value={"date": "2024-05-31", "tag": "buy", "note": "half now, half above 65,300", "seen": True},
    request_only=True,
)


class MarkFilter(date_range_filters("date")):  # type: ignore[misc]
    date = django_filters.DateFilter(help_text="Marks of the picks of this session, e.g. 2024-05-31")
    code = django_filters.CharFilter(max_length=24, help_text="e.g. 005930")
    tag = ChoiceFilter(choices=Tag.choices, help_text="e.g. buy")


class MarkPagination(ListPagination):
    orders = {"-updated_at": ("-updated_at", "-pk"), "code": ("code", "-pk")}


class Marks(MarketList):
    """Your marks on a market, the latest change first."""

    model = Mark
    serializer_class = MarkBody
    filterset_class = MarkFilter
    pagination_class = MarkPagination
    permission_classes = (OwnData,)

    def rows(self) -> QuerySet[Mark]:
        return queries.own_marks(self.request.user, self.market.name)

    @extend_schema(
        operation_id="marks",
        tags=["me"],
        parameters=[MARKET],
        responses={200: MarkBody(many=True), **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class OneMark(MarketView):
    """Your mark of an instrument."""

    serializer_class = MarkBody
    parameters = MarkParameters
    pagination_class = None
    permission_classes = (OwnData,)

    def parameter_names(self) -> list[str]:
        """`date`, of writes too: with the code it names the mark."""
        return ["date"]

    @extend_schema(
        operation_id="mark",
        tags=["me"],
        parameters=[MARKET, CODE, MarkParameters],
        responses={200: MarkBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, code: str) -> HttpResponseBase:
        """Your mark of the picks of a session (`date`), or of the instrument as such."""
        code, day = instrument_or_404(self.market.name, code).code, self.query_values(request).get("date")
        mark = queries.get_mark(request.user, self.market.name, code, day)
        if mark is None:
            raise _no_mark(code, day)
        return responses.json_response(request._request, responses.to_json(MarkBody(mark).data), changed=None)

    @extend_schema(
        operation_id="put_mark",
        tags=["me"],
        parameters=[MARKET, CODE, MarkParameters],
        request=MarkChanges,
        examples=[EXAMPLE],
        responses={200: MarkBody, 201: OpenApiResponse(MarkBody, description="New"), **error_responses(*WRITE_ERRORS)},
    )
    def put(self, request: Request, market: str, code: str) -> Response:
        """Set your mark: what the body leaves out becomes blank. `date` is in the query or in the body."""
        return self.save(request, code, operations.BLANK)

    @extend_schema(
        operation_id="change_mark",
        tags=["me"],
        parameters=[MARKET, CODE, MarkParameters],
        request=MarkChanges,
        examples=[EXAMPLE],
        responses={200: MarkBody, 201: OpenApiResponse(MarkBody, description="New"), **error_responses(*WRITE_ERRORS)},
    )
    def patch(self, request: Request, market: str, code: str) -> Response:
        """Change your mark, or make one: what the body leaves out stays. `date` is in the query or in the body."""
        return self.save(request, code, {})

    @extend_schema(
        operation_id="delete_mark",
        tags=["me"],
        parameters=[MARKET, CODE, MarkParameters],
        request=None,
        responses={204: OpenApiResponse(description="Deleted"), **error_responses(400, 404)},
    )
    def delete(self, request: Request, market: str, code: str) -> Response:
        """Delete your mark of the picks of a session (`date`), or of the instrument as such."""
        code, day = instrument_or_404(self.market.name, code).code, self.query_values(request).get("date")
        if not operations.delete_mark(user=request.user, market=self.market.name, code=code, day=day):
            raise _no_mark(code, day)
        return Response(status=204)

    def save(self, request: Request, code: str, blank: Any) -> Response:
        """The saved mark; 201 where it is new."""
        body = MarkChanges(data=request.data)
        body.is_valid(raise_exception=True)
        changes = {**blank, **body.validated_data}
        mark, created = operations.save_mark(
            user=request.user,
            market=self.market.name,
            code=instrument_or_404(self.market.name, code).code,
            day=self.session(request, changes),
            changes=changes,
            as_of=timezone.now(),
        )
        return Response(MarkBody(mark).data, status=201 if created else 200)

    def session(self, request: Request, changes: dict[str, Any]) -> date | None:
        """The session of the mark, by the query or the body, None: the instrument as such."""
        day: date | None = self.query_values(request).get("date", changes.get("date"))
        if "date" in changes and changes["date"] != day:
            raise Problem(
                "date_conflict",
                "The query and the body name two dates: leave out the one or the other.",
                status_code=400,
            )
        if day is not None:
            require_session(self.market, day)
        return day


def _no_mark(code: str, day: date | None) -> Problem:
    return Problem("unknown_mark", f"You have no mark of {code}{f' on {day}' if day else ''}: GET marks lists yours.")
