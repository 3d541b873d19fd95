"""The engines against the naive reference, on random markets: the same picks, order, scores and all that is said of
them, session by session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.panel import Panel
from scans.engines.base import MarketIndex, Outcome, Universe
from scans.engines.engine_params import read
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES
from tests.reference import index as reference_index
from tests.reference import seismograph, v1, v2, v3, vcp
from tests.reference.bars import Frames
from tests.reference.outcome import Outcome as Expected
from tests.scans.engines import panels

CUTOFFS = {"swing": 0.0, "position": 0.5, "longterm": 1.0}

OPEN = {"turnover_min": 1e6, "price_min": 1_000}

SEISMIC = {"turnover_min": 1e6, "threshold": 20.0}

# The cases of both: the scan and parameters of the reference, the parameters of the engine.
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "v1": (v1.scan, OPEN, OPEN),
    "v2": (
        v2.scan,
        {
            "turnover_min": 1e6,
            "price_min": 1_000,
            "gap_min": -0.05,
            "ext_max": {"bull": 0.2, "neutral": 0.2, "bear": 0.2},
            "cutoffs": {"bull": CUTOFFS, "neutral": CUTOFFS},
        },
        {
            "turnover_min": 1e6,
            "price_min": 1_000,
            "gap_min": -0.05,
            "ext_max": 0.2,
            **{f"cutoff_{name}_{regime}": value for name, value in CUTOFFS.items() for regime in ("bull", "neutral")},
        },
    ),
    "v3": (v3.scan, OPEN, OPEN),
    "seismograph": (seismograph.scan, SEISMIC, SEISMIC),
    "seismograph v3": (
        seismograph.scan,
        {**SEISMIC, "model": "v3"},
        {**SEISMIC, "model": "v3"},
    ),
    "vcp": (
        vcp.scan,
        {"turnover_min": 1e4, "price_min": 100, "template_min": 1, "score_min": 20},
        {"turnover_min": 1e4, "price_min": 100, "template_min": 1, "score_min": 20.0},
    ),
}


def frames(made: Panel) -> Frames:
    """The panel's bars as the reference takes them; what keeps an instrument out is written into eligible_kind."""
    result = {}
    days = pd.DatetimeIndex(made.sessions)
    barred = np.zeros(made["close"].shape, dtype=bool)
    barred[made.start :] = (made.flags != 0) | made.suspect
    for column, code in enumerate(made.codes):
        first = int(made.first[column])
        if first == len(days):
            continue
        frame = pd.DataFrame(
            {
                name: made[field][first:, column]
                for name, field in (
                    ("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"), ("V", "volume"),
                    ("A", "amount"), ("rawC", "raw_close"),
                )
            },
            index=days[first:],
        )  # fmt: skip
        frame["traded"] = frame["V"] > 0
        frame["rawV"] = frame["V"] * frame["C"] / frame["rawC"]
        frame["suspected"] = False
        frame["age"] = range(1, len(frame) + 1)
        frame["segment"] = made.segments[made.segment[-1, column]]
        frame["eligible_kind"] = ~barred[first:, column]
        result[str(code)] = frame
    return result


def regimes(series: MarketIndex) -> pd.DataFrame:
    return reference_index.regimes(
        pd.DataFrame({"m": series.m, "range": series.range}, index=pd.DatetimeIndex(series.sessions))
    )


def expected(result: Expected) -> dict[str, Any]:
    reason = f"regime {result.regime}" if result.reason == "regime" else result.reason
    if result.reason.startswith("pullback"):  # half of v3 was closed: a note, not the reason
        reason = "" if result.rows else "nothing passed"
    if not result.eligible and not reason.startswith("regime"):
        reason = "nothing eligible"
    rows = result.rows
    return {
        "regime": result.regime,
        "reason": reason,
        "universe": result.eligible,
        "step": result.step,
        "picks": [[row["code"], row["rank"], row["score"], row.get("strategy", "")] for row in rows],
        "matched": result.matched,
        "labels": [row.get("label", "") for row in rows],
        "risks": [row["risk"] for row in rows if "risk" in row],
        "signals": [[name for name in row["signals"] if row["signals"][name]] for row in rows if "signals" in row],
    }


def answered(universe: Universe, outcome: Outcome, day: int) -> dict[str, Any]:
    days, ranks = outcome.days, outcome.ranks
    at = np.flatnonzero(ranks.day == day)
    return {
        "regime": days.regime[day],
        "reason": days.reason[day],
        "universe": int(days.universe[day]),
        "step": int(days.step[day]),
        "picks": [
            [
                str(universe.codes[ranks.column[one]]),
                int(ranks.rank[one]),
                pytest.approx(ranks.score[one], rel=1e-6),
                str(ranks.strategy[one]),
            ]
            for one in at
        ],
        "matched": int(days.matched[day]),
        "labels": ranks.label[at].tolist(),
        "risks": ranks.components["risk"][at].tolist() if "risk" in ranks.components else [],
        "signals": [
            [name for name, fired in ranks.signals.items() if fired[one]] for one in at if "cross" in ranks.signals
        ],
    }


