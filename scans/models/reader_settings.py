"""The settings of a reader of the pages."""

from __future__ import annotations

from django.conf import settings
from django.db import models

LANGUAGES = ("ko", "en")
THEMES = ("light", "dark")
DENSITIES = ("compact", "roomy")
MOST_NAMES = 50
"""Versions, and markets, of the settings of one reader."""


class ReaderSettings(models.Model):
    """A reader's settings. Blank: the language of the browser, the theme of the device, rows of the usual height, every
    version, the market kr first."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reader_settings")
    language = models.CharField(max_length=8, blank=True)
    theme = models.CharField(max_length=8, blank=True)
    density = models.CharField(max_length=8, blank=True)
    versions = models.JSONField(default=list, blank=True, help_text="Scanner versions, those to show first")
    markets = models.JSONField(default=list, blank=True, help_text="Markets; the first one is the start page")

    def __str__(self) -> str:
        return f"settings of {self.user}"
