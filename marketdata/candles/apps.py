"""The app of intraday candles."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CandlesConfig(AppConfig):
    name = "marketdata.candles"
    verbose_name = _("Candles")
