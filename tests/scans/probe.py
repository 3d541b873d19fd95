"""A small engine for testing what happens around engines: it picks whatever closed higher than the day before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from scans.engines.base import Check, Days, Features, MarketIndex, Outcome, Ranks, Universe
from scans.engines.engine_params import param
from scans.engines.indicators import Measures


@dataclass(frozen=True)
class Params:
    scale: float = param(1.0, least=0, most=1000, help="Times the score")


class Probe:
    slug: ClassVar[str] = "probe"
    title: ClassVar[str] = "Rises"
    revision: ClassVar[int] = 1
    inputs: ClassVar[Mapping[str, int]] = {"close": 5}
    warm_up: ClassVar[int] = 5
    min_bars: ClassVar[int] = 2
    Params: ClassVar[type[Any]] = Params

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.shift = 0.0
        self.twice = False
        self.plan: tuple[float, float, int] | None = None

    def features(self, measures: Measures, params: Any) -> Features:
        if self.failure:
            raise self.failure
        close = measures.panel.tail("close", 1)
        rise = np.full((len(measures.panel.output_sessions), close.shape[1]), np.nan)
        rise[len(rise) - (len(close) - 1) :] = close[1:] / close[:-1] - 1
        return {"rise": rise}

    def score(self, universe: Universe, features: Features, index: MarketIndex, params: Any) -> Outcome:
        score = features["rise"] * params.scale + self.shift
        day, column = np.nonzero(universe.eligible & (features["rise"] > 0))
        order = np.lexsort((universe.codes[column], -score[day, column], day))
        day, column = day[order], column[order]
        if self.twice:
            day, column = np.repeat(day, 2), np.repeat(column, 2)
        rank = np.arange(len(day)) - np.searchsorted(day, day) + 1
        count = np.bincount(day, minlength=len(universe.sessions)).astype(np.int32)
        eligible = universe.eligible.sum(axis=1).astype(np.int32)
        none = np.full(len(day), np.nan)
        close = universe.close[day, column]
        up, down, holding = self.plan or (np.nan, np.nan, 0)
        zeros = np.zeros(len(universe.sessions), dtype=np.int8)
        return Outcome(
            days=Days(
                regime=[""] * len(count),
                step=zeros,
                short_risk=zeros,
                universe=eligible,
                scored=eligible,
                matched=count,
                reason=["" if n else "nothing passed" for n in count],
                notes=[""] * len(count),
            ),
            ranks=Ranks(
                day=day.astype(np.int32),
                column=column.astype(np.int32),
                rank=rank.astype(np.int32),
                score=score[day, column],
                label=np.full(len(day), "rise"),
                strategy=np.full(len(day), "none"),
                entry=none,
                target=close * (1 + up),
                stop=close * (1 + down),
                holding_min=np.zeros(len(day), dtype=np.int16),
                holding_max=np.full(len(day), holding, dtype=np.int16),
                signals={"rise": np.ones(len(day), dtype=bool)},
                components={"rise": features["rise"][day, column]},
            ),
        )

    def explain(
        self,
        universe: Universe,
        features: Features,
        index: MarketIndex,
        params: Any,
        *,
        day: int,
        column: int,
    ) -> list[Check]:
        rise = float(features["rise"][day, column])
        return [Check("filter", "rise", rise, "close above the close before", rise > 0)]
