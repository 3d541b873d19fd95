"""Evenings: every version kept apart, what was missed made up for, done once, reported whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pandas as pd
import pytest
from django.db import connection

from marketdata.models import LeaseRow
from marketdata.operations.lease import Lease, LeaseLost, LeaseTaken
from marketdata.operations.projection import current_lake
from scans.management.evenings import evening_text
from scans.models import (
    Delivery,
    Evening,
    Notification,
    ScannerVersion,
    ScanRank,
    ScanRun,
    ScanSession,
    Signal,
    Status,
)
from scans.operations import signals
from scans.operations.evening import evening, schedule
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.report import EveningReport
from scans.queries.versions import UnknownVersion
from tests.scans.conftest import frame
from tests.scans.probe import Probe

DELAY = timedelta(hours=1, minutes=10)
BOTH = ("rises", "rises-10")


def night(day: date) -> datetime:
    """18:10 in Seoul."""
    return datetime(day.year, day.month, day.day, 9, 10, tzinfo=UTC)


class Evenings:
    """Runs evenings without collecting, and keeps what was kept ready."""

    def __init__(self) -> None:
        self.warmed: list[tuple[str, list[str]]] = []

    def __call__(self, at: datetime, **options: Any) -> EveningReport:
        request = EveningRequest(**{"market": "kr", "versions": BOTH, "collects": False, **options})
        return evening.run_evening(request, clock=lambda: at, warm_up=self.warm)

    def warm(self, market: str, versions: Iterable[str]) -> None:
        self.warmed.append((market, list(versions)))


@pytest.fixture
def evenings() -> Evenings:
    return Evenings()


def published(slug: str) -> list[date]:
    rows = ScanSession.objects.filter(scanner_version__slug=slug, market="kr", published=True)
    return list(rows.order_by("date").values_list("date", flat=True))


def test_every_version_and_one_notification(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    probe.plan = (0.1, -0.1, 5)
    last = sessions[-1]
    report = evenings(night(last))
    assert (report.session, report.outcome, report.failures(), report.news) == (last, "done", [], True)
    assert [one.scanner_version for one in report.versions] == list(BOTH)
    assert published("rises") == published("rises-10") == [last]
    assert evenings.warmed == [("kr", list(BOTH))]
    row = Notification.objects.get()
    assert (row.market, row.session, row.outcome, row.reason) == ("kr", last, "done", "")
    for one in row.versions:
        ranks = ScanRank.objects.filter(
            scanner_version__slug=one["scanner_version"], date=last, published=True
        ).order_by("rank")
        assert one["matched"] == one["ranked"] == ranks.count()
        assert [(pick["code"], pick["score"]) for pick in one["picks"]] == [
            (rank.code, rank.score) for rank in ranks[:5]
        ]
    assert row.signals == {"opened": Signal.objects.count(), "moved": 0, "moves": [], "moves_left_out": 0}
    assert Signal.objects.count() > 0
    assert Evening.objects.get().status == Status.PUBLISHED


def test_what_a_naive_reading_of_the_bars_picks(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    wide = market.pivot(index="date", columns="code", values="close")
    rise = (wide.iloc[-1] / wide.iloc[-2] - 1).sort_values(ascending=False)
    evenings(night(sessions[-1]), versions=["rises"])
    picks = Notification.objects.get().versions[0]["picks"]
    assert [pick["code"] for pick in picks] == list(rise[rise > 0].index[:5])


def test_failed_version_does_not_affect_the_other(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    """Parameters that no longer fit end a run of both before it begins; each is then run by itself."""
    ScannerVersion.objects.filter(slug="rises-10").update(params={"scale": -1.0})
    report = evenings(night(sessions[-1]))
    assert (report.outcome, published("rises"), published("rises-10")) == (
        "partial",
        [sessions[-1]],
        [],
    )
    failed = Notification.objects.get().versions[1]
    assert (failed["scanner_version"], failed["status"], failed["picks"]) == ("rises-10", "failed", [])
    assert "scale" in failed["reason"]
    assert report.failures() == [failed["reason"]]
    ScannerVersion.objects.filter(slug="rises-10").update(params={"scale": 10.0})
    again = evenings(night(sessions[-1]))
    assert (again.outcome, again.news, again.notification) == ("done", True, report.notification)
    assert Notification.objects.get().outcome == "done"
    runs = ScanRun.objects.order_by("pk").values_list("scanner_version__slug", "status")
    assert list(runs) == [("rises", "published"), ("rises", "unchanged"), ("rises-10", "published")]


def test_an_engine_that_fails_is_reported(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    probe.failure = RuntimeError("boom")
    report = evenings(night(sessions[-1]), versions=["rises", "v2"])
    assert [(one.scanner_version, one.status) for one in report.versions] == [
        ("rises", "failed"),
        ("v2", "no_match"),
    ]
    assert "RuntimeError: boom" in report.versions[0].reason
    assert evenings.warmed == [("kr", ["v2"])]
    assert Notification.objects.get().outcome == "partial"


def test_all_that_fit_the_market_where_none_is_named(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    ScannerVersion.objects.filter(slug="v1").update(enabled=False)
    ScannerVersion.objects.create(slug="misspelt", engine="probe", segments=["KOSPI", "KOSDAK"])
    report = evenings(night(sessions[-1]), versions=())
    assert [one.scanner_version for one in report.versions] == [
        "rises",
        "rises-10",
        "seismograph",
        "v2",
        "v3",
        "vcp",
    ]
    # Versions of coins or of US stocks belong to other markets: a message about this one does not name them.
    assert report.readiness["skipped"] == {"misspelt": ["KOSDAK"]}
    (skipped,) = [line for line in evening_text(report).splitlines() if line.startswith("Skipped")]
    assert skipped == "Skipped, since the market lacks their segments: misspelt (KOSDAK)."
    named = evenings(night(sessions[-1]))
    assert "skipped" not in named.readiness
    with pytest.raises(UnknownVersion):
        evenings(night(sessions[-1]), versions=["v9"])


def test_a_second_call_changes_nothing(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    evenings(night(sessions[-1]))
    before = list(Notification.objects.values()), list(ScanSession.objects.values())
    report = evenings(night(sessions[-1]) + timedelta(hours=1))
    assert (report.news, [one.unchanged for one in report.versions]) == (False, [True, True])
    assert (list(Notification.objects.values()), list(ScanSession.objects.values())) == before
    one = evenings(night(sessions[-1]) + timedelta(hours=2), versions=["rises"])
    assert not one.news
    assert (list(Notification.objects.values()), list(ScanSession.objects.values())) == before
    assert ScanRun.objects.filter(status="unchanged").count() == 3  # each call is on record


def test_missed_evenings_are_made_up_for(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    evenings(night(sessions[20]), versions=["rises"])
    evenings(night(sessions[5]), versions=["rises-10"])
    report = evenings(night(sessions[24]))
    first, second = report.versions
    assert (first.sessions, first.left_out) == ([str(day) for day in sessions[21:25]], 0)
    assert (second.sessions, second.left_out) == ([str(day) for day in sessions[15:25]], 9)
    assert published("rises") == sessions[20:25]
    assert published("rises-10") == [sessions[5], *sessions[15:25]]
    alone = {row.date: row.result_digest for row in ScanSession.objects.filter(published=True)}
    evenings(night(sessions[22]), versions=["rises"])
    assert alone == {row.date: row.result_digest for row in ScanSession.objects.filter(published=True)}


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (night(date(2024, 4, 10)) + timedelta(hours=1), "No session of market kr closed since"),
        (night(date(2024, 4, 14)), "No session of market kr closed since"),
        (datetime(2024, 4, 29, 5, tzinfo=UTC), "No session of market kr closed since"),
    ],
    ids=["an election", "a Sunday", "a Monday before the close"],
)
def test_a_day_without_a_close(market: pd.DataFrame, probe: Probe, evenings: Evenings, at: datetime, why: str) -> None:
    report = evenings(at)
    assert report.session is None
    assert report.reason.startswith(why)
    assert report.failures() == []
    assert not Notification.objects.exists()
    assert not Evening.objects.exists()
    assert not ScanRun.objects.exists()


def test_what_is_made_up_for_before_todays_own_run_is_yesterdays(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    """A worker is there again at 17:00: today's session has closed, and its own run comes at 18:10."""
    before, last = sessions[-2:]
    since, until = schedule.closing_span("kr", "18:10", night(before), as_of=night(last) - DELAY)
    report = evenings(night(last) - DELAY, since=since, until=until)
    assert (report.session, published("rises")) == (before, [before])
    report = evenings(night(last), since=night(before))
    assert (report.session, published("rises")) == (last, [before, last])


