"""Where the scans' part of the API is."""

from django.urls import path

from scans.api import comparing, picks, readings, scans, versions

urlpatterns = [
    path("versions", versions.Versions.as_view()),
    path("versions/<str:slug>", versions.OneVersion.as_view()),
    path("<str:market>/scans", scans.Runs.as_view()),
    path("<str:market>/scans/latest", scans.LatestScan.as_view()),
    path("<str:market>/scans/dates", scans.Dates.as_view()),
    path("<str:market>/scans/changes", comparing.Changes.as_view()),
    path("<str:market>/scans/compare", comparing.Compare.as_view()),
    path("<str:market>/scans/<str:date>", scans.DatedScan.as_view()),
    path("<str:market>/signals", picks.Signals.as_view()),
    path("<str:market>/stocks/<str:code>/scans", picks.StockScans.as_view()),
    path("<str:market>/stocks/<str:code>/explain", readings.Explain.as_view()),
]
