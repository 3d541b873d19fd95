"""The common parameters of the crossover scanners v1 and v2, and their values in a session's regime (scanner
definitions, sections 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scans.engines.currency_params import price_floor, turnover_floor
from scans.engines.engine_params import param
from scans.engines.regimes import Codes


@dataclass(frozen=True)
class CrossoverParams:
    """The common parameters of v1 and v2."""

    turnover_min: float = turnover_floor()
    price_min: float = price_floor()
    rsi_bull: float = param(65.0, least=0, most=100, help="RSI threshold in a bull regime")
    rsi_neutral: float = param(58.0, least=0, most=100, help="RSI threshold in a neutral regime")
    rsi_bear: float = param(45.0, least=0, most=100, help="RSI threshold in a bear regime")
    min_signals_bull: int = param(2, least=0, most=7, unit="signals", help="Signals a match needs in a bull regime")
    min_signals_neutral: int = param(
        3, least=0, most=7, unit="signals", help="Signals a match needs in a neutral regime"
    )
    min_signals_bear: int = param(4, least=0, most=7, unit="signals", help="Signals a match needs in a bear regime")
    rsi_headroom: float = param(25.0, least=0, most=100, help="How far above its threshold the RSI may stand")
    overheat_rsi: float = param(70.0, least=0, most=100, help="RSI from which a volume spike counts as overheated")
    overheat_volume: float = param(
        3.0, least=0, most=5, unit="times the 5-session mean", help="Volume that overheats with that RSI"
    )
    gap_min: float = param(
        0.002, least=-1, most=1, unit="fraction of the close", help="Least gap of TEMA20 over DEMA10"
    )
    vol_mult: float = param(
        2.5, least=0, most=5, unit="times the 5-session mean", help="Volume that fires the volume signal"
    )
    vol_mult_20: float = param(
        1.2, least=0, most=20, unit="times the 20-session mean", help="Volume the volume signal needs besides"
    )
    rsi_near: float = param(3.0, least=0, most=100, help="How close the two RSIs count as equal for the rsi signal")
    above_min: int = param(3, least=0, most=5, unit="of 5 sessions", help="Sessions TEMA20 stood above DEMA10")
    risk_rsi: float = param(80.0, least=0, most=100, help="RSI above which the risk rises by 2")
    risk_volume: float = param(
        3.0, least=0, most=5, unit="times the 5-session mean", help="Volume above which the risk rises by 2"
    )


Params = TypeVar("Params", bound=CrossoverParams)

LOOSEST: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("turnover_min", "price_min", "gap_min"), min),
    **dict.fromkeys(("rsi_bull", "rsi_neutral", "rsi_bear", "rsi_headroom", "overheat_rsi", "overheat_volume"), max),
    **dict.fromkeys(("gap_max", "gap_max_bull", "gap_max_neutral", "gap_max_bear", "ext_max"), max),
}
"""Parameter of the filters of v1 and v2 -> the loosest of several values."""

LOOSEST_SIGNALS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("rsi_bull", "rsi_neutral", "rsi_bear", "vol_mult", "vol_mult_20", "above_min"), min),
    **dict.fromkeys(("min_signals_bull", "min_signals_neutral", "min_signals_bear"), min),
    **dict.fromkeys(("trend_bull_min", "above_bull_min"), min),
    "rsi_near": max,
}
"""The same of the signals and the gates on them; a low rsi is loose for the signal, a high one for the filter."""


def loosest_filters(params: Sequence[Params]) -> Params:
    """Parameters whose filters (`signals.filters`) pass every cell that those of any of `params` pass."""
    return _loosest(params, LOOSEST)


def loosest_signals(params: Sequence[Params]) -> Params:
    """Parameters with which every signal (`signals.signals`) fires that fires with any of `params`, and the gates on
    signals and trend pass what they pass with any."""
    return _loosest(params, LOOSEST_SIGNALS)


def _loosest(params: Sequence[Params], table: Mapping[str, Callable[..., Any]]) -> Params:
    own = {field.name for field in fields(params[0])}
    loosest = {name: choose(getattr(one, name) for one in params) for name, choose in table.items() if name in own}
    return replace(params[0], **loosest)


def by_regime(codes: Codes, *, neutral: float, bull: float, bear: float) -> NDArray[Any]:
    """A parameter of each session's regime, (K, 1); crash has the bear value."""
    return np.array([neutral, bull, bear, bear])[codes][:, None]


def rsi_threshold(codes: Codes, params: CrossoverParams) -> NDArray[Any]:
    """The rsi threshold of each session's regime, (K, 1)."""
    return by_regime(codes, neutral=params.rsi_neutral, bull=params.rsi_bull, bear=params.rsi_bear)


def min_signals(codes: Codes, params: CrossoverParams) -> NDArray[Any]:
    """The number of signals that a match needs in each session's regime, (K, 1)."""
    return by_regime(
        codes, neutral=params.min_signals_neutral, bull=params.min_signals_bull, bear=params.min_signals_bear
    )
