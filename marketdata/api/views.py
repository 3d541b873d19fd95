"""What every view of a market shares: the market out of the path, and no parameter that is not known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketdata import catalogue
from marketdata.api.problems import Problem
from marketdata.markets import Market, UnknownMarket
from marketdata.markets import market as market_named


class View(GenericAPIView[Any]):
    """A view whose parameters are those of `parameters` and of its filters and pages; any other is refused."""

    parameters: type[Serializer[Any]] | None = None
    filterset_class: Any = None

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
                    f"Unknown parameter {name!r}: {choices}.",
                    status_code=400,
                    known=known,
                )

    def known_parameters(self) -> list[str]:
        """The names of the query parameters."""
        known: list[str] = []
        if self.parameters:
            known += self.parameters().fields
        if self.filterset_class:
            known += self.filterset_class.base_filters
        if self.pagination_class:
            known += ["limit", "cursor"]
        return known

    def given(self, request: Request) -> dict[str, Any]:
        """The query parameters, typed."""
        form = (self.parameters or Serializer)(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        found: dict[str, Any] = form.validated_data
        return found


class MarketView(View):
    """A view below /api/{market}/."""

    market: Market

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.market = market_or_404(kwargs["market"])

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        return {**context, "market": getattr(self, "market", None)}


class MarketList(MarketView, ListAPIView[Any]):
    """A list of a market, page by page: a subclass gives its `rows` and what they are."""

    model: type[Model]

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a request
            return self.model._default_manager.none()
        return self.rows()

    def rows(self) -> QuerySet[Any]:
        """The rows of the list, before filters."""
        raise NotImplementedError


def market_or_404(name: str) -> Market:
    """The market of that name, where it is one of those that always are or has something recorded."""
    known = catalogue.markets()
    if name not in known:
        raise Problem(
            "unknown_market",
            f"Unknown market {name!r}: the known ones are {', '.join(known)}.",
            known=known,
        )
    try:
        return market_named(name)
    except UnknownMarket as error:
        raise Problem("unknown_market", str(error), known=known) from error


def etag(parts: Sequence[object]) -> str:
    """An entity tag that changes with any of `parts`."""
    text = "\n".join(map(str, parts))
    return f'"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"'


def not_modified(request: Request, tag: str) -> Response | None:
    """The 304 where the caller has what `tag` names already."""
    held = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in held and tag not in {one.removeprefix("W/") for one in held}:
        return None
    return tagged(Response(status=304), tag)


def tagged(response: Response, tag: str) -> Response:
    """The response with its tag; to be kept by the caller alone and asked after each time."""
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response
