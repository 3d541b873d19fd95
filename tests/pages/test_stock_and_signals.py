"""The pages of a stock and of the signals."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from django.test import Client

from tests.api.conftest import risers
from tests.scans.conftest import AS_OF


def test_stock_shows_the_plan_of_the_pick_that_was_followed(
    scanned: pd.DataFrame, sessions: list[date], browser: Client
) -> None:
    day = sessions[30]
    code = risers(scanned, day)[0]
    html = browser.get(f"/kr/s/{code}?scanner_version=rises&date={day}").content.decode()
    assert "rises #1" in html
    close = scanned[(scanned.code == code) & (scanned.date == day)].close.item()
    assert f"{close:,}" in html
    assert html.count('data-order="') == 2


def test_chart_draws_a_candle_for_each_bar(scanned: pd.DataFrame, sessions: list[date], browser: Client) -> None:
    html = browser.get("/kr/s/005930").content.decode()
    assert html.count('class="body"') == len(sessions)
    last = scanned[(scanned.code == "005930") & (scanned.date == sessions[-1])].close.item()
    assert f"<title>{sessions[-1]} {last:,}</title>" in html


def test_unknown_stock_is_not_found(scanned: pd.DataFrame, browser: Client) -> None:
    assert browser.get("/kr/s/999999").status_code == 404


def test_search_goes_to_the_only_stock_that_fits(scanned: pd.DataFrame, browser: Client) -> None:
    response = browser.get("/kr/search", {"q": "005930"})
    assert response.status_code == 302
    assert response["Location"] == "/kr/s/005930"
    html = browser.get("/kr/search", {"q": "<b>none</b>"}).content.decode()
    assert "&lt;b&gt;none&lt;/b&gt;" in html


def test_signals_are_sorted_by_their_distance_to_the_stop(scanned: pd.DataFrame, browser: Client) -> None:
    from scans.models import Signal
    from scans.operations import signals

    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    assert Signal.objects.update(status="open")
    html = browser.get("/kr/signals?status=open").content.decode()
    shown = re.findall(r"version=rises", html)
    assert len(shown) == Signal.objects.filter(market="kr", status="open").count()
    distances = [
        float(text.replace("\u2212", "-"))
        for text in re.findall(r'Stop"[^>]*>[\d,]+ ?<small>([+\u2212]?[\d.]+) %', html)
    ]
    assert len(distances) == len(shown) > 10
    assert distances == sorted(distances, reverse=True)


def test_of_many_open_signals_those_nearest_to_their_stop_are_listed_and_not_the_latest(
    scanned: pd.DataFrame, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scans.models import Signal
    from scans.operations import signals

    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    everything = Signal.objects.update(status="open")
    # Each stop lies further below the last close than the one before, that of the oldest pick nearest.
    last = scanned.sort_values("date").groupby("code").close.last()
    nearest = []
    for n, signal in enumerate(Signal.objects.order_by("picked_on", "code").select_related("rank")):
        signal.rank.stop = float(last[signal.code]) * 0.97 ** (n + 1)
        signal.rank.save()
        nearest.append(f"/kr/s/{signal.code}?date={signal.picked_on}")
    monkeypatch.setattr("scans.pages.signals.LISTED", 7)
    html = browser.get("/kr/signals?status=open").content.decode()
    assert f"{everything} in all, the 7 nearest to their stop listed" in html
    shown = [
        f"{path}?date={day}"
        for path, day in re.findall(r'href="(/kr/s/\w+)\?scanner_version=rises&amp;date=([\d-]+)"', html)
    ]
    assert shown == nearest[:7]


@pytest.mark.parametrize(("late", "words"), [(True, r"(\d+) of \1 picks were computed afterwards"), (False, None)])
def test_outcomes_say_how_many_picks_were_computed_afterwards(
    scanned: pd.DataFrame, sessions: list[date], browser: Client, late: bool, words: str | None
) -> None:
    from scans.models import ScanRun, Signal
    from scans.operations import signals

    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    began = datetime(sessions[-1].year, sessions[-1].month, sessions[-1].day, tzinfo=UTC)
    ScanRun.objects.update(started_at=began + timedelta(days=20 if late else -400))
    Signal.objects.update(status="open")
    code = risers(scanned, sessions[30])[0]
    for page in ("/kr/signals?status=open", f"/kr/s/{code}"):
        html = browser.get(page).content.decode()
        assert re.search(words, html) if words else "computed afterwards" not in html


def test_suggestions_are_links_to_stocks(scanned: pd.DataFrame, browser: Client) -> None:
    html = browser.get("/kr/search", {"q": "005", "part": "1"}).content.decode()
    assert re.findall(r'href="([^"]+)"', html) == ["/kr/s/005930"]
    html = browser.get("/kr/search", {"q": "<i>", "part": "1"}).content.decode()
    assert "<i>" not in html
    assert "No stock fits" in html
