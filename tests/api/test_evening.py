"""The evening of a market: its lists are set arithmetic over the recorded closes."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pandas as pd

from scans.operations import signals
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF


def test_lists_are_differences_of_the_sets_of_two_sessions(
    scanned: pd.DataFrame, sessions: list[date], get: Get
) -> None:
    for before, day in pairwise(sessions[10:31]):
        body = get(f"kr/evening/{day}")
        block = next(one for one in body["versions"] if one["scanner_version"] == "rises")
        now, earlier = risers(scanned, day), risers(scanned, before)
        codes = {name: [pick["code"] for pick in block[name]] for name in ("new", "stayed", "dropped")}
        assert codes["new"] == [code for code in now if code not in earlier]
        assert codes["stayed"] == [code for code in now if code in earlier]
        assert codes["dropped"] == [code for code in earlier if code not in now]
        assert (block["before"], block["listed"], block["answer"]["counts"]["ranked"]) == (
            str(before),
            len(now),
            len(now),
        )
        for pick in block["stayed"]:
            assert (pick["rank"], pick["rank_before"]) == (
                now.index(pick["code"]) + 1,
                earlier.index(pick["code"]) + 1,
            )


def test_dropped_pick_has_the_close_of_the_session(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    day = next(
        day for before, day in pairwise(sessions[10:31]) if set(risers(scanned, before)) - set(risers(scanned, day))
    )
    close = scanned.pivot_table(index="date", columns="code", values="close")
    body = get(f"kr/evening/{day}")
    (block,) = [one for one in body["versions"] if one["scanner_version"] == "rises"]
    for pick in block["dropped"]:
        before, last = close[pick["code"]][:day].iloc[-2:]
        assert pick["last_close"] == last
        assert abs(pick["last_change_pct"] - 100 * (last / before - 1)) < 1e-6


def test_latest_evening_and_its_neighbours(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    body = get("kr/evening/latest")
    assert (body["date"], body["previous_session"], body["next_session"]) == (
        str(sessions[30]),
        str(sessions[29]),
        None,
    )
    first = get(f"kr/evening/{sessions[10]}")
    assert (first["previous_session"], first["next_session"]) == (None, str(sessions[11]))
    assert {one["before"] for one in first["versions"]} == {None}


def test_signals_that_moved_are_those_of_the_list_of_signals(
    scanned: pd.DataFrame, sessions: list[date], get: Get
) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    distances = ("last_close", "last_close_on", "to_target_pct", "to_stop_pct")  # as of now
    every = get("kr/signals", 200, limit=500)["results"]
    every = [{name: value for name, value in one.items() if name not in distances} for one in every]
    exits = set()
    for day in sessions[11:31]:
        moved = [one for one in every if str(day) in (one["entered_on"], one["exit_on"])]
        body = get(f"kr/evening/{day}")
        key = lambda one: (one["status"], one["code"], one["picked_on"])  # noqa: E731
        assert sorted(body["signals"], key=key) == sorted(moved, key=key)
        (block,) = [one for one in body["versions"] if one["scanner_version"] == "rises"]
        exits |= {pick["exit_reason"] for pick in block["dropped"]}
    assert exits > {""}


def test_day_without_an_answer_is_not_found(scanned: pd.DataFrame, get: Get) -> None:
    assert "2020-01-02" in get("kr/evening/2020-01-02", 404)["detail"]
    assert get("upbit/evening/latest", 404)["code"] == "no_session"
    assert get("kr/evening/yesterday", 400)["code"] == "invalid_date"
