"""evaluate_scans and compare_versions from the door to the terminal, against the reference's judgement."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from scans.evaluation.benchmark_paths import NAMES
from scans.models import ScannerVersion, ScanRun, ScanSession
from scans.operations.evaluation.evidence import EvaluationRequest, gather_evidence
from tests.reference import bars, evaluation, fills
from tests.scans.conftest import AS_OF, Importer, frame
from tests.scans.evaluation.test_permutation import naive_statistic
from tests.scans.probe import Probe

HORIZONS = (1, 5, 10)
GONE = 28
"""The session from which on one of six instruments is delisted: too few bars to be published."""

BARS = ["open", "high", "low", "close"]


def call(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def eventful(bring: Importer, sessions: list[date]) -> pd.DataFrame:
    """Forty sessions with a halt, a split, an unexplained jump and a delisting, and market caps of all but one."""
    rows = frame(sessions)
    rows["base_price"], rows["market_cap"] = np.nan, rows["close"] * 1_000.0
    place = rows["date"].map({day: n for n, day in enumerate(sessions)})
    code = rows["code"]
    halted = (code == "000020") & place.between(18, 20)
    rows.loc[halted, [*BARS[:3], "volume"]] = 0
    split = (code == "005930") & (place >= 25)
    before = int(rows.loc[(code == "005930") & (place == 24), "close"].iloc[0])
    rows.loc[split, BARS] = rows.loc[split, BARS] // 2
    rows.loc[split & (place == 25), "base_price"] = before // 2
    jumped = (code == "035720") & (place >= 30)
    rows.loc[jumped, BARS] = rows.loc[jumped, BARS] * 3
    rows.loc[code == "0001A0", "market_cap"] = np.nan
    rows = rows[~((code == "068270") & (place >= GONE))]
    bring(rows)
    return rows


@dataclass(frozen=True)
class Naive:
    """The reference's market, and on each session from one on what was eligible and what the probe picks: what closed
    higher than the day before."""

    limited: dict[str, pd.DataFrame]
    eligible: dict[pd.Timestamp, list[str]]
    picks: list[tuple[pd.Timestamp, str]]

    @classmethod
    def of(cls, rows: pd.DataFrame, sessions: list[date], first: int) -> Naive:
        raw = rows.assign(amount=np.nan, ratio=np.nan, eligible_kind=True)
        raw["date"] = pd.to_datetime(raw["date"])
        result = bars.build(raw, sessions)
        eligible, picks = {}, []
        for day in pd.to_datetime([*sessions[first:GONE], *sessions[GONE + 1 :]]):
            chosen = bars.universe(result, day, min_bars=2)
            rises = {code: upto["C"].iloc[-1] / upto["C"].iloc[-2] for code, upto in chosen.items()}
            eligible[day] = list(chosen)
            picks += [(day, code) for code, rise in rises.items() if rise > 1]
        return cls({code: fills.with_limits(frame) for code, frame in result.items()}, eligible, picks)

    def holdings(self, picks: list[tuple[pd.Timestamp, str]], sessions: list[date], horizon: int, costs: float) -> Any:
        return evaluation.holdings(picks, self.limited, sessions, lambda day: self.eligible[day], horizon, costs=costs)


def expected(rows: pd.DataFrame, sessions: list[date], first: int) -> dict[int, dict[str, float]]:
    """The figures of the probe's picks from session `first` on, by the reference."""
    naive = Naive.of(rows, sessions, first)
    figures = {}
    for horizon in HORIZONS:
        holdings = naive.holdings(naive.picks, sessions, horizon, 0.003)
        figures[horizon] = evaluation.summary(holdings, naive.limited, sorted(naive.limited))
    return figures


COUNTS = {"picks", "judged", "dropped", "locked", "untraded", "late", "open", "unjudged", "positions"}