def test_a_day_that_is_named(market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings) -> None:
    now = night(sessions[-1])
    report = evenings(now, session=date(2024, 4, 10))
    assert report.reason == "2024-04-10 is no session of market kr: nothing to do."
    report = evenings(datetime(2024, 4, 9, 1, tzinfo=UTC), session=date(2024, 4, 9))
    assert "has not closed on market kr yet" in report.reason
    assert evenings(now, session=sessions[10]).session == sessions[10]
    assert published("rises") == [sessions[10]]


def test_a_session_that_is_not_complete(
    bring: Callable[..., Any], probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    rows, last = frame(sessions), sessions[-1]
    bring(rows[(rows["date"] < last) | (rows["code"] < "005930")])
    report = evenings(night(last))
    assert (report.outcome, report.versions, ScanRun.objects.count()) == ("incomplete", [], 0)
    assert Evening.objects.get().status == "incomplete"
    row = Notification.objects.get()
    assert "only 2 instruments have a bar" in row.reason
    assert (row.readiness["expected"], row.readiness["present"]) == (6, 2)
    assert row.readiness["absent"] == {"no_bar": 4}
    assert row.readiness["state"] == "not_ready"
    assert not evenings(night(last) + timedelta(minutes=30)).news
    bring(rows)
    report = evenings(night(last) + timedelta(hours=1))
    assert (report.outcome, report.news) == ("done", True)
    row.refresh_from_db()
    assert (row.outcome, row.reason, len(row.versions)) == ("done", "", 2)
    assert Notification.objects.count() == 1
    assert row.readiness["state"] == "ready"
    assert list(Evening.objects.order_by("pk").values_list("status", flat=True)) == [
        "incomplete",
        "incomplete",
        "published",
    ]


def test_without_any_bars(data_dir: Any, probe: Probe, sessions: list[date], evenings: Evenings) -> None:
    report = evenings(night(sessions[-1]))
    assert report.outcome == "incomplete"
    assert "no instrument has a bar" in Notification.objects.get().reason


def test_signals_that_fail_are_reported(
    market: pd.DataFrame,
    probe: Probe,
    sessions: list[date],
    evenings: Evenings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "update_signals", lambda **options: 1 / 0)
    report = evenings(night(sessions[-1]))
    assert report.failures() == ["The signals were not updated: ZeroDivisionError."]
    assert Notification.objects.get().outcome == "partial"
    assert published("rises") == [sessions[-1]]


def test_unexpected_error_is_reported(
    market: pd.DataFrame,
    probe: Probe,
    sessions: list[date],
    evenings: Evenings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_lake, "current_record", lambda market: 1 / 0)
    report = evenings(night(sessions[-1]))
    assert (report.outcome, Evening.objects.get().status) == ("failed", Status.FAILED)
    assert "ZeroDivisionError" in Notification.objects.get().reason


def test_running_evening_is_refused_and_a_dead_one_taken_over(
    market: pd.DataFrame, probe: Probe, sessions: list[date], evenings: Evenings
) -> None:
    now = night(sessions[-1])
    other = Evening.objects.create(market="kr", session=sessions[-1], started_at=now)
    with Lease("evening of market kr"):
        with pytest.raises(LeaseTaken, match="The evening of market kr is at work in another"):
            evenings(now)
        assert not Notification.objects.exists()
        LeaseRow.objects.update(process_started=1)  # as if its process had ended
        assert evenings(now).outcome == "done"
    other.refresh_from_db()
    assert other.status == Status.FAILED


def test_an_evening_that_was_taken_over_publishes_nothing(
    market: pd.DataFrame,
    probe: Probe,
    sessions: list[date],
    evenings: Evenings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scored = Probe.score

    def score(self: Probe, universe: Any, *rest: Any) -> Any:
        LeaseRow.objects.update(fence="of another process")
        return scored(self, universe, *rest)

    monkeypatch.setattr(Probe, "score", score)
    with pytest.raises(LeaseLost, match="took it over"):
        evenings(night(sessions[-1]))
    assert Evening.objects.get().status == Status.FAILED
    assert not ScanSession.objects.exists()
    assert {run.status for run in ScanRun.objects.all()} == {Status.FAILED}
    assert not Notification.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_it_once(market: pd.DataFrame, probe: Probe, sessions: list[date], settings: Any) -> None:
    settings.NOTIFY_EMAIL = ["ann@example.org"]
    start = Barrier(2)

    def one(_: int) -> str:
        start.wait()
        try:
            return str(Evenings()(night(sessions[-1])).outcome)
        except LeaseTaken:
            return "running"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(one, range(2)))
    assert statuses in (["done", "done"], ["done", "running"])
    assert ScanRun.objects.count() == 2
    assert Notification.objects.count() == 1
    assert Delivery.objects.count() == Delivery.objects.exclude(sent_at=None).count() == 1
