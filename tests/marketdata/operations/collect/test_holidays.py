"""Answers of a source about holidays on days of which bars are recorded, and disagreements until a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from marketdata.models import CalendarChange, CalendarOverride, StockPrice
from marketdata.operations.collect import holidays
from marketdata.queries.calendar_disagreements import get_disagreements
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.readiness import get_freshness
from tests.marketdata.operations.kis_setup import KisSetup, evening

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

MONDAY, TUESDAY = date(2026, 8, 24), date(2026, 8, 25)


@pytest.fixture
def kis() -> Iterator[KisSetup]:
    with KisSetup({}) as setup:
        yield setup


def record_bar(day: date) -> None:
    prices = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    at = evening(day)
    StockPrice.objects.create(
        market="kr", stock_code="000010", date=day, source="kis", volume=10.0, created_at=at, updated_at=at, **prices
    )


def kinds() -> list[tuple[date, str, bool]]:
    return list(CalendarChange.objects.order_by("pk").values_list("date", "kind", "is_open"))


def sentences(since: date = MONDAY) -> list[str]:
    return [one.sentence for one in get_disagreements("kr", since)]


def test_a_session_with_bars_is_not_closed_by_a_source(kis: KisSetup) -> None:
    record_bar(MONDAY)
    kis.exchange.closed = frozenset({MONDAY, TUESDAY})
    done = holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
    assert (done.written, done.disputed) == ((TUESDAY,), (MONDAY,))
    days = set(get_sessions("kr").tolist())
    assert (MONDAY in days, TUESDAY in days) == (True, False)
    decide = "confirm or correct it in the admin's calendar overrides."
    assert sentences() == [
        f"kis calls {MONDAY} closed on market kr, against the calendar: it counts as a session still, since bars of it "
        f"are recorded; {decide}",
        f"kis calls {TUESDAY} closed on market kr, against the calendar: it counts as closed since then; {decide}",
    ]


def test_a_closed_day_with_bars_is_not_opened_by_a_source(kis: KisSetup) -> None:
    """The source's own override stays, too: withdrawing it would change what scans read."""
    kis.exchange.closed = frozenset({MONDAY})
    holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
    record_bar(MONDAY)
    kis.exchange.closed = frozenset()
    done = holidays.sync(kis.source, market="kr", as_of=evening(TUESDAY))
    assert (done.removed, done.disputed) == ((), (MONDAY,))
    assert MONDAY not in get_sessions("kr").tolist()
    assert (
        "kis calls 2026-08-24 a session on market kr, against the calendar: it counts as closed still" in sentences()[0]
    )


def test_a_dispute_ends_where_the_source_agrees_and_may_begin_again(kis: KisSetup) -> None:
    record_bar(MONDAY)
    kis.exchange.today = TUESDAY
    CalendarOverride.objects.create(market="kr", date=TUESDAY + timedelta(days=3), is_open=False, note="by hand")
    friday = TUESDAY + timedelta(days=3)
    expected = []
    for offset, closed in enumerate([frozenset(), frozenset({friday}), frozenset()]):
        kis.exchange.closed = closed
        holidays.sync(kis.source, market="kr", as_of=evening(MONDAY + timedelta(days=offset)))
        expected.append((friday, "agreed", False) if closed else (friday, "disputed", True))
        assert kinds() == expected
        assert bool(sentences()) is not bool(closed)
    assert sentences() == [
        f"kis calls {friday} a session on market kr, against the calendar: it counts as closed by a person's override."
    ]


def test_readiness_names_what_no_person_has_decided(kis: KisSetup) -> None:
    record_bar(MONDAY)
    kis.exchange.closed = frozenset({TUESDAY})
    holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
    (freshness,) = get_freshness(["kr"], evening(MONDAY))
    assert [one.day for one in freshness.disagreements] == [TUESDAY]
    assert freshness.doubts == sentences()[0]
    override = CalendarOverride.objects.get(date=TUESDAY)
    override.source = ""  # as the admin saves it
    override.save()
    (freshness,) = get_freshness(["kr"], evening(MONDAY))
    assert (freshness.disagreements, freshness.doubts) == ((), "")
