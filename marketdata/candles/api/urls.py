"""URLs of candles."""

from django.urls import path

from marketdata.candles.api import views

urlpatterns = [
    path("<str:source>/candles/<str:code>", views.Candles.as_view()),
    path("<str:source>/candles/<str:code>/coverage", views.Coverage.as_view()),
    path("<str:source>/candles/<str:code>/collections", views.Collections.as_view()),
]
