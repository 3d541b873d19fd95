"""Schedules: the same time of day on the market's clock, whatever becomes of the hours, and missed runs made up for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from marketdata.markets import UnknownMarket, get_market
from scans.operations.evening import schedule
from scans.queries import schedules
from scans.queries.versions import UnknownVersion


def utc(*arguments: int) -> datetime:
    return datetime(*arguments, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "moment", "expected"),
    [
        ("kr", utc(2026, 8, 20, 6, 34), utc(2026, 8, 20, 6, 35)),
        ("kr", utc(2026, 8, 20, 6, 35), utc(2026, 8, 21, 6, 35)),
        # The day of the university entrance exam closes at 16:30: 16:35 in Seoul.
        ("kr", utc(2026, 11, 18, 6, 35), utc(2026, 11, 19, 7, 35)),
        ("kr", utc(2026, 11, 19, 7, 35), utc(2026, 11, 20, 6, 35)),
        ("upbit", utc(2026, 8, 20, 0, 9), utc(2026, 8, 20, 0, 10)),
        ("bithumb", utc(2026, 8, 20, 15, 11), utc(2026, 8, 21, 15, 10)),
        # New York: clocks go forward on Sunday 2026-03-08 and back on Sunday 2026-11-01.
        ("us", utc(2026, 3, 6, 20), utc(2026, 3, 6, 23, 0)),
        ("us", utc(2026, 3, 6, 23), utc(2026, 3, 7, 23, 0)),
        ("us", utc(2026, 3, 7, 23), utc(2026, 3, 8, 22, 0)),
        ("us", utc(2026, 3, 8, 22), utc(2026, 3, 9, 22, 0)),
        ("us", utc(2026, 10, 30, 22), utc(2026, 10, 31, 22, 0)),
        ("us", utc(2026, 10, 31, 22), utc(2026, 11, 1, 23, 0)),
        ("us", utc(2026, 11, 1, 23), utc(2026, 11, 2, 23, 0)),
    ],
)
def test_when_it_is_next(name: str, moment: datetime, expected: datetime) -> None:
    named = get_market(name)
    moments = schedule.next_moment(named, named.evening_at, moment)
    assert moments == expected
    assert schedule.last_moment(named, named.evening_at, moments + timedelta(seconds=1)) == moments


@pytest.mark.django_db
@pytest.mark.parametrize("at", [time(18, 0), time(2, 30), time(1, 30), time(23, 59)])
@pytest.mark.slow
def test_once_a_day_through_two_years_of_changing_clocks(at: time) -> None:
    named, zone = get_market("us"), ZoneInfo("America/New_York")
    moment, moments = utc(2026, 1, 1, 12), []
    for _ in range(730):
        moment = schedule.next_moment(named, at, moment)
        moments.append(moment)
    days = [one.astimezone(zone).date() for one in moments]
    assert days == [days[0] + timedelta(days=n) for n in range(730)]
    off = [one for one in moments if one.astimezone(zone).time() != at]
    assert len(off) == (2 if at == time(2, 30) else 0)  # half past two is not there once a year
    assert [schedule.last_moment(named, at, one) for one in moments[1:]] == moments[:-1]


@pytest.mark.django_db
def test_it_is_made_changed_listed_and_removed() -> None:
    now = utc(2026, 8, 20, 1)
    made = schedule.set_schedule("kr", as_of=now)
    assert (made.at, made.zone, made.versions) == (time(15, 35), "Asia/Seoul", ())
    assert made.next_run == utc(2026, 8, 20, 6, 35)
    changed = schedule.set_schedule("kr", as_of=now, at=time(17, 5), versions=["v2", "v3"], collects=False)
    assert (changed.versions, changed.collects) == (("v2", "v3"), False)
    assert changed.next_run == utc(2026, 8, 20, 8, 5)
    schedule.set_schedule("us", as_of=now)
    assert [one.market for one in schedules.evening_schedules()] == ["kr", "us"]
    names = Schedule.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == ["evening kr", "evening us", "settle us"]  # kr collects no bars, so none settle
    assert (schedule.remove_schedule("kr"), schedule.remove_schedule("kr")) == (True, False)
    assert [one.market for one in schedules.evening_schedules()] == ["us"]
    assert list(names.all()) == ["evening us", "settle us"]
    with pytest.raises(UnknownMarket):
        schedule.set_schedule("mars", as_of=now)
    with pytest.raises(UnknownVersion):
        schedule.set_schedule("kr", as_of=now, versions=["v9"])


@pytest.fixture
def broker() -> Any:
    """A queue in the database, whatever the installation's own is."""
    from django_q.brokers.orm import ORM

    return ORM("evenings")


def taken() -> list[dict[str, Any]]:
    """The tasks in the queue, which are then forgotten."""
    moments = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    OrmQ.objects.all().delete()
    return moments


