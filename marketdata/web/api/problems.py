"""Every error of the API as problem+json (RFC 9457): a stable `code`, one sentence, and the request's identifier.

    {"type": "urn:seismo:problem:unknown_market", "title": "Not Found", "status": 404, "code": "unknown_market",
     "detail": "Unknown market 'xx': ...", "request_id": "4f1c...", "known": ["kr", "us", "upbit", ...]}

`handle_exception` is the exception handler of Django REST framework; a room above puts its own errors before it. A view
raises `Problem` for an error of its own.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from marketdata.database_damage import is_damage
from marketdata.errors import DataProblem, LakeError
from marketdata.web.api.parsers import BodyTooLarge

MEDIA_TYPE = "application/problem+json"
LOGGER = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)
LONGEST = 1_000
"""Characters of an error's text: a longer one repeats what the caller sent."""
MOST_MEMBERS = 100
DAMAGED = "The database is damaged: its operator has to restore a backup (`manage.py restore`)."
NO_DATABASE = "The database does not answer: ask again in a few seconds."


class Problem(exceptions.APIException):
    """An error with a stable code; `wait`: seconds until a retry is worth it (Retry-After); `more`: further members of
    its body."""

    def __init__(self, code: str, detail: str, *, status_code: int = 404, wait: int = 0, **more: Any) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.code = code
        self.wait = wait
        self.more = more


CODES: Mapping[type[exceptions.APIException], str] = {
    exceptions.ValidationError: "invalid",
    exceptions.ParseError: "malformed",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "throttled",
    BodyTooLarge: "body_too_large",
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """The response to an error raised in a view; None (a 500, see `server_error`) for an unexpected one."""
    if isinstance(error, LakeError):  # a read does not write, so it does not mend it either
        error = Problem("lake_behind", str(error), status_code=503, wait=60)
    elif isinstance(error, DataProblem):  # nothing the caller did
        error = Problem("no_data", str(error), status_code=status.HTTP_409_CONFLICT)
    else:
        error = _database_problem(error) or error
    response = exception_handler(error, context)
    if response is None:
        return None
    code, detail, more = _describe(error)
    request = context["request"]
    response.data = problem_body(response.status_code, code, detail, getattr(request, "request_id", ""), more)
    response.content_type = MEDIA_TYPE
    return response


def _database_problem(error: BaseException | None) -> Problem | None:
    """The problem of a database that is damaged or does not answer; None for any other error."""
    if isinstance(error, DatabaseError) and is_damage(error):
        LOGGER.error("The database is damaged: %s", error)
        return Problem("database_unreachable", DAMAGED, status_code=503, wait=60)
    if isinstance(error, DATABASE_AWAY):
        LOGGER.warning("The database does not answer: %s", error)
        return Problem("database_unreachable", NO_DATABASE, status_code=503, wait=5)
    return None


def _describe(error: Exception) -> tuple[str, str, Mapping[str, Any]]:
    if isinstance(error, Problem):
        return error.code, str(error.detail), error.more
    if isinstance(error, exceptions.ValidationError):
        return (
            "invalid",
            "The request does not fit; `errors` names what and why.",
            {"errors": _sentences(error.detail)},
        )
    if isinstance(error, Http404):
        return "not_found", "There is nothing at this address.", {}
    if isinstance(error, PermissionDenied):
        return "permission_denied", "You may not do this.", {}
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "error")
    return code, str(getattr(error, "detail", error)), {}


def _sentences(detail: Any) -> dict[str, list[str]]:
    """Field -> sentences."""
    if isinstance(detail, Mapping):
        return {
            str(name): [str(sentence) for sentence in (value if isinstance(value, list) else [value])]
            for name, value in detail.items()
        }
    return {"": [str(sentence) for sentence in (detail if isinstance(detail, list) else [detail])]}


def problem_body(code_number: int, code: str, detail: str, request_id: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a problem."""
    return {
        "type": f"urn:seismo:problem:{code}",
        "title": HTTPStatus(code_number).phrase,
        "status": code_number,
        "code": code,
        "detail": _cut(detail),
        "request_id": request_id,
        **{name: _cut(value) for name, value in more.items()},
    }


def _cut(value: Any) -> Any:
    """The value cut to a bounded size: of a long text the beginning and the end, of many members the first."""
    if isinstance(value, str):
        if len(value) <= LONGEST:
            return value
        return f"{value[: LONGEST // 2]} ... {value[-LONGEST // 4 :]} ({len(value):,} characters)"
    if isinstance(value, Mapping):
        few = list(value.items())[:MOST_MEMBERS]
        return {_cut(name): _cut(member) for name, member in few}
    if isinstance(value, list | tuple):
        return [_cut(member) for member in value[:MOST_MEMBERS]]
    return value


def _page(request: HttpRequest, number: int, code: str, detail: str) -> JsonResponse:
    identifier = getattr(request, "request_id", "")
    return JsonResponse(problem_body(number, code, detail, identifier, {}), status=number, content_type=MEDIA_TYPE)


def throttled_response(request: HttpRequest, seconds: int) -> HttpResponse:
    """The response (429) to a caller with too many refused requests; a retry is worth it in `seconds`."""
    response = _page(request, 429, "throttled", f"Too many refused requests. Try again in {seconds} s.")
    response["Retry-After"] = str(seconds)
    return response


def no_such_endpoint(request: HttpRequest) -> HttpResponse:
    """The response (404) at any other address under /api/."""
    return _page(request, 404, "no_such_endpoint", "The API has no such address: /api/schema lists them.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the error is handled: a problem under /api/, a page that needs no database
    elsewhere; 503 where the database does not answer."""
    problem = _database_problem(sys.exc_info()[1])
    if request.path.startswith("/api/"):
        if problem is None:
            return _page(request, 500, "internal", "This is a defect. The log has it under this request_id.")
        response: HttpResponse = _page(request, problem.status_code, problem.code, str(problem.detail))
    else:
        response = defaults.server_error(request, "503.html" if problem else "500.html")
    if problem is not None:
        response.status_code = problem.status_code
        response["Retry-After"] = str(problem.wait)
    return response
