"""Addresses of the pages of candles."""

from django.urls import path

from marketdata.candles.pages import views

app_name = "candles"
urlpatterns = [
    path("<str:market>/candles", views.CandleMarkets.as_view(), name="markets"),
    path("<str:market>/candles/<str:code>", views.CandleMarket.as_view(), name="market"),
    path("<str:market>/candles/<str:code>/collections", views.CandleCollections.as_view(), name="collections"),
]
