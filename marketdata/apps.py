"""The app of market data."""

from django.apps import AppConfig
from django.core.checks import register
from django.urls import register_converter
from django.utils.translation import gettext_lazy as _

from marketdata import checks
from marketdata.api.code_converter import CodeConverter


class MarketDataConfig(AppConfig):
    name = "marketdata"
    verbose_name = _("Market data")

    def ready(self) -> None:
        register(checks.check_sources)
        register_converter(CodeConverter, "code")
