"""What every view shares: the market out of the path, no parameter that is not known, and for lists `fields=`,
`ordering=`, pages and downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.http import parse_etags
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from marketdata import catalogue
from marketdata.api import keeping, members, sending, tables
from marketdata.api.access import known_of
from marketdata.api.keeping import Keeper, State
from marketdata.api.pages import Pages
from marketdata.api.problems import Problem
from marketdata.markets import Market, UnknownMarket
from marketdata.markets import market as market_named
from marketdata.nearest_name import did_you_mean
from marketdata.tables.text import BATCH

MOST_ROWS = 200_000
"""How many rows a download may have."""


class View(GenericAPIView[Any]):
    """A view whose parameters are those of `parameters` and of its filters, rows and pages; any other is refused.

    `depends`: what it shows changes with these generations (and, below a market, with the market's) and with nothing
    else; None where nobody keeps track of its changes. `keeper`: what keeps its answers, if anything does.
    """

    parameters: type[Serializer[Any]] | None = None
    filterset_class: Any = None
    depends: ClassVar[Sequence[str] | None] = None
    keeper: ClassVar[Keeper | None] = None
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
            self.fields = members.chosen(request, row)
            self.encoding = sending.encoding_of(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Tables are no renderer's: whatever goes wrong on the way to one is told in JSON."""
        if self.row() and not force:
            self.form = sending.form_of(request)
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
        return catalogue.generations() if known is None else known.generations

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: Market | None) -> State | None:
        """The times of all that what is shown here depends on (None: not known); None where nobody keeps track."""
        if cls.depends is None:
            return None
        return [generations.get(name) for name in cls.depends]

    def state(self) -> State | None:
        """The same for this request."""
        return self.state_of(self.generations, getattr(self, "market", None))

    def changed(self) -> datetime | None:
        """When what is shown here last changed; None where that is not known."""
        return sending.latest(self.state() or [])

    def served(self, build: Callable[[], Any]) -> HttpResponseBase:
        """What `build` says, as JSON or a 304; kept, where this view keeps its answers, until any of its state
        changes."""
        request, state = self.request._request, self.state()
        if self.keeper is None or state is None or not keeping.is_kept(request):
            return self.answered(build())
        asked, known = keeping.Asked.by(request, state), known_of(request)
        if known is not None and known.missed is not None:
            kept = self.keeper.after_miss(known.missed, asked, build)
        else:
            kept = self.keeper(asked, build)
        return sending.unpacked(request, kept, changed=self.changed())

    def answered(self, body: Any) -> HttpResponseBase:
        """The body as JSON, or a 304."""
        content = sending.as_json(body)
        return sending.answered(self.request._request, content, changed=self.changed())

    def downloaded(self, table: tables.Table, name: str = "") -> HttpResponseBase:
        """The table in the form asked for; it is called after its address where no name is given."""
        name = name or self.request.path.removeprefix("/api/")
        request, changed = self.request._request, self.changed()
        return sending.downloaded(
            request,
            table,
            form=self.form,
            encoding=self.encoding,
            name=name,
            changed=changed,
        )


class MarketView(View):
    """A view below /api/{market}/."""

    market: Market

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.market = market_or_404(kwargs["market"], self.generations)

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return {**context, "market": getattr(self, "market", None)}

    @classmethod
    def state_of(cls, generations: Mapping[str, datetime], market: Market | None) -> State | None:
        own = super().state_of(generations, market)
        name = market.name if market else ""
        return None if own is None else [*own, generations.get(name)]


class MarketList(MarketView):
    """A list of a market, page by page or as a table: a subclass gives its `rows` and what they are."""

    model: type[Model]
    paginator: Pages

    def row(self) -> type[Serializer[Any]] | None:
        return self.serializer_class  # type: ignore[return-value]

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a request
            return self.model._default_manager.none()
        return self.rows()

    def rows(self) -> QuerySet[Any]:
        """The rows of the list, before filters."""
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.form != "json":
            return self.downloaded(self.table(self.filter_queryset(self.get_queryset())))
        return self.served(lambda: self.page(self.filter_queryset(self.get_queryset())))

    def page(self, rows: QuerySet[Any]) -> Any:
        """The body of the page asked for."""
        page = self.paginator.paginate_queryset(rows, self.request, self)
        told = members.told(self.get_serializer(page, many=True), self.fields)
        return self.paginator.get_paginated_response(told).data

    def table(self, rows: QuerySet[Any]) -> tables.Table:
        """The rows as a table (see `listed`)."""
        serializer = members.slim(self.get_serializer(), self.fields)
        found = listed(self.paginator, rows, self.request)
        return tables.Table(
            tables.columns(serializer), (serializer.to_representation(row) for row in found)
        )


def listed(pages: Pages, rows: QuerySet[Any], request: Request) -> Iterable[Any]:
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


def market_or_404(name: str, generations: Mapping[str, datetime]) -> Market:
    """The market of that name, where it is one of those that always are or has something recorded."""
    known = catalogue.markets(generations)
    if name not in known:
        raise Problem(
            "unknown_market",
            f"Unknown market {name!r}: the known ones are {', '.join(known)}."
            f"{did_you_mean(name, known)}",
            known=known,
        )
    try:
        return market_named(name)
    except UnknownMarket as error:
        raise Problem("unknown_market", str(error), known=known) from error


def unless_changed(request: Request, tag: str) -> None:
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
