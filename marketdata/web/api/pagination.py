"""Pagination by cursors, without a count, so that every page costs the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketdata.nearest_name import did_you_mean
from marketdata.web.api.cursors import Cursor, OrderKey, order_keys, parse_cursor, refuse_cursor, rows_beyond
from marketdata.web.api.problems import Problem

MOST = 500
PAGE = 50
LIMIT = re.compile(r"[1-9][0-9]{0,2}")


class ListPagination(BasePagination):
    """`?cursor=` as `next` and `previous` of another page gave it, `?limit=` rows up to 500, `?ordering=` one of
    `orders`, whose first is the default. An order is named after its first field and can be reversed; its last field is
    unique."""

    orders: ClassVar[Mapping[str, tuple[str, ...]]]

    @classmethod
    def names(cls) -> list[str]:
        """The names of all orders."""
        return [order for name in cls.orders for order in (name, _reversed(name))]

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None, *, of: str = ""
    ) -> list[Any]:
        """The rows of the requested page. `of` marks the cursors of one version of the list."""
        self.request, self.of = request, of
        self.order = self.parse_ordering(request)
        limit = parse_limit(request)
        self.keys = self._keys(queryset.model)
        cursor = parse_cursor(request)
        backward = cursor is not None and cursor.backward
        if cursor is not None:
            if cursor.order != self.order:
                refuse_cursor()
            queryset = queryset.filter(rows_beyond(self.keys, cursor))
        rows = list(self._sorted(queryset, backward=backward)[: limit + 1])
        more = len(rows) > limit
        page = rows[:limit]
        if backward:
            page.reverse()
        self.has_next, self.has_previous = (True, more) if backward else (more, cursor is not None)
        self.page = page
        return page

    def sorted(self, queryset: QuerySet[Any], request: Request) -> QuerySet[Any]:
        """All rows in the requested order."""
        self.order = self.parse_ordering(request)
        self.keys = self._keys(queryset.model)
        return self._sorted(queryset, backward=False)

    def parse_ordering(self, request: Request) -> str:
        """The name of the requested order; a Problem (400) where the list has none such."""
        text = request.query_params.get("ordering", "")
        names = self.names()
        if text and text not in names:
            raise Problem(
                "invalid_ordering",
                f"This list has no order {text!r}: choose among {', '.join(names)}.{did_you_mean(text, names)}",
                status_code=400,
                known=names,
            )
        return text or names[0]

    def _keys(self, model: type[Model]) -> list[OrderKey]:
        fields = self.orders.get(self.order)
        if fields is None:
            fields = tuple(_reversed(name) for name in self.orders[_reversed(self.order)])
        return order_keys(model, fields)

    def _sorted(self, queryset: QuerySet[Any], *, backward: bool) -> QuerySet[Any]:
        return queryset.order_by(*(key.order(backward=backward) for key in self.keys))

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1], backward=False) if self.page and self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[0], backward=True) if self.page and self.has_previous else None

    def _link(self, row: Any, *, backward: bool) -> str:
        cursor = Cursor(self.order, backward, [key.of(row) for key in self.keys], self.of)
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", cursor.text()))

    def get_paginated_response(self, data: Any) -> Response:
        return Response(list_body(data, following=self.get_next_link(), previous=self.get_previous_link()))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """None: `schema.SeismoSchema` adds them to the view's."""
        return []

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The body of a page; the first has no `previous`, the last no `next`."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


def list_body(rows: Any, *, following: str | None = None, previous: str | None = None) -> dict[str, Any]:
    """The body of every list: a page of rows between the links to the next and the previous page, null where there is
    none."""
    return {"next": following, "previous": previous, "results": rows}


def parse_limit(request: Request) -> int:
    """The number of rows of a page."""
    text = request.query_params.get("limit", "")
    if not text:
        return PAGE
    if not (LIMIT.fullmatch(text) and int(text) <= MOST):
        raise Problem(
            "invalid_limit", f"limit is {text!r}; it must be a whole number from 1 to {MOST}.", status_code=400
        )
    return int(text)


def _reversed(name: str) -> str:
    return name[1:] if name[0] == "-" else f"-{name}"


class WholeList(ListPagination):
    """A list of a few rows: one page, in one order, without parameters."""

    orders = {}


class CodePagination(ListPagination):
    orders = {
        "code": ("code", "pk"),
        "name": ("name", "code", "pk"),
        "segment": ("segment", "code", "pk"),
        "-last_bar": ("-last_bar", "code", "pk"),
    }


class DatePagination(ListPagination):
    """The latest first."""

    orders = {"-date": ("-date", "-pk")}


class RankPagination(ListPagination):
    orders = {
        "rank": ("rank", "pk"),
        "-score": ("-score", "rank", "pk"),
        "code": ("code", "pk"),
        "name": ("name", "rank", "pk"),
        "-close": ("-close", "rank", "pk"),
        "-change_pct": ("-change_pct", "rank", "pk"),
        "-amount": ("-amount", "rank", "pk"),
    }
