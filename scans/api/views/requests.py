"""Scan requests: queued for a task worker, polled, cancelled, repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketList, MarketView
from marketdata.operations import task_queue
from marketdata.web.api.access import StaffOnly
from marketdata.web.api.filters import ChoiceFilter, Filters
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.schema import WRITE_ERRORS, error_responses, location_header, path_parameter
from scans.api.serializers.requests import AcceptedBody, AskBody, DraftBody, DraftParameters, RequestBody, draft_body
from scans.api.views.scans import Runs
from scans.models import RequestStatus, ScanRequest
from scans.operations.requests import queue
from scans.queries import versions

ADD, CHANGE = "scans.add_scanrequest", "scans.change_scanrequest"
KEY = re.compile(r"[\x21-\x7e]{1,128}")
NUMBER = path_parameter("number", "The request's `id`", {"A request": 17}, OpenApiTypes.INT)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Made up by the caller: the same body sent again with it gives the same request",
    examples=[OpenApiExample("A key", value="close-of-2024-05-31")],
)
LOCATION = location_header(202, "Where to poll")
ACCEPTED = OpenApiResponse(AcceptedBody, description="Queued: poll what Location names")


class Scans(Runs):
    """Every run; and asking for one."""

    permissions: ClassVar[Mapping[str, str]] = {"POST": ADD}

    @extend_schema(
        operation_id="ask_for_scan",
        tags=["requests"],
        parameters=[MARKET, IDEMPOTENCY_KEY, LOCATION],
        request=AskBody,
        responses={202: ACCEPTED, **error_responses(*WRITE_ERRORS, 422, 503)},
    )
    def post(self, request: Request, market: str) -> Response:
        """Queue a scan, which takes the permission to add scan requests. Everything is checked at once; the answer
        is published when it is run, or kept with the request where `save` is false."""
        body = AskBody(data=request.data)
        body.is_valid(raise_exception=True)
        queued = queue.queue_request(
            market=self.market.name,
            as_of=timezone.now(),
            requested_by=request.user.get_username(),
            request_id=getattr(request, "request_id", ""),
            key=_key(request),
            **body.keywords(),
        )
        return _accepted(queued.request)


class RequestFilter(Filters):
    status = ChoiceFilter(choices=RequestStatus.choices)


class RequestPagination(ListPagination):
    orders = {"-id": ("-pk",)}


class Requests(MarketList):
    """The requested scans, the latest first. Staff only."""

    model = ScanRequest
    serializer_class = RequestBody
    filterset_class = RequestFilter
    pagination_class = RequestPagination
    permission_classes = (StaffOnly,)

    def rows(self) -> QuerySet[ScanRequest]:
        return versions.scan_requests(self.market.name)

    @extend_schema(
        operation_id="scan_requests",
        tags=["requests"],
        parameters=[MARKET],
        responses={200: RequestBody(many=True), **error_responses(400, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class ScanRequestView(MarketView):
    """A view of one request."""

    serializer_class: type[Serializer[Any]] = RequestBody
    pagination_class = None
    permission_classes = (StaffOnly,)

    def scan_request(self) -> ScanRequest:
        """The request of the address, marked as failed where it shows no sign of life; a Problem (404) without one."""
        text = self.kwargs["number"]
        row = None
        if re.fullmatch(r"[0-9]{1,18}", text):
            row = queue.current_request(int(text), self.market.name, as_of=timezone.now())
        if row is None:
            raise Problem(
                "unknown_request",
                f"Market {self.market.name} has no scan request {text!r}: "
                f"/api/{self.market.name}/scan-requests lists them.",
            )
        return row


class OneRequest(ScanRequestView):
    @extend_schema(
        operation_id="scan_request",
        tags=["requests"],
        parameters=[MARKET, NUMBER],
        responses={200: RequestBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, number: str) -> Response:
        """A request: where it stands, how far it has come, what became of each version. Staff only."""
        return Response(RequestBody(self.scan_request()).data)


class Cancel(ScanRequestView):
    permissions: ClassVar[Mapping[str, str]] = {"POST": CHANGE}

    @extend_schema(
        operation_id="cancel_scan_request",
        tags=["requests"],
        parameters=[MARKET, NUMBER],
        request=None,
        responses={200: RequestBody, **error_responses(400, 404, 409)},
    )
    def post(self, request: Request, market: str, number: str) -> Response:
        """Cancel it: from now on it publishes nothing more. What it published before stands. It takes
        the permission to change scan requests."""
        who = request.user.get_username()
        row = queue.cancel_request(self.scan_request().pk, as_of=timezone.now(), who=who)
        return Response(RequestBody(row).data)


class Rerun(ScanRequestView):
    permissions: ClassVar[Mapping[str, str]] = {"POST": ADD}

    @extend_schema(
        operation_id="rerun_scan_request",
        tags=["requests"],
        parameters=[MARKET, NUMBER, LOCATION],
        request=None,
        responses={202: ACCEPTED, **error_responses(400, 404, 409, 503)},
    )
    def post(self, request: Request, market: str, number: str) -> Response:
        """Repeat the request as a new one; sessions that were published already are not computed again. It takes the
        permission to add scan requests."""
        queued = queue.repeat_request(
            self.scan_request(),
            as_of=timezone.now(),
            requested_by=request.user.get_username(),
            request_id=getattr(request, "request_id", ""),
        )
        return _accepted(queued.request)


class Draft(ScanRequestView):
    parameters = DraftParameters
    serializer_class = DraftBody

    @extend_schema(
        operation_id="scan_request_answer",
        tags=["requests"],
        parameters=[MARKET, NUMBER, DraftParameters],
        responses={200: DraftBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str, number: str) -> Response:
        """The answer of a request with `save` false for one session, by default the latest; kept a day. Staff only."""
        query, row = self.query_values(request), self.scan_request()
        drafts = versions.request_drafts(row)
        if "scanner_version" in query:
            drafts = drafts.filter(scanner_version=query["scanner_version"])
        if "date" in query:
            drafts = drafts.filter(date=query["date"])
        draft = drafts.first()
        if draft is None:
            raise Problem(
                "no_answer",
                f"Request {row.pk} ({row.status}) keeps no such answer: it published them (then scans/latest and the "
                "like have them), has not got there, or they are older than a day.",
            )
        return Response(draft_body(draft))


def _key(request: Request) -> str:
    """The caller's idempotency key, "" without one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not KEY.fullmatch(key):
        raise Problem(
            "invalid_idempotency_key", "An Idempotency-Key has 1 to 128 visible ASCII characters.", status_code=400
        )
    return key


def _accepted(row: ScanRequest) -> Response:
    where = f"/api/{row.market}/scan-requests/{row.pk}"
    body = {**RequestBody(row).data, "warning": task_queue.advice(timezone.now())}
    return Response(body, status=202, headers={"Location": where})
