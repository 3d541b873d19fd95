"""Order prices beside the exact plan: on the command line, in files, over the API, in messages; digests stay."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.test import Client

from scans.models import ScanRank, ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries import order_prices
from tests.reference.order import order
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe


@pytest.fixture
def picked(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> date:
    """The last session is published with plans of 3.1 % up and 2.3 % down; their session."""
    probe.plan = (0.031, -0.023, 6)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[-3], last=sessions[-1]))
    return sessions[-1]


def expected(row: Any, day: date) -> dict[str, float | None]:
    """The order prices of a flat row, counted won by won."""
    return {
        "entry": None,
        "target": order(float(row["target"]), day, row["segment"], -1),
        "stop": order(float(row["stop"]), day, row["segment"], 1),
    }


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("run_scan", *arguments, "--version=rises", "--no-save", stdout=out)
    return out.getvalue()


def test_the_command_line_shows_them_in_every_form(picked: date, tmp_path: Path) -> None:
    at = f"--date={picked}"
    (line,) = printed("--format=json", at).splitlines()
    ranks = json.loads(line)["ranks"]
    assert len(ranks) > 1
    for rank in ranks:
        assert rank["order"] == expected(rank, picked)
        assert rank["target"] != rank["order"]["target"]  # the exact plan is there, too
    rows = list(csv.DictReader(io.StringIO(printed("--format=csv", at).lstrip("\ufeff"))))
    for row in rows:
        orders = [row["order_entry"], float(row["order_target"]), float(row["order_stop"])]
        assert orders == ["", expected(row, picked)["target"], expected(row, picked)["stop"]]
    file = tmp_path / "ranks.parquet"
    printed("--format=parquet", at, f"--output={file}")
    table = pq.read_table(file).to_pylist()
    assert [row["order_stop"] for row in table] == [rank["order"]["stop"] for rank in ranks]
    text = printed(at)
    assert f"{int(ranks[0]['order']['target']):,}" in text
    assert f"{int(ranks[0]['order']['stop']):,}" in text


def test_the_picks_of_an_instrument_show_plan_and_order(picked: date) -> None:
    rank = ScanRank.objects.filter(date=picked).order_by("rank")[0]
    out = io.StringIO()
    call_command("stock", rank.code, "--last=1", stdout=out)
    stop = order(float(rank.stop or 0), picked, rank.segment, 1)
    heading, pick = out.getvalue().splitlines()[2:4]
    assert "stop  order stop  turnover" in heading
    assert f"  {stop:,}  " in pick


def test_the_api_has_them_in_the_plan(picked: date, client: Client) -> None:
    from django.contrib.auth.models import User

    client.force_login(User.objects.create_user("reader"))
    body = client.get(f"/api/kr/scans/{picked}?scanner_version=rises").json()
    for rank in body["results"]:
        assert rank["plan"]["order"] == expected({**rank, **rank["plan"]}, picked)
    code = body["results"][0]["code"]
    explained = client.get(f"/api/kr/stocks/{code}/explain?scanner_version=rises").json()
    assert explained["pick"]["plan"]["order"] == body["results"][0]["plan"]["order"]


def test_digests_do_not_depend_on_them(picked: date, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(ScanSession.objects.order_by("date").values_list("date", "result_digest"))
    monkeypatch.setattr(order_prices, "order_prices", lambda *plan, **where: None)
    days = [day for day, _ in before]
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=days[0], last=days[-1]))
    after = list(ScanSession.objects.order_by("date").values_list("date", "result_digest"))
    assert after == before


PLAN = {"entry": None, "target": 8137.5, "stop": 7362.5}


@pytest.mark.parametrize(
    ("market", "segment", "day", "orders"),
    [
        ("kr", "KOSPI", date(2024, 5, 2), {"entry": None, "target": 8130.0, "stop": 7370.0}),
        ("kr-adj", "", date(2024, 5, 2), {"entry": None, "target": 8130.0, "stop": 7370.0}),
        ("us", "US", date(2024, 5, 2), {"entry": None, "target": 8137.5, "stop": 7362.5}),
        ("upbit", "KRW", date(2025, 8, 1), {"entry": None, "target": 8135.0, "stop": 7365.0}),
        ("upbit", "KRW", date(2025, 7, 30), {"entry": None, "target": 8137.0, "stop": 7363.0}),
        ("upbit", "KRW", date(2024, 1, 28), None),
        ("bithumb", "KRW", date(2025, 8, 1), None),
    ],
)
def test_of_a_plan(market: str, segment: str, day: date, orders: dict[str, float] | None) -> None:
    assert order_prices.order_prices(PLAN, market=market, session=day, segment=segment) == orders
