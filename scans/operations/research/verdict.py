"""The verdict of a sweep in words."""

from __future__ import annotations

from scans.models import Sweep, SweepStatus


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
    ahead = excess["low"] > 0 and (tests["superior_ability_p"] or 1) <= 0.05
    if ahead:
        return f"Not likely to be luck: {tried}, {outside}."
    if excess["high"] < 0:
        return f"Behind: {tried}, {outside}."
    return f"Not distinguishable from luck: {tried}, {outside}."
