"""Market data in the admin: what is recorded is shown, what is doubted is decided, the lake is rebuilt."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from marketdata.models import CalendarOverride, FactorEvent, LakePartition
from marketdata.operations.projection import project
from marketdata.queries import coverage
from marketdata.queries.records import get_record
from marketdata.queries.suspicions import get_suspicions
from tests.admin.views import page, sentences
from tests.scans.conftest import CODES, frame

SUSPECTED = "/admin/marketdata/factorevent/suspected/"
PARTITIONS = "/admin/marketdata/lakepartition/"
OVERRIDE = "/admin/marketdata/calendaroverride/add/"


@pytest.fixture
def split(bring: Any, sessions: list[date]) -> pd.DataFrame:
    """One instrument is split five for one on session 20, and nothing tells why."""
    rows = frame(sessions)
    after = (rows.code == CODES[0]) & (rows.date >= sessions[20])
    prices = ["open", "high", "low", "close"]
    rows.loc[after, prices] = (rows.loc[after, prices] / 5).round().clip(lower=1)
    bring(rows)
    project.project_bars("kr")
    return rows


def decide(console: Client, sessions: list[date], **sent: str) -> Any:
    about = {"market": "kr", "code": CODES[0], "day": sessions[20].isoformat(), "ratio": "0.2"}
    return console.post(SUSPECTED, {**about, **sent}, follow=True)


def test_a_suspected_action_waits_until_its_event_is_supplied(
    split: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    assert "1 suspected corporate action of market kr waits" in page(console, "/admin/")
    own = split[split.code == CODES[0]].set_index("date").close
    move = 100 * (own[sessions[20]] / own[sessions[19]] - 1)
    text = page(console, SUSPECTED)
    assert f"{move:.1f} %" in text
    response = decide(console, sessions, ratio="0.2", supply="1")
    sentence = f"The event of {CODES[0]} on {sessions[20]} is recorded with a ratio of 0.2."
    assert sentences(response) == [sentence]
    event = FactorEvent.objects.get()
    assert (event.ratio, event.source) == (0.2, "admin")
    assert LogEntry.objects.get().change_message == sentence
    assert not get_record("kr").stale
    assert "Nothing waits for a decision." in page(console, SUSPECTED)
    assert "suspected corporate action" not in page(console, "/admin/")


def test_a_suspected_action_is_accepted_as_a_real_move(
    split: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    decide(console, sessions, accept="1")
    assert FactorEvent.objects.get().ratio == 1
    assert get_suspicions(get_record("kr")) == []


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"ratio": "0"}, "ratio not above 0"),
        ({"ratio": "-1"}, "greater than or equal to 0"),
        ({"ratio": "much"}, "Enter a number"),
        ({"ratio": "nan"}, "Enter a number"),
        ({"day": "2024-03-09"}, "not a session"),
        ({"code": "999999"}, "has no instrument 999999"),
        ({"market": "moon"}, "Unknown market"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    split: pd.DataFrame, console: Client, sessions: list[date], sent: dict[str, str], sentence: str
) -> None:
    response = decide(console, sessions, supply="1", **sent)
    assert sentence in sentences(response)[0]
    assert not FactorEvent.objects.exists()


def test_an_event_is_added_and_corrected_through_the_same_door(
    split: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    sent = {"market": "kr", "stock_code": CODES[0], "date": sessions[20].isoformat()}
    add = "/admin/marketdata/factorevent/add/"
    refused = console.post(add, {**sent, "date": "2024-03-09", "ratio": "0.2"})
    assert "not a session" in refused.content.decode()
    wrong = console.post(add, {**sent, "ratio": "5"})
    assert "leaves a move of" in wrong.content.decode()
    console.post(add, {**sent, "ratio": "0.21"})
    event = FactorEvent.objects.get()
    console.post(reverse("admin:marketdata_factorevent_change", args=[event.pk]), {"ratio": "0.2"})
    event.refresh_from_db()
    assert event.ratio == 0.2
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [1, 2]
    assert get_suspicions(get_record("kr")) == []


def test_no_ratio_is_filled_in_and_the_nearest_split_is_suggested(split: pd.DataFrame, console: Client) -> None:
    text = page(console, SUSPECTED)
    assert 'name="ratio" step="any" min="0" placeholder="0.2 = 5:1"' in text
    assert "beyond the daily limit, near 5:1" in text


@pytest.fixture
def two_splits(split: pd.DataFrame, bring: Any, sessions: list[date]) -> pd.DataFrame:
    """Another instrument rises 3.5 times on session 25, which is near no simple split, on a smaller turnover."""
    after = (split.code == CODES[1]) & (split.date >= sessions[25])
    prices = ["open", "high", "low", "close"]
    split.loc[after, prices] = (split.loc[after, prices] * 3.45).round()
    split.loc[(split.code == CODES[0]) & (split.date == sessions[20]), "volume"] = 90_000_000
    bring(split)
    project.project_bars("kr")
    return split


def test_many_are_decided_at_once_with_a_reason(
    two_splits: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    ticked = [f"{sessions[20]} {CODES[0]}", f"{sessions[25]} {CODES[1]}"]
    sent = {"market": "kr", "ticked": ticked, "reason": "notice of the exchange"}
    response = console.post(SUSPECTED, {**sent, "many": "split"}, follow=True)
    assert sentences(response) == [
        "1 split recorded. notice of the exchange",
        "1 move without a simple split nearby: decide one by one.",
    ]
    event = FactorEvent.objects.get()
    assert (event.stock_code, event.ratio, event.reason) == (
        CODES[0],
        0.2,
        "notice of the exchange",
    )
    assert LogEntry.objects.get().change_message == "1 split recorded. notice of the exchange"
    response = console.post(SUSPECTED, {**sent, "many": "accept"}, follow=True)
    assert sentences(response) == ["1 move accepted as real. notice of the exchange"]
    assert FactorEvent.objects.get(stock_code=CODES[1]).ratio == 1
    assert get_suspicions(get_record("kr")) == []
    response = console.post(SUSPECTED, {**sent, "many": "accept"}, follow=True)
    assert sentences(response) == ["Nothing was recorded: tick the moves first."]


def test_suspicions_are_sorted_by_turnover(two_splits: pd.DataFrame, console: Client) -> None:
    for order, codes in (
        ("session", (CODES[1], CODES[0])),
        ("turnover", (CODES[0], CODES[1])),
        ("move", (CODES[1], CODES[0])),
        ("nonsense", (CODES[1], CODES[0])),
    ):
        text = page(console, f"{SUSPECTED}?order={order}")
        assert text.index(f">{codes[0]}</a>") < text.index(f">{codes[1]}</a>")


def test_months_of_the_lake_are_rebuilt_once_confirmed(market: Any, console: Client) -> None:
    project.project_bars("kr")
    rows = list(LakePartition.objects.filter(market="kr").order_by("month"))
    sent = {"action": "rebuild", "_selected_action": [row.pk for row in rows]}
    confirmation = console.post(PARTITIONS, sent)
    assert f"Rebuild {len(rows)} months of the lake?" in confirmation.content.decode()
    response = console.post(PARTITIONS, {**sent, "confirmed": "yes"}, follow=True)
    assert sentences(response) == [f"Rebuilt {len(rows)} months of the lake with {len(market)} bars."]
    for row in rows:
        fresh = LakePartition.objects.get(pk=row.pk)
        assert not fresh.is_stale
        assert fresh.written > row.written
        assert fresh.digest == row.digest
    assert LogEntry.objects.count() == len(rows)


def test_coverage_tells_what_is_missing(bring: Any, console: Client, sessions: list[date]) -> None:
    rows = frame(sessions)
    rows = rows[rows.date != sessions[12]]
    bring(rows)
    project.project_bars("kr")
    state = coverage.get_market_states(["kr"])[0]
    assert (state.first, state.last, state.sessions) == (
        sessions[0],
        sessions[-1],
        len(sessions) - 1,
    )
    assert (state.bars, state.instruments) == (len(rows), len(CODES))
    assert (state.missing, state.stale, state.suspects) == ((sessions[12],), (), 0)
    text = page(console, reverse("admin:coverage_of_market", args=["kr"]))
    assert f'href="{OVERRIDE}?market=kr&amp;date={sessions[12]}"' in text
    assert "lacks 1 session" in page(console, "/admin/")
    console.post(OVERRIDE, {"market": "kr", "date": sessions[12].isoformat(), "note": "storm"})
    assert coverage.get_market_states(["kr"])[0].missing == ()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"market": "moon", "date": "2024-03-04"}, "Unknown market"),
        ({"market": "kr", "date": "2024-03-09"}, "not a session by the calendar XKRX already"),
        ({"market": "kr", "date": "2024-03-04", "is_open": "on"}, "is a session by the calendar"),
        ({"market": "kr", "date": "1980-03-04"}, "The calendars reach from 1990-01-01"),
        ({"market": "kr", "date": "soon"}, "Enter a valid date"),
    ],
)
def test_an_override_that_says_nothing_is_refused(
    db: None, console: Client, sent: dict[str, str], sentence: str
) -> None:
    before = CalendarOverride.objects.count()
    response = console.post(OVERRIDE, sent)
    assert response.status_code == 200
    assert sentence in response.content.decode().replace("&#x27;", "'")
    assert CalendarOverride.objects.count() == before


def test_an_override_can_say_that_a_day_with_bars_was_open(
    market: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    day = sessions[12].isoformat()
    response = console.post(OVERRIDE, {"market": "kr", "date": day, "is_open": "on", "note": "as the notice says"})
    assert response.status_code == 302
    assert CalendarOverride.objects.get(market="kr", date=day).is_open


def test_price_list_searches_by_code_and_filters_by_day(
    market: pd.DataFrame, console: Client, sessions: list[date]
) -> None:
    prices = "/admin/marketdata/stockprice/"
    day = sessions[7].isoformat()
    rows = market[market.date == sessions[7]]
    text = page(console, prices, market="kr", date=day)
    for row in rows.itertuples():
        assert f'<td class="field-stock_code">{row.code}</td>' in text
        assert f">{row.volume:,}<" in text
    assert text.count("field-stock_code") == len(rows)
    assert page(console, prices, code=CODES[2]).count("field-stock_code") == len(sessions)
    last = page(console, prices)
    assert last.count("field-stock_code") == len(CODES)
    assert "is not a date" in page(console, prices, date="yesterday")