@pytest.mark.parametrize("source", ["fly", "published"])
@pytest.mark.slow
def test_figures_are_those_of_the_reference(
    eventful: pd.DataFrame, probe: Probe, sessions: list[date], source: str
) -> None:
    span = [f"--from={sessions[5]}", f"--to={sessions[-1]}"]
    if source == "published":
        call("run_scan", "--version=rises", *span)
    text = call(
        "evaluate_scans",
        "--versions=rises",
        *span,
        "--horizons=10,1,5",
        "--costs=0.3",
        f"--source={source}",
        "--format=json",
    )
    assert ScanRun.objects.exists() == (source == "published")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["horizon"] for line in lines] == list(HORIZONS)
    seen: set[str] = set()
    figures = expected(eventful, sessions, 5)
    for line in lines:
        assert line["sessions"] == len(sessions) - 6
        assert line["evaluation_revision"] == 2
        for name, value in figures[line["horizon"]].items():
            column = f"{name}_excess_pct" if name in NAMES else f"{name}_pct"
            if name in COUNTS:
                assert line[name] == value
                seen |= {name} if value else set()
            elif math.isnan(value):
                assert line[column] is None
            else:
                assert line[column] == pytest.approx(100 * value, abs=1e-6), name
    assert {"judged", "open", "unjudged"} <= seen


