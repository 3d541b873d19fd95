"""The start address and the help page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from marketdata.pages.frame import Page
from marketdata.pages.kept import RenderedOncePage
from scans.pages.account import chosen_market
from scans.wording import glossary
from scans.wording.meanings import explained_groups


class Home(Page):
    """A redirect to the evening of the reader's first market, or to the login."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("pages:latest", market=chosen_market(request))


class Help(RenderedOncePage):
    """The words of the engines and the keys of the pages."""

    template_name = "pages/help.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context |= {"glossary": explained_groups(), "keys": glossary.KEYS, "seismo_version": settings.VERSION}
        return context | {"start": chosen_market(self.request)}
