"""Login, logout, and the settings of a reader, with the export and the deletion of what belongs to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, LogoutView
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView, TemplateView

from marketdata.markets import MARKET_NAMES, is_market
from marketdata.pages.kept import TOKEN_PLACE, kept_response
from marketdata.queries import instruments
from scans.models import ReaderSettings
from scans.operations.marks import delete_own_data, save_settings
from scans.queries.marks import SettingsQueries, all_marks, read_settings_page, reader_settings

if TYPE_CHECKING:
    SettingsView = FormView["SettingsForm"]
else:
    SettingsView = FormView

LANGUAGES = (("", _("as the browser says")), ("ko", "한국어"), ("en", "English"))
THEMES = (("", _("as the device says")), ("light", _("light")), ("dark", _("dark")))
DENSITIES = (("", _("usual")), ("compact", _("compact")), ("roomy", _("roomy")))
THEME_COOKIE, DENSITY_COOKIE, VERSIONS_COOKIE, MARKETS_COOKIE = (
    f"seismo_{name}" for name in ("theme", "density", "versions", "markets")
)
NAMES = re.compile(r"[A-Za-z0-9_.-]{1,2000}")
"""The value of a cookie with names, which a dot separates."""


class Login(LoginView):
    """The login of every active user, staff or not; it applies the reader's settings."""

    template_name = "pages/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        set_preference_cookies(response, reader_settings(self.request.user))
        return response


class Logout(LogoutView):
    next_page = "pages:login"


class SettingsForm(forms.Form):
    """The settings; `market` is the first one of `ReaderSettings.markets`."""

    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))
    theme = forms.ChoiceField(choices=THEMES, required=False, label=_("Theme"))
    density = forms.ChoiceField(choices=DENSITIES, required=False, label=_("Height of rows"))
    market = forms.ChoiceField(required=False, label=_("Market of the start page"))
    versions = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Versions that you read"),
        help_text=_("None: all of them"),
    )

    def __init__(self, *args: Any, markets: Sequence[str], slugs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["market"].choices = [(name, MARKET_NAMES.get(name, name)) for name in markets]  # type: ignore[attr-defined]
        self.fields["versions"].choices = [(slug, slug) for slug in slugs]  # type: ignore[attr-defined]


class Settings(LoginRequiredMixin, SettingsView):
    """The settings of the reader, stored on the server."""

    template_name = "pages/settings.html"
    form_class = SettingsForm
    success_url = reverse_lazy("pages:settings")

    @cached_property
    def records(self) -> SettingsQueries:
        """What is recorded of the reader, and the versions to choose from."""
        return read_settings_page(self.request.user)

    def get_form_kwargs(self) -> dict[str, Any]:
        generations = getattr(self.request.session, "generations", None)  # read with the session
        markets = instruments.get_market_names() if generations is None else instruments.list_markets(generations)
        return super().get_form_kwargs() | {"markets": markets, "slugs": list(self.records.versions)}

    def get_initial(self) -> dict[str, Any]:
        row = self.records.settings_of(self.request.user)
        names = ("language", "theme", "density", "versions")
        return {name: getattr(row, name) for name in names} | {"market": (row.markets or ["kr"])[0]}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {"mark_count": self.records.mark_count, "start": chosen_market(self.request)}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page, kept as long as its form is the same, unless that was sent."""
        form = context["form"]
        if form.is_bound or kwargs or len(get_messages(self.request)):
            return super().render_to_response(context, **kwargs)
        choices = [list(form.fields[name].choices) for name in ("market", "versions")]
        state = (form.initial, choices, context["mark_count"], context["start"])
        page = {**context, **TOKEN_PLACE}
        return kept_response(self.request, state, lambda: render_to_string(self.template_name, page, self.request))

    def form_valid(self, form: SettingsForm) -> HttpResponse:
        changes = dict(form.cleaned_data)
        first = changes.pop("market") or "kr"
        markets = self.records.settings_of(self.request.user).markets
        changes["markets"] = [first, *(name for name in markets if name != first)]
        row = save_settings(user=self.request.user, changes=changes)
        response = redirect(f"{self.success_url}?saved")
        set_preference_cookies(response, row)
        return response


class DeleteOwnData(LoginRequiredMixin, TemplateView):
    """`/settings/delete`: asks, and deletes the reader's marks and settings."""

    template_name = "pages/delete_own_data.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"mark_count": all_marks(self.request.user).count()}

    def post(self, request: HttpRequest) -> HttpResponse:
        delete_own_data(request.user)
        response = redirect("pages:settings")
        set_preference_cookies(response, ReaderSettings())
        return response


def set_preference_cookies(response: HttpResponse, row: ReaderSettings) -> None:
    """Set the cookies of the settings that pages read, or delete those of which the reader has none."""
    cookies = {
        settings.LANGUAGE_COOKIE_NAME: row.language,
        THEME_COOKIE: row.theme,
        DENSITY_COOKIE: row.density,
        VERSIONS_COOKIE: ".".join(row.versions),
        MARKETS_COOKIE: ".".join(row.markets),
    }
    for name, value in cookies.items():
        if value:
            response.set_cookie(name, value, max_age=31_536_000, samesite="Lax", secure=settings.HTTPS)
        else:
            response.delete_cookie(name)


def chosen_versions(request: HttpRequest) -> list[str]:
    """The names of the versions that the reader chose in the settings; none: all of them."""
    return _names(request, VERSIONS_COOKIE)


def chosen_market(request: HttpRequest) -> str:
    """The market of the start page."""
    market = (_names(request, MARKETS_COOKIE) or ["kr"])[0]
    return market if is_market(market) else "kr"


def _names(request: HttpRequest, cookie: str) -> list[str]:
    value = request.COOKIES.get(cookie, "")
    return value.split(".") if NAMES.fullmatch(value) else []
