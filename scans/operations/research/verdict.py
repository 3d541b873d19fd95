"""The verdict of a sweep, and its sentence."""

from __future__ import annotations

from dataclasses import dataclass

from scans.models import Sweep, SweepStatus

LEVEL = 0.05
"""Of the tests against luck and against random picks."""
AHEAD, LUCK, BEHIND, FEW = "ahead", "luck", "behind", "few"
LEADS = {AHEAD: "Not likely to be luck", LUCK: "Not distinguishable from luck", BEHIND: "Behind"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """kind: AHEAD, LUCK, BEHIND, or FEW picks outside for an interval; how many variants were tried; the excess outside
    over matched shares, `centre` +- `half` in percent, over `horizon` sessions; `random`: the percentage of random
    picks alike that are as good, None where none were drawn."""

    kind: str
    tried: int
    horizon: int
    centre: float = 0.0
    half: float = 0.0
    random: float | None = None

    def __str__(self) -> str:
        tried = f"{self.tried} variants tried"
        if self.kind == FEW:
            return f"{tried}; the picks outside are too few for an interval."
        outside = (
            f"best outside {self.centre:+.1f} % +- {self.half:.1f} over {self.horizon} sessions against shares alike"
        )
        drawn = "" if self.random is None else f"; {self.random:.0f} % of random picks alike are as good"
        return f"{LEADS[self.kind]}: {tried}, {outside}{drawn}."


def judge_sweep(sweep: Sweep) -> Verdict | None:
    """The verdict by the excess of the walk-forward choice outside and the tests against luck; None before the sweep is
    done."""
    if sweep.status != SweepStatus.DONE:
        return None
    tests = sweep.result
    excess = tests["outside"][str(sweep.horizon)]["matched"]
    if excess["low"] is None:
        return Verdict(FEW, tests["variants"], sweep.horizon)
    draws = tests.get("random", {})
    chances = [tests["superior_ability_p"], *(row["as_good"] for row in draws.values() if row["low"] != row["high"])]
    as_good = draws.get("alike", {}).get("as_good")
    if excess["low"] > 0 and all((1 if chance is None else chance) <= LEVEL for chance in chances):
        kind = AHEAD
    else:
        kind = BEHIND if excess["high"] < 0 else LUCK
    return Verdict(
        kind,
        tests["variants"],
        sweep.horizon,
        (excess["high"] + excess["low"]) / 2 * 100,
        (excess["high"] - excess["low"]) / 2 * 100,
        None if as_good is None else 100 * as_good,
    )


def verdict(sweep: Sweep) -> str:
    """The verdict in one sentence; "" before the sweep is done."""
    result = judge_sweep(sweep)
    return "" if result is None else str(result)
