"""The settings of a reader of the pages."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ReaderSettings(models.Model):
    """A reader's language and theme; blank: as the browser and the device say."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reader_settings")
    language = models.CharField(max_length=8, blank=True)
    theme = models.CharField(max_length=8, blank=True)

    def __str__(self) -> str:
        return f"settings of {self.user}"
