"""URLs of the scans' part of the API."""

from django.urls import path

from scans.api.views import (
    analysis,
    chart,
    comparisons,
    evaluation,
    evening,
    index,
    markets,
    marks,
    me,
    picks,
    readiness,
    requests,
    scans,
    versions,
)

urlpatterns = [
    path("me", me.Me.as_view()),
    path("me/export", me.Export.as_view()),
    path("me/data", me.OwnRecords.as_view()),
    path("markets", markets.Markets.as_view()),
    path("versions", versions.Versions.as_view()),
    path("versions/<str:slug>", versions.OneVersion.as_view()),
    # The most requested first: Django tries the lines in order.
    path("<str:market>/stocks/<code:code>/chart", chart.StockChart.as_view()),
    path("<str:market>/stocks/<code:code>/scans", picks.StockScans.as_view()),
    path("<str:market>/stocks/<code:code>/explain", analysis.Explain.as_view()),
    path("<str:market>/readiness", readiness.ReadinessView.as_view()),
    path("<str:market>/marks", marks.Marks.as_view()),
    path("<str:market>/marks/<code:code>", marks.OneMark.as_view()),
    path("<str:market>/evening/<str:date>", evening.Evening.as_view()),
    path("<str:market>/index", index.IndexView.as_view()),
    path("<str:market>/signals", picks.Signals.as_view()),
    path("<str:market>/scans", requests.Scans.as_view()),
    path("<str:market>/scans/latest", scans.LatestScan.as_view()),
    path("<str:market>/scans/dates", scans.Dates.as_view()),
    path("<str:market>/scans/changes", comparisons.Changes.as_view()),
    path("<str:market>/scans/compare", comparisons.Compare.as_view()),
    path("<str:market>/scans/<str:date>", scans.DatedScan.as_view()),
    path("<str:market>/active-version", versions.Active.as_view()),
    path("<str:market>/scan-requests", requests.Requests.as_view()),
    path("<str:market>/scan-requests/<str:number>", requests.OneRequest.as_view()),
    path("<str:market>/scan-requests/<str:number>/cancel", requests.Cancel.as_view()),
    path("<str:market>/scan-requests/<str:number>/rerun", requests.Rerun.as_view()),
    path("<str:market>/scan-requests/<str:number>/answer", requests.Draft.as_view()),
    path("<str:market>/analysis/<code:code>", analysis.Analyse.as_view()),
    path("<str:market>/evaluation", evaluation.EvaluationView.as_view()),
]
