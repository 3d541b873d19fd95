"""The probe with an appetite for investor flow: it picks what rose while foreigners bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from scans.engines.base import Features, Requirements
from scans.engines.engine_params import param
from scans.engines.indicators import Measures
from tests.scans.probe import Probe

FIELDS = ("foreign_net_quantity", "institution_net_value")


@dataclass(frozen=True)
class Params:
    scale: float = param(1.0, least=0, most=1000, help="Times the score")
    flow: bool = param(False, help="Whether flow is read")


class FlowProbe(Probe):
    """`seen` are the flows of the last call, field -> (rows, N), with the sessions they end on."""

    slug: ClassVar[str] = "flow-probe"
    Params: ClassVar[type[Any]] = Params

    def __init__(self) -> None:
        super().__init__()
        self.seen: Mapping[str, Any] = {}
        self.codes: list[str] = []

    def requirements(self, params: Any) -> Requirements:
        reach = dict.fromkeys(FIELDS, 2) if params.flow else {}
        return Requirements({**self.inputs, **reach}, self.warm_up, self.min_bars)

    def features(self, measures: Measures, params: Any) -> Features:
        features = dict(super().features(measures, params))
        if params.flow:
            self.seen = {name: measures.field(name, 2) for name in FIELDS}
            self.codes = measures.panel.codes.tolist()
            bought = self.seen[FIELDS[0]][2:] > 0
            features["rise"] = np.where(bought, features["rise"], np.nan)
        return features