@pytest.mark.slow
def test_the_p_value_is_that_of_all_permutations_of_the_names(
    eventful: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    """By the reference's holdings of everything eligible, and each of the 720 orders of six names."""
    options = [f"--from={sessions[5]}", f"--to={sessions[-1]}", "--source=fly", "--horizons=5"]
    order = ["--versions=rises", *options]
    (line,) = map(json.loads, call("evaluate_scans", *order, "--permutations", "--format=json").splitlines())
    naive = Naive.of(eventful, sessions, 5)
    codes, days = sorted(naive.limited), pd.to_datetime(sessions).tolist()
    excess = np.full((len(days), len(codes)), np.nan)
    everything = [(day, code) for day, members in naive.eligible.items() for code in members]
    for one in naive.holdings(everything, sessions, 5, 0.0):
        if one.state == "judged":
            excess[days.index(one.date), codes.index(one.code)] = one.gross
    some = np.isfinite(excess).any(axis=1)
    excess[some] -= np.nanmean(excess[some], axis=1, keepdims=True)
    picks = [(days.index(day), codes.index(code)) for day, code in naive.picks]
    judged = [(row, column) for row, column in picks if np.isfinite(excess[row, column])]
    own, *others = (
        abs(naive_statistic(excess, [(row, names[column]) for row, column in judged], 5))
        for names in itertools.permutations(range(len(codes)))
    )
    exact = (1 + sum(value >= own * (1 - 1e-9) for value in others)) / (1 + len(others))
    assert line["permutation_p"] == pytest.approx(exact, abs=0.04)
    (plain,) = map(json.loads, call("evaluate_scans", *order, "--format=json").splitlines())
    assert plain == {**line, "permutation_p": None}
    text = call("evaluate_scans", *order, "--permutations")
    assert f"{line['permutation_p']:g}" in text
    assert "permutation test" in text


def test_every_form_tells_the_same(market: pd.DataFrame, probe: Probe, sessions: list[date], tmp_path: Path) -> None:
    order = ["--versions=rises,rises-10", f"--from={sessions[5]}", "--horizons=1,5", "--source=fly"]
    order.append("--by=year")
    lines = [json.loads(line) for line in call("evaluate_scans", *order, "--format=json").splitlines()]
    assert [(line["scanner_version"], line["horizon"], line["group"]) for line in lines] == [
        (version, horizon, group) for version in ("rises", "rises-10") for horizon in (1, 5) for group in ("", "2024")
    ]
    for whole, year in zip(lines[::2], lines[1::2], strict=True):
        assert {**whole, "by": "year", "group": "2024"} == year
    rows = list(csv.DictReader(io.StringIO(call("evaluate_scans", *order, "--format=csv"))))
    assert [float(row["mean_pct"]) for row in rows] == [line["mean_pct"] for line in lines]
    call("evaluate_scans", *order, "--format=parquet", f"--output={tmp_path}/judged.parquet")
    table = pq.read_table(tmp_path / "judged.parquet")
    days = [{name: date.fromisoformat(line[name]) for name in ("from", "to")} for line in lines]
    assert table.to_pylist() == [{**line, **day} for line, day in zip(lines, days, strict=True)]
    text = call("evaluate_scans", *order)
    assert f"{lines[0]['mean_pct']:.2f}" in text
    assert "the input holds survivors only" in text
    assert f"On 0 of {len(sessions) - 5} sessions at least 90 %" in text
    picks = sum(lines[n]["picks"] for n in (0, 4))
    assert f"{picks} of {picks} picks were computed afterwards" in text


@pytest.mark.parametrize("by", ["regime", "strategy", "label"])
def test_groups_share_out_the_picks(market: pd.DataFrame, probe: Probe, sessions: list[date], by: str) -> None:
    arguments = ["--versions=rises", f"--from={sessions[5]}", "--horizons=1", "--source=fly"]
    text = call("evaluate_scans", *arguments, f"--by={by}", "--format=json")
    whole, *groups = [json.loads(line) for line in text.splitlines()]
    assert sum(group["picks"] for group in groups) == whole["picks"] > 0
    names = {
        "regime": {"neutral", "bull", "bear", "crash"},
        "strategy": {"none"},
        "label": {"rise"},
    }
    assert {group["group"] for group in groups} <= names[by]


def test_a_version_beside_itself_under_another_name(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    arguments = ["rises", "rises-10", f"--from={sessions[2]}", "--source=fly", "--horizons=1,5"]
    result = json.loads(call("compare_versions", *arguments, "--format=json"))
    assert result["overlap"]["jaccard_pct"] == 100
    assert {one["difference_pct"] for one in result["differences"]} <= {0.0, None}
    assert {one["group"] for one in result["differences"]} >= {"all", "2024"}
    assert "too little evidence over 1 and 5 sessions" in result["verdict"]  # forty sessions are not
    text = call("compare_versions", *arguments)
    assert text.rstrip().endswith(result["verdict"])
    assert f"seed {result['seed']}" in text


def test_published_sessions_that_are_not_common_are_left_out(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    call("run_scan", "--version=rises", f"--from={sessions[5]}", f"--to={sessions[20]}")
    call("run_scan", "--version=rises-10", f"--from={sessions[15]}", f"--to={sessions[-1]}")
    result = json.loads(call("compare_versions", "rises", "rises-10", "--horizons=1", "--format=json"))
    assert result["overlap"]["sessions"] == 6
    assert (result["from"], result["to"]) == (str(sessions[15]), str(sessions[20]))
    assert result["overlap"]["jaccard_pct"] == 100


def test_what_was_published_under_a_limit_is_judged_against_what_the_limit_left(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    """One instrument of a segment: what is picked then is the benchmark."""
    span = [f"--from={sessions[5]}", f"--to={sessions[-3]}"]
    call("run_scan", "--version=rises", *span, "--limit=KOSPI=1", "--limit=KOSDAQ=1")
    order = ["--versions=rises", *span, "--horizons=2", "--format=json"]
    limited = json.loads(call("evaluate_scans", *order))
    assert 0 < limited["picks"] <= 2 * limited["sessions"]
    day = ScanSession.objects.order_by("date").first()
    assert day is not None
    assert day.universe == 2
    whole = json.loads(call("evaluate_scans", *order, "--source=fly"))
    assert limited["equal_excess_pct"] != pytest.approx(whole["equal_excess_pct"])


def test_benchmark_is_the_eligible_universe_of_the_scan(
    eventful: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    call("run_scan", "--version=rises", f"--from={sessions[2]}", f"--to={sessions[-1]}")
    result = gather_evidence(EvaluationRequest(market="kr", as_of=AS_OF, versions=["rises"], horizons=[1]))
    counted = dict(ScanSession.objects.filter(published=True).values_list("date", "universe"))
    assert len(counted) == len(sessions) - 3
    for day, eligible in zip(result.sessions.tolist(), result.version_evidence[0].eligible, strict=True):
        assert eligible.sum() == counted.get(day, 0)


WRONG = {
    "unknown version": (["--versions=v9"], "Unknown scanner version 'v9': the known ones are"),
    "no runs": (
        ["--versions=rises", "--horizons=1"],
        "Version rises has no published runs of market kr from 2024",
    ),
    "beyond the data": (
        ["--versions=rises", "--horizons=5,900"],
        "A horizon of 900 sessions reaches past the record, which ends on 2024-04-30",
    ),
    "not a session": (["--versions=rises", "--to=2031-01-06"], "has no bars on 2031-01-06"),
    "empty market": (["--versions=rises", "--market=us"], "Market us has no bars yet"),
    "unknown market": (["--versions=rises", "--market=xx"], "Unknown market 'xx'"),
    "no version": (["--versions=rises,"], "does not name versions; write them as v1,v2"),
    "no horizon": (["--versions=rises", "--horizons=0"], "write whole sessions above 0"),
    "no costs": (["--versions=rises", "--costs=free"], "'free' is not a percentage of costs"),
    "no file": (
        ["--versions=rises", "--source=fly", "--horizons=1", "--format=parquet"],
        "Parquet goes into a file",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_argument_is_refused_in_one_sentence(market: pd.DataFrame, probe: Probe, case: str) -> None:
    arguments, sentence = WRONG[case]
    with pytest.raises(CommandError) as report:
        call("evaluate_scans", *arguments)
    assert sentence in str(report.value)
    assert "\n" not in str(report.value).strip()


def test_version_that_fails_on_the_fly_is_reported(market: pd.DataFrame, probe: Probe) -> None:
    probe.failure = RuntimeError("out of luck")
    with pytest.raises(CommandError, match="Version rises failed: RuntimeError: out of luck"):
        call("evaluate_scans", "--versions=rises", "--source=fly", "--horizons=1")


def test_comparing_a_version_with_itself_or_nothing_is_refused(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    with pytest.raises(CommandError, match="Name two different versions: both are rises"):
        call("compare_versions", "rises", "rises")
    call("run_scan", "--version=rises", f"--date={sessions[5]}")
    call("run_scan", "--version=rises-10", f"--date={sessions[6]}")
    with pytest.raises(CommandError, match="have no published session in common"):
        call("compare_versions", "rises", "rises-10", "--horizons=1")


def test_a_session_without_matches_counts_as_answered(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    ScannerVersion.objects.filter(slug="rises").update(segments=["KOSDAQ GLOBAL"])
    call("run_scan", "--version=rises", f"--from={sessions[5]}", f"--to={sessions[9]}")
    result = json.loads(call("evaluate_scans", "--versions=rises", "--horizons=1", "--format=json"))
    assert (result["sessions"], result["picks"], result["hit_rate_pct"]) == (5, 0, None)


def test_picks_made_before_their_entry_are_live_and_all_others_computed_afterwards(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    """The run of each session begins at its close; those of the first ten are moved to after the last session."""
    call("run_scan", "--version=rises", f"--from={sessions[5]}", f"--to={sessions[14]}")
    call("run_scan", "--version=rises", f"--from={sessions[15]}", f"--to={sessions[15]}")
    evening = datetime.combine(sessions[15], time(7), tzinfo=UTC)  # 16:00 in Seoul
    ScanRun.objects.filter(first=sessions[15]).update(started_at=evening)
    text = call("evaluate_scans", "--versions=rises", "--horizons=1", "--by=timing", "--format=json")
    lines = {line["group"]: line for line in map(json.loads, text.splitlines())}
    assert lines["live"]["picks"] == lines["live"]["live"] == lines[""]["live"] > 0
    assert lines["afterwards"]["live"] == 0
    assert lines["live"]["picks"] + lines["afterwards"]["picks"] == lines[""]["picks"]
    ScanRun.objects.filter(first=sessions[15]).update(started_at=evening + timedelta(days=5))
    text = call("evaluate_scans", "--versions=rises", "--horizons=1", "--format=json")
    assert json.loads(text)["live"] == 0


def test_costs_are_those_of_the_table_by_default(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    """Sell tax of 0.18 % in 2024, 0.015 % a side, a tick a side; --costs has one share for all."""
    call("run_scan", "--version=rises", f"--from={sessions[5]}", f"--to={sessions[20]}")
    order = ["evaluate_scans", "--versions=rises", "--horizons=5", "--format=json"]
    by_table, free, fixed = (json.loads(call(*order, *more)) for more in ([], ["--costs=0"], ["--costs=0.3"]))
    assert by_table["costs_pct"] > 0.18 + 0.03
    assert by_table["gross_mean_pct"] == pytest.approx(free["mean_pct"])
    assert by_table["mean_pct"] == pytest.approx(free["mean_pct"] - by_table["costs_pct"])
    assert fixed["mean_pct"] == pytest.approx(free["mean_pct"] - 0.3)
    assert (free["costs_pct"], fixed["costs_pct"]) == (0, pytest.approx(0.3))