@pytest.mark.django_db(transaction=True)
def test_missed_runs_are_made_up_for_once(broker: Any) -> None:
    """No worker ran for three days: the queue's own scheduler makes one task, which knows when it was due."""
    schedule.set_schedule("kr", as_of=utc(2026, 8, 20, 1))
    due = datetime.now(UTC) - timedelta(days=3)
    Schedule.objects.exclude(func=schedules.TASK).delete()
    Schedule.objects.update(next_run=due)
    scheduler(broker)
    scheduler(broker)
    (task,) = taken()
    assert task["func"] == "scans.tasks.evening"
    body = task["kwargs"]
    assert (body["market"], body["at"], body["versions"]) == ("kr", "15:35", [])
    assert datetime.fromisoformat(body["due"]) == due
    assert Schedule.objects.get(func=schedules.TASK).next_run > datetime.now(UTC)


@pytest.mark.django_db
def test_the_next_run_is_set_by_the_markets_clock(broker: Any) -> None:
    schedule.set_schedule("us", as_of=utc(2026, 3, 6, 12))
    schedule.set_next_run("us", "18:00", as_of=utc(2026, 3, 7, 23, 0))
    assert Schedule.objects.get(func=schedules.TASK).next_run == utc(2026, 3, 8, 22, 0)
    due = utc(2026, 3, 8, 22, 0)
    since, until = schedule.closing_span("us", "18:00", due, as_of=due + timedelta(seconds=20))
    assert (since, until) == (utc(2026, 3, 7, 23, 0), due)


@pytest.mark.django_db
def test_what_is_not_there_yet_is_looked_at_again_for_three_hours() -> None:
    schedule.set_schedule("kr", as_of=utc(2026, 8, 20, 1))
    now, looks = utc(2026, 8, 20, 9, 10, 5), []
    while schedule.retry_later("kr", "18:10", as_of=now):
        now = Schedule.objects.get(func=schedules.TASK).next_run
        looks.append(now)
    minutes = [5, 10, 15, 45, 75, 105, 135, 165]
    assert looks == [utc(2026, 8, 20, 9, 10, 5) + timedelta(minutes=n) for n in minutes]
    since, until = schedule.closing_span("kr", "18:10", looks[-1], as_of=looks[-1])
    assert since < utc(2026, 8, 20, 6, 30) < until == utc(2026, 8, 20, 9, 10)


@pytest.mark.django_db
def test_a_run_that_comes_an_hour_early_finds_no_close_and_sets_the_time_right() -> None:
    """A worker that died between the queue's step of a day and ours, over the night in which the clocks go back."""
    from scans.operations.evening.evening import EveningRequest, run_evening

    early = utc(2026, 11, 2, 20, 30)
    since, until = schedule.closing_span("us", "16:30", early, as_of=early)
    assert (since, until) == (utc(2026, 11, 1, 20, 30), utc(2026, 11, 1, 21, 30))

    def no_warm_up(market: str, versions: Any) -> None:
        raise AssertionError

    report = run_evening(EveningRequest("us", since=since, until=until), clock=lambda: early, warm_up=no_warm_up)
    assert (report.session, report.reason[:35]) == (None, "No session of market us closed sinc")
    assert schedule.next_moment(get_market("us"), time(16, 30), early) == utc(2026, 11, 2, 21, 30)


@pytest.mark.parametrize("kwargs", [None, "", "{'market': 'kr'}", "{'market': 'mars', 'at': '18:00'}", "no dict ("])
def test_invalid_schedule_row_is_left_out(db: None, kwargs: str | None) -> None:
    """It was edited by hand in the admin; the console and readiness go on."""
    schedule.set_schedule("us", as_of=utc(2026, 8, 20, 1))
    Schedule.objects.create(func=schedules.TASK, name="by hand", kwargs=kwargs)
    assert [one.market for one in schedules.evening_schedules()] == ["us"]


@pytest.mark.django_db
def test_a_version_has_an_evening_of_its_own() -> None:
    now = utc(2026, 8, 20, 1)
    schedule.set_schedule("kr", as_of=now, at=time(15, 42), versions=["v2"])
    added = schedule.set_schedule("kr", as_of=now, at=time(15, 43), versions=["v3"], adds=True)
    assert (added.at, added.versions, added.next_run) == (time(15, 43), ("v3",), utc(2026, 8, 20, 6, 43))
    rows = [(f"{one.at:%H:%M}", one.versions) for one in schedules.evening_schedules()]
    assert rows == [("15:42", ("v2",)), ("15:43", ("v3",))]
    assert (schedule.is_last("kr", "15:42"), schedule.is_last("kr", "15:43")) == (False, True)
    schedule.set_next_run("kr", "15:42", as_of=utc(2026, 8, 20, 6, 42, 30))
    moments = [one.next_run for one in schedules.evening_schedules()]
    assert moments == [utc(2026, 8, 21, 6, 42), utc(2026, 8, 20, 6, 43)]
    assert not schedule.is_alone("kr")
    schedule.set_schedule("kr", as_of=now)
    assert schedule.is_alone("kr")
    schedule.set_schedule("kr", as_of=now, at=time(16, 0), versions=["v3"], adds=True)
    assert schedule.remove_schedule("kr")
    assert schedules.evening_schedules() == []
