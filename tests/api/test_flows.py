"""Investor flow over the API and beside every pick: as recorded up to the pick's session, and nothing later."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command
from django.test import Client

from marketdata.operations.record.flows import record_flows
from marketdata.queries import flows
from marketdata.sources.batches import FlowBatch
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, CODES


def flow(days: Sequence[date], values: Sequence[float | None], *, code: str, source: str = "kis") -> None:
    batch = FlowBatch.of([code] * len(days), days, {"foreign_net_quantity": values})
    record_flows(batch, market="kr", source=source, at=AS_OF)


@pytest.fixture
def bought(scanned: pd.DataFrame, sessions: list[date]) -> str:
    """The best pick of session 30, with flow on sessions 20 to 35 but not on 24."""
    code = risers(scanned, sessions[30])[0]
    days = [day for n, day in enumerate(sessions) if 20 <= n <= 35 and n != 24]
    flow(days, [float(sessions.index(day)) for day in days], code=code)
    return code


def test_a_pick_shows_what_was_recorded_up_to_its_session(bought: str, sessions: list[date], get: Get) -> None:
    ranks = get(f"kr/scans/{sessions[30]}", scanner_version="rises")["results"]
    body = ranks[0]["flow"]
    assert ranks[0]["code"] == bought
    assert body["date"] == str(sessions[30])
    assert body["foreign_quantity_1"] == 30
    assert body["foreign_quantity_5"] == 26 + 27 + 28 + 29 + 30
    assert body["foreign_value_5"] is None
    assert [rank["flow"] for rank in ranks[1:]] == [None] * (len(ranks) - 1)
    picks = get(f"kr/stocks/{bought}/scans", scanner_version="rises", limit=500)["results"]
    flow_of_day = {row["date"]: row["flow"] for row in picks}
    for n in range(10, 31):
        day = str(sessions[n])
        if day not in flow_of_day:
            continue
        if n < 20:
            assert flow_of_day[day] is None
            continue
        latest = 23 if n == 24 else n
        assert flow_of_day[day]["date"] == str(sessions[latest])
        assert flow_of_day[day]["foreign_quantity_1"] == latest
        whole = latest - 4 >= 20 and not latest - 4 <= 24 <= latest
        assert flow_of_day[day]["foreign_quantity_5"] == (5 * (latest - 2) if whole else None)
    changes = get("kr/scans/changes", scanner_version="rises", date=str(sessions[30]))
    rows = [row for row in [*changes["entered"], *changes["moved"]] if row["code"] == bought]
    assert all(row["flow"] == body for row in rows)


def test_explanations_and_analyses_show_it_beside_the_pick(
    bought: str, sessions: list[date], client: Client, get: Get
) -> None:
    ranks = get(f"kr/scans/{sessions[30]}")["results"]
    for path in (f"kr/stocks/{bought}/explain", f"kr/analysis/{bought}"):
        body = get(path, date=sessions[30])
        assert body["pick"]["rank"] == 1
        assert body["flow"] == ranks[0]["flow"]
        then = get(path, date=sessions[25])["flow"]  # picked that day or not
        assert (then["foreign_quantity_1"], then["foreign_quantity_5"]) == (25, None)
        other = next(code for code in CODES if code != bought)
        assert get(path.replace(bought, other), date=sessions[30])["flow"] is None
    address = f"/api/kr/stocks/{bought}/explain?date={sessions[30]}"
    before = client.get(address)
    flow([sessions[30]], [77.0], code=bought)
    after = client.get(address, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.json()["flow"]["foreign_quantity_1"]) == (200, 77)


def test_what_lies_more_than_five_sessions_back_is_not_shown(market: pd.DataFrame, sessions: list[date]) -> None:
    flow([sessions[5]], [7.0], code="005930")
    picks = [("005930", sessions[n]) for n in (4, 5, 9, 10)]
    result = flows.get_flow_figures("kr", picks)
    assert [day for _, day in result] == [sessions[5], sessions[9]]
    assert result["005930", sessions[9]]["date"] == sessions[5]
    flow([sessions[5]], [8.0], code="005930", source="marcap")
    assert flows.get_flow_figures("kr", picks[1:2])[picks[1]]["foreign_quantity_1"] == 7  # kis comes first


def test_a_download_has_the_flow_of_every_pick(bought: str, sessions: list[date], client: Client, get: Get) -> None:
    get("versions")  # signs in
    page = client.get(f"/api/kr/scans/{sessions[30]}?scanner_version=rises&format=csv")
    body = b"".join(page.streaming_content) if page.streaming else page.content  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert float(rows[0]["foreign_quantity_5"]) == 140
    assert {row["foreign_quantity_5"] for row in rows[1:]} <= {""}


def test_the_flows_of_a_stock_page_by_page(bought: str, sessions: list[date], get: Get) -> None:
    flow([sessions[22]], [99.0], code=bought, source="krx")
    first = get(f"kr/stocks/{bought}/flows", limit=3)
    rows = first["results"]
    assert [(row["date"], row["source"]) for row in rows] == [
        (str(sessions[20]), "kis"),
        (str(sessions[21]), "kis"),
        (str(sessions[22]), "kis"),
    ]
    assert rows[0]["currency"] == "KRW"
    assert rows[0]["foreign_net_quantity"] == 20
    assert rows[0]["foreign_net_value"] is None
    rest = get(first["next"].split("/api/")[1])["results"]
    assert (rest[0]["date"], rest[0]["source"]) == (str(sessions[22]), "krx")
    some = get(f"kr/stocks/{bought}/flows", **{"from": sessions[30], "to": sessions[31]})["results"]
    assert [row["date"] for row in some] == [str(sessions[30]), str(sessions[31])]
    assert get(f"kr/stocks/{bought}/flows", ordering="-date")["results"][0]["date"] == str(sessions[35])
    get(f"kr/stocks/{bought}/flows", 400, ordering="source")
    get(f"kr/stocks/{bought}/flows", 400, **{"from": "soon"})
    assert get("kr/stocks/999999/flows", 404)["code"] == "unknown_stock"
    other = "005930" if bought != "005930" else "035720"
    assert get(f"kr/stocks/{other}/flows")["results"] == []


def test_commands_show_the_flow_of_a_pick(bought: str, sessions: list[date], tmp_path: Path) -> None:
    def printed(*arguments: str) -> str:
        out = io.StringIO()
        call_command(*arguments, stdout=out)
        return out.getvalue()

    scan = ("run_scan", "--version", "rises", "--date", str(sessions[30]), "--no-save")
    table = printed(*scan).splitlines()
    first = next(n for n, line in enumerate(table) if line.startswith("rank"))
    assert table[first].endswith("  foreign shares 5 sessions")
    assert table[first + 1].split()[-1] == "+140"
    assert all(row.split()[-1] == "-" for row in table[first + 2 :] if row)
    line = json.loads(printed(*scan, "--format", "json"))
    assert line["ranks"][0]["flow"]["foreign_quantity_5"] == 140
    assert all(rank["flow"] is None for rank in line["ranks"][1:])
    rows = list(csv.DictReader(io.StringIO(printed(*scan, "--format", "csv"))))
    assert (rows[0]["flow_date"], rows[0]["foreign_quantity_1"]) == (str(sessions[30]), "30.0")
    file = tmp_path / "ranks.parquet"
    printed(*scan, "--format", "parquet", "--output", str(file))
    assert pd.read_parquet(file).foreign_quantity_5.tolist()[0] == 140
    sentence = f"net buying up to {sessions[30]}: 1 session foreign +30 shares; 5 sessions foreign +140 shares"
    assert sentence in printed(*scan, "--explain", bought)
    history = printed("stock", bought).splitlines()
    first = next(n for n, line in enumerate(history) if line.startswith("date"))
    assert history[first].endswith("  foreign shares 5 sessions")
    assert history[first + 1].split()[-1] == "+140"
