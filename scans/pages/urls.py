"""Addresses of the trader's pages."""

from __future__ import annotations

from datetime import date

from django.urls import path, register_converter

from marketdata.markets import is_market
from scans.pages import (
    account,
    home,
    marks,
    messages,
    operations,
    parts,
    portfolio,
    rescan,
    research,
    review,
    signals,
    sources,
    stock,
    tonight,
)


class DayConverter:
    """A day of a path: 2026-08-21."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class MarketConverter:
    """The name of a market; any other path is not found."""

    regex = r"[a-z]+(?:-[a-z0-9]{1,7})?"

    def to_python(self, value: str) -> str:
        if not is_market(value):
            raise ValueError(value)
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(DayConverter, "day")
register_converter(MarketConverter, "market")

app_name = "pages"
urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("login", account.Login.as_view(), name="login"),
    path("logout", account.Logout.as_view(), name="logout"),
    path("settings", account.Settings.as_view(), name="settings"),
    path("settings/delete", account.DeleteOwnData.as_view(), name="delete_own_data"),
    path("settings/messages", messages.Messages.as_view(), name="messages"),
    path("settings/messages/<int:pk>", messages.Messages.as_view(), name="message_channel"),
    path("settings/messages/<int:pk>/test", messages.TestMessage.as_view(), name="message_test"),
    path("settings/messages/<int:pk>/delete", messages.DeleteChannel.as_view(), name="message_delete"),
    path("ops", operations.Operations.as_view(), name="operations"),
    path("ops/test", operations.TestNotification.as_view(), name="test_notification"),
    path("help", home.Help.as_view(), name="help"),
    path("<market:market>/", tonight.Tonight.as_view(), name="latest"),
    path("<market:market>/<day:day>/", tonight.Tonight.as_view(), name="tonight"),
    path("<market:market>/review", review.LatestReview.as_view(), name="latest_review"),
    path("<market:market>/<day:day>/review", review.Review.as_view(), name="review"),
    path("<market:market>/marks/<code:code>", marks.SaveMark.as_view(), name="mark"),
    path("<market:market>/signals", signals.Signals.as_view(), name="signals"),
    path("<market:market>/research", research.Research.as_view(), name="research"),
    path("<market:market>/research/<slug:slug>", research.SweepPage.as_view(), name="sweep"),
    path("<market:market>/portfolio", portfolio.Portfolio.as_view(), name="portfolio"),
    path("<market:market>/portfolio/report", portfolio.Report.as_view(), name="portfolio_report"),
    path("<market:market>/sources", sources.Sources.as_view(), name="sources"),
    path("<market:market>/rescan", rescan.Rescan.as_view(), name="rescan"),
    path("<market:market>/search", stock.Search.as_view(), name="search"),
    path("<market:market>/reasons/<code:code>", stock.Reasons.as_view(), name="reasons"),
    path("<market:market>/rates/<code:code>", stock.Rates.as_view(), name="rates"),
    path("<market:market>/funnel", parts.Funnel.as_view(), name="funnel"),
    path("<market:market>/s/<code:code>", stock.Stock.as_view(), name="stock"),
]
