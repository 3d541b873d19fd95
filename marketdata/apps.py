"""The app of market data."""

from django.apps import AppConfig
from django.core.checks import register

from marketdata import checks


class MarketDataConfig(AppConfig):
    name = "marketdata"
    verbose_name = "Market data"

    def ready(self) -> None:
        register(checks.sources)
