"""How versions did, over the API: figures against naive ones, what they are kept by, and what cannot be judged."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.test import Client

from caching.stats import STATS
from marketdata.models import LakePartition
from marketdata.operations.projection.project import project_bars
from scans.operations.evaluation import evaluation_cache
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe

SPAN = {"from": "2024-03-18", "to": "2024-04-16"}


def naive(rows: pd.DataFrame, sessions: list[date], days: list[date], horizon: int) -> list[float]:
    """Bought at the open after the pick, sold at the close `horizon` sessions later, while the record lasts."""
    opened, closed = (rows.pivot_table(index="date", columns="code", values=name) for name in ("open", "close"))
    changes = []
    for day in days:
        at = sessions.index(day)
        if at + horizon < len(sessions):
            entry, exit_ = sessions[at + 1], sessions[at + horizon]
            changes += [float(closed[code][exit_] / opened[code][entry]) - 1 for code in risers(rows, day)]
    return changes


def test_the_figures(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    body = get("kr/evaluation", horizon="5,2", costs=0, **SPAN)
    days = [day for day in sessions[10:31] if SPAN["from"] <= str(day) <= SPAN["to"]]
    assert (body["first"], body["last"]) == (SPAN["from"], SPAN["to"])
    assert (body["sessions"], body["judged_until"]) == (len(days), str(sessions[-1]))
    assert body["currency"] == "KRW"
    assert [line["horizon"] for line in body["figures"]] == [2, 5]
    for line in body["figures"]:
        returns = naive(scanned, sessions, days, line["horizon"])
        assert (line["scanner_version"], line["group"]) == ("rises", "")
        assert line["judged"] == line["picks"] == len(returns)
        assert line["mean_pct"] == pytest.approx(100 * np.mean(returns))
        assert line["median_pct"] == pytest.approx(100 * np.median(returns))
        assert line["hit_rate_pct"] == pytest.approx(100 * np.mean([one > 0 for one in returns]))
        assert line["gross_mean_pct"] == line["mean_pct"]
        assert line["excess"]["equal"]["error_pct"] > 0
        assert line["excess"]["equal"]["interval"] == {"low_pct": None, "high_pct": None}  # too few sessions
        assert (line["excess"]["cap"]["mean_pct"], line["excess"]["cap"]["coverage_pct"]) == (None, 0)
        assert (line["live"], line["standing"]) == (0, "")
    assert (body["revision"], body["capped"]) == (2, 0)


def test_costs_are_percent_of_a_round_trip(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    free, paid = (get("kr/evaluation", horizon=5, costs=costs, **SPAN)["figures"][0] for costs in (0, 0.25))
    assert paid["mean_pct"] == pytest.approx(free["mean_pct"] - 0.25)
    by_date = get("kr/evaluation", horizon=5, **SPAN)
    assert by_date["costs_pct"] is None
    line = by_date["figures"][0]
    assert line["costs_pct"] > 0.18 + 2 * 0.015  # and a tick a side
    assert line["mean_pct"] == pytest.approx(free["mean_pct"] - line["costs_pct"])


def test_another_fee_is_another_answer(scanned: pd.DataFrame, client: Client, get: Get, settings: Any) -> None:
    query = {"horizon": "5", **SPAN}
    cheap = client.get("/api/kr/evaluation", query)
    settings.TRADING_FEES = {"kr": 0.1}
    dear = client.get("/api/kr/evaluation", query, headers={"If-None-Match": cheap.headers["ETag"]})
    costs = [one.json()["figures"][0]["costs_pct"] for one in (cheap, dear)]
    assert costs[1] - costs[0] == pytest.approx(2 * (0.1 - 0.015))


def test_differences_are_those_of_the_command(scanned: pd.DataFrame, get: Get) -> None:
    body = get("kr/evaluation/differences", versions="rises,rises-10", horizon="2,5", costs=0.25, **SPAN)
    out = io.StringIO()
    ends = [f"--from={SPAN['from']}", f"--to={SPAN['to']}", "--horizons=2,5", "--costs=0.25"]
    call_command("compare_versions", "rises", "rises-10", "--format=json", *ends, stdout=out)
    expected = json.loads(out.getvalue())
    assert body["overlap"] == pytest.approx(expected["overlap"])
    assert len(body["differences"]) == len(expected["differences"])
    for line, other in zip(body["differences"], expected["differences"], strict=True):
        assert (line["horizon"], line["group"] or "all") == (other["horizon"], other["group"])
        for name in ("judged", "excess_pct", "difference_pct"):
            assert line[name] == pytest.approx(other[name])
        for name, pair in (("interval", "interval_95_pct"), ("corrected", "interval_corrected_pct")):
            assert list(line[name].values()) == pytest.approx(other[pair])
    assert [line["scanner_version"] for line in body["figures"]] == ["rises"] * 2 + ["rises-10"] * 2


@pytest.mark.parametrize("named", ["rises", "rises,rises", "rises,rises-10,v1"])
def test_differences_are_of_two_versions(scanned: pd.DataFrame, get: Get, named: str) -> None:
    assert "two different versions" in str(get("kr/evaluation/differences", 400, versions=named))
    assert get("kr/evaluation/differences", 400)["errors"]["versions"]


def test_versions_horizons_and_groups_that_are_left_out(scanned: pd.DataFrame, get: Get) -> None:
    body = get("kr/evaluation", by="label", versions="rises,rises-10", **SPAN)
    lines = [(line["scanner_version"], line["horizon"], line["group"]) for line in body["figures"]]
    assert lines == [
        (version, horizon, group)
        for version in ("rises", "rises-10")
        for horizon in (1, 5, 10, 20)  # no pick is 60 sessions old
        for group in ("", "rise")
    ]
    whole, label = body["figures"][:2]
    assert {**label, "group": ""} == whole


def test_an_answer_is_kept_until_something_it_depends_on_changes(
    scanned: pd.DataFrame, sessions: list[date], client: Client, get: Get
) -> None:
    path = "/api/kr/evaluation"
    query = {"horizon": "1", **SPAN}
    get("kr/evaluation", **query)
    STATS.reset()
    first = client.get(path, query)
    tag = first.headers["ETag"]
    assert client.get(path, query, headers={"If-None-Match": tag}).content == b""
    assert STATS.snapshot()["evaluation"]["misses"] == 0
    run_scan(RunRequest(market="kr", as_of=AS_OF, top=1, first=sessions[15], last=sessions[15]))
    later = client.get(path, query, headers={"If-None-Match": tag})
    fewer = len(risers(scanned, sessions[15])) - 1
    picks = [one.json()["figures"][0]["picks"] for one in (first, later)]
    assert picks[0] - picks[1] == fewer > 0
    run_scan(RunRequest(market="kr", as_of=AS_OF, first=sessions[35], last=sessions[35]))  # outside
    again = client.get(path, query)
    assert again.headers["ETag"] == later.headers["ETag"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"versions": "v99"}, 404, "unknown_version"),
        ({"versions": "v1"}, 404, "no_run"),
        ({"versions": "rises,v1"}, 404, "no_run"),
        ({"versions": ","}, 400, "invalid"),
        ({"versions": ",".join("abcdefghi")}, 400, "invalid"),
        ({"horizon": "0"}, 400, "invalid"),
        ({"horizon": "5,many"}, 400, "invalid"),
        ({"horizon": "251"}, 400, "invalid"),
        ({"horizon": "٣"}, 400, "invalid"),
        ({"horizon": ",".join(map(str, range(1, 10)))}, 400, "invalid"),
        ({"horizon": "60"}, 409, "beyond_record"),
        ({"by": "colour"}, 400, "invalid"),
        ({"costs": "-1"}, 400, "invalid"),
        ({"costs": "nan"}, 400, "invalid"),
        ({"from": "2024-04-02", "to": "2024-04-01"}, 400, "invalid"),
        ({"from": "2020-01-02"}, 409, "no_data"),
        ({"from": "2024-02-31"}, 400, "invalid"),
        ({"source": "fly"}, 400, "unknown_parameter"),
    ],
)
def test_what_cannot_be_judged(scanned: pd.DataFrame, get: Get, query: dict[str, str], status: int, code: str) -> None:
    body = get("kr/evaluation", status, **query)
    assert body["code"] == code
    assert "--" not in body["detail"]  # that is for the command line


def test_an_evaluation_is_bounded(scanned: pd.DataFrame, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_cache, "PATIENCE", 0.01)
    with evaluation_cache.evaluation_lock():
        assert get("kr/evaluation", 503, horizon=1)["code"] == "busy"
    monkeypatch.setattr(evaluation_cache, "MAX_CELLS", 6 * (21 + 253 + 1))
    refused = get("kr/evaluation", 400, horizon=1)
    assert refused["code"] == "range_too_long"
    assert "41 sessions of 6 instruments are too many" in refused["detail"]
    assert get("kr/evaluation", horizon=1, **SPAN)["figures"]


def test_a_read_does_not_bring_the_lake_up_to_date(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, probe: Probe, get: Get
) -> None:
    later = scanned[scanned.date == sessions[-1]].assign(date=date(2024, 5, 2))
    bring(later, AS_OF)
    stale = LakePartition.objects.filter(written=0).count()
    assert stale == 1
    assert get("kr/evaluation", 503)["code"] == "lake_behind"
    assert get("kr/evaluation", **SPAN)["figures"]  # which needs nothing of that month
    assert LakePartition.objects.filter(written=0).count() == stale
    project_bars("kr")
    assert get("kr/evaluation", horizon=1)["last"] == "2024-05-02"
