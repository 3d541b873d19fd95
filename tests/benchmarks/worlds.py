"""worlds: how often every error that the product shows calls picks better or worse that are neither, and finds those
that are better.

Per kind of picks (`world_markets`) as many generated markets, each with 400 sessions of eight picks. A 5 % test ought
to be wrong in 5 of 100; with 200 worlds one between 2 and 8 in 100 is as good as that.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table
from tests.benchmarks.world_errors import ERRORS, Judge
from tests.benchmarks.world_markets import KINDS, make_world, picks_with_skill, picks_without_skill

WORLDS = 200
HORIZONS = (5, 20, 60)
SKILL = 0.3
"""Share of picks that are the better of two: about 2 % over 20 sessions."""
OTHER = 1_000_000
"""Between the seed of picks and that of the picks with which they are compared."""


@dataclass
class Rejections:
    """How many of `worlds` each error called different from 0, by kind of picks and place of the horizon; of picks with
    skill: better. planted: the mean excess of the picks with skill in each world, over the middle horizon."""

    worlds: int
    counts: dict[str, list[Counter[str]]]
    planted: list[float] = field(default_factory=list)

    def share(self, kind: str, error: str, n: int) -> float:
        """The share of worlds, a fraction."""
        return self.counts[kind][n][error] / self.worlds


def reject(worlds: int, horizons: tuple[int, ...] = HORIZONS, kinds: tuple[str, ...] = KINDS) -> Rejections:
    """The verdicts of every error on `worlds` worlds, seeds 0 and on."""
    result = Rejections(worlds, {kind: [Counter() for _ in horizons] for kind in (*kinds, "skill")})
    for seed in range(worlds):
        world = make_world(seed)
        judge = Judge(world, horizons)
        skilled = picks_with_skill(world, SKILL, seed)
        versions = [*(picks_without_skill(world, kind, seed) for kind in kinds), skilled]
        others = [picks_without_skill(world, kind, seed + OTHER) for kind in (*kinds, kinds[0])]
        for (kind, counts), verdicts in zip(result.counts.items(), judge.verdicts(versions, others), strict=True):
            for count, of_horizon in zip(counts, verdicts, strict=True):
                count.update(
                    {
                        error: int(verdict > 0 if kind == "skill" else verdict != 0)
                        for error, verdict in of_horizon.items()
                    }
                )
        result.planted.append(judge.mean_excess(skilled, len(horizons) // 2))
    return result


def section(bench: Bench) -> None:
    """The table of false positives, and how often planted skill is found; `--runs` is the number of worlds."""
    worlds = bench.runs(WORLDS)
    began = time.perf_counter()
    result = reject(worlds)
    seconds = time.perf_counter() - began
    for kind, shares in result.counts.items():
        lines = [
            Line(error, note=" ".join(f"{100 * result.share(kind, error, n):6.1f} %" for n in range(len(shares))))
            for error in ERRORS
        ]
        what = "called better" if kind == "skill" else "called better or worse, without skill"
        bench.report.table(
            Table(
                "worlds",
                f"{kind}: share of {worlds} worlds {what}, at 5 %, over {', '.join(map(str, HORIZONS))} sessions",
                "tests.benchmarks.worlds",
                lines,
                [f"mean planted excess {100 * sum(result.planted) / worlds:.2f} % over {HORIZONS[1]} sessions"]
                if kind == "skill"
                else [],
            )
        )
    bench.report.table(Table("worlds", "time", "all kinds of picks together", [Line("worlds", [seconds], work=worlds)]))