def size(case: str) -> int:
    """How many instruments: contractions are rare."""
    return 60 if case == "vcp" else 25


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_random_markets(case: str) -> None:
    scan, changes, params = CASES[case]
    engine = ENGINES[case.split()[0]]
    picks = 0
    for seed in (1, 2):
        made = panels.panel(seed, sessions=max(150, engine.min_bars + 60), instruments=25, span=40)
        series = panels.index(made, seed)
        bars, days = frames(made), regimes(series)
        universe = panels.universe(made, engine.min_bars)
        chosen = read(engine.Params, params)
        outcome = engine.score(universe, engine.features(Measures(made), chosen), series, chosen)
        for day in range(seed, 40, 5):
            wanted = expected(scan(bars, days, made.output_sessions[day], changes))
            result = answered(universe, outcome, day)
            if engine.slug in ("seismograph", "vcp"):  # ask for no regime
                result["regime"] = ""
            if engine.slug == "seismograph" or params.get("score_min", 60) < 60:
                wanted["labels"] = result["labels"]  # stages; grades begin at 60
            if case.startswith("v3"):  # the reference counts what matches both halves twice
                assert result.pop("matched") <= wanted.pop("matched")
            assert result == wanted, (seed, day)
            picks += len(wanted["picks"])
    assert picks > 3


def test_every_score_and_intensity_of_seismograph() -> None:
    engine = ENGINES["seismograph"]
    compared = 0
    for seed in (1, 2, 3):
        made = panels.panel(seed, sessions=110, instruments=25, span=60)
        bars = frames(made)
        params = read(engine.Params, {"turnover_min": 0.0, "threshold": 0.0, "model": "v2"})
        universe = panels.universe(made, engine.min_bars)
        result = engine.score(universe, engine.features(Measures(made), params), panels.index(made), params).ranks
        for one in range(0, len(result.day), 7):
            day, code = int(result.day[one]), str(universe.codes[result.column[one]])
            wanted = seismograph.scores(bars[code].loc[: pd.Timestamp(made.output_sessions[day])])
            values = {
                **{f"score_{model}": wanted[model] for model in ("v1", "v2", "v3", "v4")},
                **wanted["v2_parts"],
                **{f"v3_{name}": value for name, value in wanted["v3_parts"].items()},
                "v4_tight_range": wanted["v4_parts"]["tight_range"],
                "v4_obv_divergence": wanted["v4_parts"]["obv_divergence"],
                "stage": wanted["stage"],
            }
            if wanted["v3"] is None:
                values = {name: value for name, value in values.items() if "v3" not in name}
            got = {name: result.components[name][one] for name in values}
            assert got == pytest.approx(values, rel=1e-9, abs=1e-9), (seed, day, code)
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("weight", [0.0, 0.4])
@pytest.mark.slow
def test_plans_grades_and_flow_of_vcp(weight: float) -> None:
    engine = ENGINES["vcp"]
    body = {"turnover_min": 0.0, "price_min": 0.0, "template_min": 0, "score_min": 10.0}
    body["flow_weight"] = weight
    compared = 0
    for seed in (1, 2, 3):
        made = panels.panel(seed, sessions=300, instruments=60, span=40, dirty=False)
        bars, flows, series = frames(made), flows_of(made), panels.index(made)
        params = read(engine.Params, body)
        universe = panels.universe(made, engine.min_bars)
        measured = engine.features(Measures(made), params)
        result = engine.score(universe, measured, series, params).ranks
        for day in range(0, 40, 5):
            rows = vcp.scan(bars, regimes(series), made.output_sessions[day], body, flows).rows
            at = np.flatnonzero(result.day == day)
            got = {
                str(universe.codes[result.column[one]]): [
                    result.score[one], result.entry[one], result.stop[one], result.target[one],
                    result.signals["breakout"][one], result.components["rs_percentile"][one],
                    *(result.components[f"depth_{n}"][one] for n in (1, 2, 3)),
                    result.components["flow"][one] if weight else np.nan,
                    sum(result.signals[name][one] for name in result.signals if name != "breakout"),
                ]
                for one in at
            }  # fmt: skip
            wanted = {
                row["code"]: pytest.approx(
                    [
                        row["score"], row["entry"], row["stop"], row["target"], row["breakout"],
                        row["percentile"], *row["depths"], row["flow"] if weight else np.nan,
                        row["template"],
                    ],
                    rel=1e-6,
                    nan_ok=True,
                )
                for row in rows
            }  # fmt: skip
            assert got == wanted, (seed, day)
            grades = {row["code"]: row["label"] for row in rows if row["score"] >= 60}
            labels = {
                str(universe.codes[result.column[one]]): str(result.label[one]) for one in at if result.score[one] >= 60
            }
            assert labels == grades
            compared += len(rows)
    assert compared > 20


def flows_of(made: Panel) -> dict[str, pd.DataFrame]:
    """The panel's investor flow as the reference takes it."""
    days = pd.DatetimeIndex(made.sessions)
    return {
        str(code): pd.DataFrame(
            {
                f"{who}{ending}": made[f"{who}_net_{what}"][:, at]
                for who in ("foreign", "institution")
                for what, ending in (("quantity", ""), ("value", "_value"))
            },
            index=days,
        )
        for at, code in enumerate(made.codes)
    }
