"""Scans before the close over HTTP: the picks of the quotes, and afterwards beside them the list at the close."""

from __future__ import annotations

from datetime import date

import pandas as pd
from django.test import Client

from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF
from tests.scans.preclose_quotes import scan_before_close


def prices_before(rows: pd.DataFrame, sessions: list[date], day: int) -> dict[str, float]:
    closes = rows[rows["date"] == sessions[day - 1]]
    return dict(zip(closes["code"], closes["close"].astype(float), strict=True))


def test_picks_are_those_of_the_quotes_until_the_list_at_the_close_is_published(
    scanned: pd.DataFrame, sessions: list[date], get: Get
) -> None:
    day, before = sessions[31], prices_before(scanned, sessions, 31)
    codes = sorted(before)
    rising = {codes[0]: before[codes[0]] * 1.03, codes[1]: before[codes[1]] * 1.01}
    prices = before | rising
    scan_before_close(scanned, day, prices, versions=["rises"])
    body = get("kr/preclose/latest")
    assert (body["date"], body["as_of"], body["quoted"], body["expected"]) == (
        str(day),
        f"{day}T06:18:00Z",
        len(codes),
        len(codes),
    )
    (version,) = body["versions"]
    assert [(pick["code"], pick["close"]) for pick in version["picks"]] == list(rising.items())
    assert [pick["at_close"] for pick in version["picks"]] == [None, None]
    assert (version["hits"], version["hit_share"], version["counts"]["matched"]) == (None, None, 2)
    assert get("kr/scans/latest", scanner_version="rises")["date"] == str(sessions[30])
    assert str(day) not in {row["date"] for row in get("kr/scans/dates", scanner_version="rises")["results"]}

    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=day, last=day))
    (version,) = get(f"kr/preclose/{day}")["versions"]
    listed = risers(scanned, day)
    hits = [code for code in rising if code in listed]
    assert [pick["at_close"] for pick in version["picks"]] == [code in listed for code in rising]
    assert (version["hits"], version["hit_share"]) == (
        len(hits),
        {
            "sessions": 1,
            "picks": 2,
            "hits": len(hits),
            "listed": len(listed),
            "share": len(hits) / 2,
            "coverage": len(hits) / len(listed),
        },
    )


def test_hit_shares_are_of_the_last_scan_of_each_session(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    """Sessions 20 to 25 at the prices of the close: every pick is in its list, and every list is known."""
    for day in sessions[20:26]:
        scan_before_close(scanned, day, versions=["rises"])
    (version,) = get(f"kr/preclose/{sessions[20]}")["versions"]
    count = sum(len(risers(scanned, day)) for day in sessions[20:26])
    assert version["hit_share"] == {
        "sessions": 6, "picks": count, "hits": count, "listed": count, "share": 1.0, "coverage": 1.0,
    }  # fmt: skip


def test_a_session_that_was_not_scanned_before_its_close_is_not_found(
    scanned: pd.DataFrame, sessions: list[date], get: Get
) -> None:
    problem = get("kr/preclose/latest", 404)
    assert problem["detail"] == "On market kr no session was scanned before its close yet."
    problem = get(f"kr/preclose/{sessions[30]}", 404)
    assert problem["detail"] == f"On market kr {sessions[30]} was not scanned before its close."
    get("kr/preclose/yesterday", 400)


def test_it_takes_the_permission_to_read(scanned: pd.DataFrame, client: Client) -> None:
    assert client.get("/api/kr/preclose/latest").status_code == 401
