"""The app of intraday candles."""

from django.apps import AppConfig


class CandlesConfig(AppConfig):
    name = "marketdata.candles"
    verbose_name = "Candles"
