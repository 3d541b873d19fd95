"""What every view shares: the market out of the path, no parameter that is not known, and for lists `fields=`,
`ordering=`, pages and downloads."""

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
from marketdata.web.api.access import known_of
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.problems import Problem
from marketdata.web.api.response_cache import ResponseCache, StateTimes

MOST_ROWS = 200_000
"""How many rows a download may have."""


class BaseView(GenericAPIView[Any]):
    """A view whose parameters are those of `parameters` and of its filters, rows and pages; any other is refused.

    `depends`: what it shows changes with these generations (and, below a market, with the market's) and with nothing
    else; None where nobody keeps track of its changes. `response_cache`: what keeps its answers, if anything does.
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
        """What the rows of its list are, where it has one: `fields=` chooses among their members, `format=` makes a
        table of them."""
        return None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Afterwards what refers back to the view is let go of. Else it would stay, and whatever it has read with it,
        until the collector comes by, whom a hundred such views keep for a tenth of a second."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            self.__dict__.pop("head", None)  # Django's: the same as `get`
            if isinstance(self.request, Request):
                self.request.parser_context.clear()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\x00" in text for text in kwargs.values()):  # PostgreSQL takes no such text
            raise NotFound("No name holds a null character.")
        known = self.known_parameters()
        for name in request.query_params:
            if name not in known:
                choices = f"choose among {', '.join(known)}" if known else "there are none here"
                raise Problem(
                    "unknown_parameter",
                    f"Unknown parameter {name!r}: {choices}.{did_you_mean(name, known)}",
                    status_code=400,
                    known=known,
                )
        row = self.row()
        if row:
            self.fields = serializers.parse_fields(request, row)
            self.encoding = responses.parse_encoding(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Tables are no renderer's: whatever goes wrong on the way to one is told in JSON."""
        if self.row() and not force:
            self.form = responses.parse_format(request)
            force = self.form != "json" or "format" in request.query_params
        return super().perform_content_negotiation(request, force)

    def known_parameters(self) -> list[str]:
        """The names of the query parameters; a write has none."""
        if self.request.method not in SAFE_METHODS:
            return []
        known = list(_members(self.parameters)) if self.parameters else []
        if self.filterset_class:
            known += self.filterset_class.base_filters
        if self.pagination_class:
            known += ["ordering", "limit", "cursor"]
        if self.row():
            known += ["fields", "format", "encoding"]
        return known

    def given(self, request: Request) -> dict[str, Any]:
        """The query parameters, typed."""
        asked = tuple(sorted(request.query_params.dict().items()))
        return dict(_given(self.parameters or Serializer, asked))

    @cached_property
    def generations(self) -> Mapping[str, datetime]:
        """When each market, and what belongs to all of them, last changed: read before anything that is shown."""
        known = known_of(self.request)
        return self.recorded_generations() if known is None else known.generations

    def recorded_generations(self) -> Mapping[str, datetime]:
        """The generations as the database has them."""
        raise NotImplementedError

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: str = "") -> StateTimes | None:
        """The times of all that what is shown here depends on (None: not known); None where nobody keeps track."""
        if cls.depends is None:
            return None
        return [generations.get(name) for name in cls.depends]

    def state(self) -> StateTimes | None:
        """The same for this request."""
        return self.state_of(self.generations, self.kwargs.get("market", ""))

    def changed(self) -> datetime | None:
        """When what is shown here last changed; None where that is not known."""
        return responses.latest_time(self.state() or [])

    def served(self, build: Callable[[], Any]) -> HttpResponseBase:
        """What `build` says, as JSON or a 304; kept, where this view keeps its answers, until any of its state
        changes."""
        request, state = self.request._request, self.state()
        if self.response_cache is None or state is None or not response_cache.is_cacheable(request):
            return self.answered(build())
        asked, known = response_cache.CacheKey.by(request, state), known_of(request)
        if known is not None and known.missed is not None:
            kept = self.response_cache.after_miss(known.missed, asked, build)
        else:
            kept = self.response_cache(asked, build)
        return responses.serve_cached(request, kept, changed=self.changed())

    def answered(self, body: Any) -> HttpResponseBase:
        """The body as JSON, or a 304."""
        content = responses.to_json(body)
        return responses.json_response(self.request._request, content, changed=self.changed())

    def downloaded(self, table: downloads.Table, name: str = "") -> HttpResponseBase:
        """The table in the form asked for; it is called after its address where no name is given."""
        name = name or self.request.path.removeprefix("/api/")
        request, changed = self.request._request, self.changed()
        return responses.download_response(
            request,
            table,
            form=self.form,
            encoding=self.encoding,
            name=name,
            changed=changed,
        )


def download_rows(pages: ListPagination, rows: QuerySet[Any], request: Request) -> Iterable[Any]:
    """What a download has: every row in the order asked for, at most `MOST_ROWS`; with `limit` or `cursor`, that page.
    More rows than that are refused, never cut off."""
    if request.query_params.keys() & {"limit", "cursor"}:
        return pages.paginate_queryset(rows, request)
    every = pages.sorted(rows, request)
    if every[MOST_ROWS : MOST_ROWS + 1].exists():
        raise Problem(
            "too_many_rows",
            f"These are more than {MOST_ROWS:,} rows: ask for fewer with a filter, or page by page with limit.",
            status_code=400,
        )
    return every.iterator(chunk_size=BATCH)


@lru_cache(256)
def _given(form: type[Serializer[Any]], asked: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """What a form makes of parameters: the same each time, for it looks at nothing else."""
    filled = form(data=dict(asked))
    filled.is_valid(raise_exception=True)
    found: Mapping[str, Any] = filled.validated_data
    del filled.fields  # which refer back to it
    return found


@cache
def _members(form: type[Serializer[Any]]) -> tuple[str, ...]:
    return tuple(form().fields)


def check_if_match(request: Request, tag: str) -> None:
    """Refuse a write whose If-Match names another state than `tag`; without one it goes ahead."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if tag not in {one.removeprefix("W/") for one in parse_etags(wanted)}:
        raise Problem(
            "precondition_failed",
            "It has changed since it was read: read it again and decide anew.",
            status_code=412,
        )
