"""Base classes of the pages: the reader, the market of the address, the links of the header."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import AccessMixin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.views.generic import TemplateView

from marketdata.markets import MARKETS, Market, get_market
from marketdata.nearest_name import did_you_mean
from marketdata.queries import instruments
from scans.queries.freshness import markets_freshness
from scans.wording.glossary import MARKET_NAMES


class Page(AccessMixin, TemplateView):
    """A page for readers who are logged in; for everybody with SEISMO_ANONYMOUS_READS."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not settings.ANONYMOUS_READS:
            return self.handle_no_permission()
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["language"] = get_language() or "en"
        context["market_names"] = MARKET_NAMES
        return context


class MarketPage(Page):
    """A page below /{market}/; 404 for an unknown market."""

    section = ""

    @cached_property
    def market(self) -> Market:
        name = self.kwargs["market"]
        if name not in self.markets:
            raise Http404(f"There is no market {name!r} here.{did_you_mean(name, self.markets)}")
        return get_market(name)

    @cached_property
    def markets(self) -> list[str]:
        """The markets of the header's menu: the four built in, then imported ones."""
        return list(dict.fromkeys([*MARKETS, *instruments.get_market_names()]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context |= {"market": self.market, "markets": self.markets, "section": self.section}
        (context["freshness"],) = markets_freshness([self.market.name], timezone.now())
        return context
