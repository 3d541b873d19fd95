"""The frame of all pages: the reader, the market of the address, the links of the header."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import AccessMixin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.views.generic import TemplateView

from marketdata.markets import MARKET_NAMES, Market, get_market
from marketdata.nearest_name import did_you_mean
from marketdata.queries import instruments
from marketdata.queries.instruments import Generations


class Page(AccessMixin, TemplateView):
    """A page for readers who are logged in; for everybody with SEISMO_ANONYMOUS_READS."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not settings.ANONYMOUS_READS:
            return self.handle_no_permission()
        texts = (str(part) for part in (*kwargs.values(), *request.GET.values()))
        if any("\x00" in text for text in texts):  # PostgreSQL takes no such text
            raise Http404("No name holds a null character.")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["language"] = get_language() or "en"
        context["market_names"] = MARKET_NAMES
        return context


class FramedPage(Page):
    """A page below /{market}/ in the frame `pages/base.html`; 404 for an unknown market. `section`: its link in the
    header."""

    section = ""

    @cached_property
    def generations(self) -> Generations:
        """The times of the last changes of each market's data and of the versions. Read before anything else."""
        session = getattr(self.request, "session", None)  # a warm-up has none
        generations: Generations | None = getattr(session, "generations", None)
        return instruments.get_generations() if generations is None else generations

    @cached_property
    def markets(self) -> list[str]:
        """The markets of the header's menu: the four built in, then imported ones."""
        return instruments.list_markets(self.generations)

    @cached_property
    def market(self) -> Market:
        name = self.kwargs["market"]
        if name not in self.markets:
            raise Http404(f"There is no market {name!r} here.{did_you_mean(name, self.markets)}")
        return get_market(name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {"market": self.market, "markets": self.markets, "section": self.section}
