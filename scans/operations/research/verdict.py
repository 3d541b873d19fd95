"""The verdict of a sweep in words."""

from __future__ import annotations

from scans.models import Sweep, SweepStatus

LEVEL = 0.05
"""Of the tests against luck and against random picks."""


def verdict(sweep: Sweep) -> str:
    """The verdict in one sentence: how many variants were tried, the excess of the walk-forward choice outside, and
    whether it differs from luck. "" before the sweep is done."""
    if sweep.status != SweepStatus.DONE:
        return ""
    figures = sweep.result["outside"][str(sweep.horizon)]
    excess, tests = figures["matched"], sweep.result
    tried = f"{tests['variants']} variants tried"
    if excess["low"] is None:
        return f"{tried}; the picks outside are too few for an interval."
    half = (excess["high"] - excess["low"]) / 2 * 100
    centre = (excess["high"] + excess["low"]) / 2 * 100
    outside = f"best outside {centre:+.1f} % +- {half:.1f} over {sweep.horizon} sessions against shares alike"
    draws = tests.get("random", {}).values()
    chances = [tests["superior_ability_p"], *(row["as_good"] for row in draws if row["low"] != row["high"])]
    if excess["low"] > 0 and all((1 if chance is None else chance) <= LEVEL for chance in chances):
        return f"Not likely to be luck: {tried}, {outside}."
    random = tests.get("random", {}).get("alike", {}).get("as_good")
    if random is not None:
        outside += f"; {100 * random:.0f} % of random picks alike are as good"
    if excess["high"] < 0:
        return f"Behind: {tried}, {outside}."
    return f"Not distinguishable from luck: {tried}, {outside}."
