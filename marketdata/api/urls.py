"""URLs of marketdata's part of the API."""

from django.urls import path

from marketdata.api import flows, quotes, sources, stocks

urlpatterns = [
    path("<str:market>/quotes", quotes.Quotes.as_view()),
    path("<str:market>/sources", sources.Sources.as_view()),
    path("<str:market>/stocks", stocks.Stocks.as_view()),
    path("<str:market>/stocks/<code:code>", stocks.OneStock.as_view()),
    path("<str:market>/stocks/<code:code>/flows", flows.StockFlows.as_view()),
]
