"""Lists page by page: a cursor, never a count, so that a page costs the same wherever it lies."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from marketdata.api.problems import Problem

MOST = 500
LIMIT = re.compile(r"[1-9][0-9]{0,2}")
FORM = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Pages(CursorPagination):
    """`?cursor=` as `next` and `previous` of the page before gave it, `?limit=` rows up to 500. A subclass says in what
    order; the first field decides and must not be NULL."""

    page_size = 50
    max_page_size = MOST
    page_size_query_param = "limit"
    page_size_query_description = f"Rows a page, at most {MOST}, e.g. 100"
    cursor_query_description = (
        "As `next` or `previous` of another page has it, e.g. cD0yMDI0LTA1LTMx"
    )

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("limit", "")
        if not given:
            return self.page_size
        if not (LIMIT.fullmatch(given) and int(given) <= MOST):
            raise Problem(
                "invalid_limit",
                f"limit is {given!r}; it must be a whole number from 1 to {MOST}.",
                status_code=400,
            )
        return int(given)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        try:
            found: list[Any] | None = super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError, TypeError):
            found = None
        if found is None:
            raise Problem(
                "invalid_cursor",
                "This cursor is not one of this list's: begin again without it.",
                status_code=400,
            )
        return found

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The body of a page; the first has no `previous`, the last no `next`."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def decode_cursor(self, request: Request) -> Any:
        if not FORM.fullmatch(request.query_params.get("cursor", "")):
            raise ValueError("not base64")
        cursor = super().decode_cursor(request)
        if cursor is not None and "\x00" in str(cursor.position):
            raise ValueError("no database takes this")
        return cursor


class ByCode(Pages):
    ordering = ("code",)


class ByDate(Pages):
    """The latest first."""

    ordering = ("-date", "pk")


class ByRank(Pages):
    ordering = ("rank", "code")
