"""Login, logout and the settings of a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from scans.models import ReaderSettings

if TYPE_CHECKING:
    ReaderSettingsForm = forms.ModelForm[ReaderSettings]
    SettingsView = FormView["SettingsForm"]
else:
    ReaderSettingsForm, SettingsView = forms.ModelForm, FormView

LANGUAGES = (("", _("as the browser says")), ("ko", "한국어"), ("en", "English"))
THEMES = (("", _("as the device says")), ("light", _("light")), ("dark", _("dark")))
THEME_COOKIE = "seismo_theme"


class Login(LoginView):
    """The login of every active user, staff or not; it applies the reader's language and theme."""

    template_name = "pages/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        preferences = ReaderSettings.objects.filter(user=self.request.user).first()  # type: ignore[misc]
        if preferences:
            set_preference_cookies(response, preferences)
        return response


class Logout(LogoutView):
    next_page = "pages:login"


class SettingsForm(ReaderSettingsForm):
    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))
    theme = forms.ChoiceField(choices=THEMES, required=False, label=_("Theme"))

    class Meta:
        model = ReaderSettings
        fields = ("language", "theme")


class Settings(LoginRequiredMixin, SettingsView):
    """The settings of the reader, stored on the server."""

    template_name = "pages/settings.html"
    form_class = SettingsForm
    success_url = reverse_lazy("pages:settings")

    def get_form_kwargs(self) -> dict[str, Any]:
        user = self.request.user
        row = ReaderSettings.objects.filter(user=user).first() or ReaderSettings(user=user)  # type: ignore[misc]
        return {**super().get_form_kwargs(), "instance": row}

    def form_valid(self, form: SettingsForm) -> HttpResponse:
        row = form.save()
        response = super().form_valid(form)
        set_preference_cookies(response, row)
        return response


def set_preference_cookies(response: HttpResponse, row: ReaderSettings) -> None:
    """Set the cookies of the language and the theme, or delete them where the reader has no preference."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, row.language), (THEME_COOKIE, row.theme)):
        if value:
            response.set_cookie(name, value, max_age=31_536_000, samesite="Lax", secure=settings.HTTPS)
        else:
            response.delete_cookie(name)
