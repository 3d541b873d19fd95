"""The base view of the API: checked parameters, `fields=`, downloads, conditional and cached responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.http import parse_etags
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from marketdata.nearest_name import did_you_mean
from marketdata.tables.text import BATCH
from marketdata.web.api import downloads, response_cache, responses, serializers
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import CacheKey, ResponseCache, StateTimes

MOST_ROWS = 200_000
"""Rows of a download."""


class BaseView(GenericAPIView[Any]):
    """A view that accepts the query parameters of `parameters`, of its filters, rows and pages, and no others.

    `depends`: the names of the generations (and, below a market, the market's own) that its answers depend on, and on
    nothing else; None where their changes are not tracked. `response_cache`: the cache of its answers, if any.
    """

    parameters: type[Serializer[Any]] | None = None
    filterset_class: Any = None
    depends: ClassVar[Sequence[str] | None] = None
    response_cache: ClassVar[ResponseCache | None] = None
    permissions: ClassVar[Mapping[str, str]] = {}

    fields: tuple[str, ...] | None = None
    form = "json"
    encoding = ""

    def row(self) -> type[Serializer[Any]] | None:
        """The serializer of its list's rows, where it has a list: `fields=` chooses among its members, `format=` makes
        a table of them."""
        return None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The response. Afterwards the reference cycles around the view and the request are broken, so that their
        memory is released at once: collecting a hundred such views takes a tenth of a second."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            self.__dict__.pop("head", None)  # Django's: the same as `get`
            if isinstance(self.request, Request):
                self.request.parser_context.clear()
            for name in ("_messages", "auser"):  # of Django's middleware; the API uses neither
                request.__dict__.pop(name, None)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\x00" in text for text in kwargs.values()):  # PostgreSQL takes no such text
            raise NotFound("No name holds a null character.")
        names = self.parameter_names()
        for name in request.query_params:
            if name not in names:
                choices = f"choose among {', '.join(names)}" if names else "there are none here"
                raise Problem(
                    "unknown_parameter",
                    f"Unknown parameter {name!r}: {choices}.{did_you_mean(name, names)}",
                    status_code=400,
                    known=names,
                )
        row = self.row()
        if row:
            self.fields = serializers.parse_fields(request, row)
            self.encoding = responses.parse_encoding(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """JSON, the only renderer; a list has `form` too. Tables have no renderer: an error on the way to one is
        answered in JSON."""
        if not force:
            self.form = responses.parse_format(request) if self.row() else responses.negotiate_format(request, ["json"])
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    def parameter_names(self) -> list[str]:
        """The names of the query parameters; a write has none."""
        if self.request.method not in SAFE_METHODS:
            return []
        names = list(_field_names(self.parameters)) if self.parameters else []
        if self.filterset_class:
            names += self.filterset_class.base_filters
        if getattr(self.pagination_class, "orders", None):
            names += ["ordering", "limit", "cursor"]
        if self.row():
            names += ["fields", "format", "encoding"]
        return names

    def query_values(self, request: Request) -> dict[str, Any]:
        """The query parameters, typed."""
        query = tuple(sorted(request.query_params.dict().items()))
        return dict(_validated(self.parameters or Serializer, query))

    @cached_property
    def generations(self) -> Mapping[str, datetime]:
        """The times of the last changes: of each market, and of what all of them share. Read before anything else."""
        return self.recorded_generations()

    def recorded_generations(self) -> Mapping[str, datetime]:
        """The generations as the database has them."""
        raise NotImplementedError

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        """The times of everything its answers depend on (None: unknown); None where changes are not tracked."""
        if cls.depends is None:
            return None
        return [generations.get(name) for name in cls.depends]

    def state(self) -> StateTimes | None:
        """`state_of` this request."""
        return self.state_of(self.generations, self.kwargs.get("market", ""))

    def last_modified(self) -> datetime | None:
        """The time of the last change of its answer; None where that is unknown."""
        return responses.latest_time(self.state() or [])

    def cached_response(self, build: Callable[[], Any]) -> HttpResponseBase:
        """The body that `build` returns, as JSON or a 304; from the response cache, where the view has one, as long as
        its state is the same."""
        request, state = self.request._request, self.state()
        if self.response_cache is None or state is None or not response_cache.is_cacheable(request):
            return self.json_response(build())
        key = CacheKey.of(request, state)
        cached = self.response_cache(key, build)
        return responses.serve_cached(request, cached, origin=key.origin, changed=responses.latest_time(state))

    def json_response(self, body: Any) -> HttpResponseBase:
        """The body as JSON, or a 304."""
        content = responses.to_json(body)
        return responses.json_response(self.request._request, content, changed=self.last_modified())

    def download_response(self, table: downloads.Table, name: str = "") -> HttpResponseBase:
        """The table in the requested format, in a file named `name`, else after its address."""
        return responses.download_response(
            self.request._request,
            table,
            form=self.form,
            encoding=self.encoding,
            name=name or self.request.path.removeprefix("/api/"),
            changed=self.last_modified(),
        )


def download_rows(pages: ListPagination, rows: QuerySet[Any], request: Request) -> Iterable[Any]:
    """The rows of a download: all of them in the requested order, at most `MOST_ROWS`; with `limit` or `cursor`, that
    page. A Problem (400) where there are more rows."""
    if request.query_params.keys() & {"limit", "cursor"}:
        return pages.paginate_queryset(rows, request)
    ordered = pages.sorted(rows, request)
    if ordered[MOST_ROWS : MOST_ROWS + 1].exists():
        raise Problem(
            "too_many_rows",
            f"These are more than {MOST_ROWS:,} rows: ask for fewer with a filter, or page by page with limit.",
            status_code=400,
        )
    return ordered.iterator(chunk_size=BATCH)


@lru_cache(256)
def _validated(form: type[Serializer[Any]], query: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """The validated values of a parameter serializer, which depend on the query alone."""
    serializer = form(data=dict(query))
    serializer.is_valid(raise_exception=True)
    values: Mapping[str, Any] = serializer.validated_data
    del serializer.fields  # they refer back to it
    return values


@cache
def _field_names(form: type[Serializer[Any]]) -> tuple[str, ...]:
    return tuple(form().fields)


def check_if_match(request: Request, tag: str) -> None:
    """A Problem (412) where the If-Match of a write names another state than `tag`; without the header it passes."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return
    if tag not in {etag.removeprefix("W/") for etag in parse_etags(header)}:
        raise Problem(
            "precondition_failed", "It has changed since it was read: read it again and decide anew.", status_code=412
        )
