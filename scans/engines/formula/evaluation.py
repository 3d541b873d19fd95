"""Computing a program: `compute_features` over one panel, `MarketValues` over the whole market.

Every node is computed once, for the requested sessions and as many before them as its readers need, and dropped after
its last reader. Indicators of other engines (averages of the close, the oscillators) are read from `Measures`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import MARKET_CAP, Bools
from scans.engines import regimes
from scans.engines.base import Features, MarketIndex, Universe
from scans.engines.formula.nodes import INPUTS, Kind, Node
from scans.engines.formula.operations import HISTORY, LOCAL, RECURSIVE, SERIES, carry_forward
from scans.engines.formula.program import Program
from scans.engines.indicators import BACK, Measures
from scans.kernels import averages
from scans.kernels.arrays import tail
from scans.kernels.betas import beta
from scans.kernels.ranks import percentile
from scans.kernels.residuals import residual

DEFINED = "defined"
"""The feature that is true where every compared value is defined."""
FLOW = "flow"
"""The feature that is true where all investor flow that the program reads is recorded for the session."""


def compute_features(program: Program, measures: Measures) -> Features:
    """The stored nodes by their keys, (K, N) each: conditions as bool, numbers as float64, numbers that are only
    shown as float32; histories with the sessions before the first; with `MARKET_CAP` and `FLOW`, where the program
    reads them."""
    k = measures.session_count
    readers = Counter(source for node in program.order for source in node.args)
    needed = {node for node in program.measured if node.local}
    values: dict[Node, Any] = {}
    features: dict[str, NDArray[Any]] = {}
    defined = np.ones((k, len(measures.panel.codes)), dtype=np.bool_)
    stored = set(program.stored)
    for node in program.order:
        value = values[node] = _value(node, k + program.back[node], values, measures)
        if node in needed:
            defined &= np.isfinite(tail(value, k))
        if node.op == "net_shares":
            features[FLOW] = np.isfinite(tail(value, k)) & features.get(FLOW, True)
        if node in stored and node.op == HISTORY:
            features[node.key] = value
        elif node in stored:
            features[node.key] = _kept(value, k, only_shown=node in program.shown)
        for arg in set(node.args):
            readers[arg] -= node.args.count(arg)
            if not readers[arg]:
                values.pop(arg, None)
        if not readers[node]:
            del values[node]
    features[DEFINED] = defined
    if MARKET_CAP in program.inputs:
        features[MARKET_CAP] = measures.panel.tail(MARKET_CAP, 0).copy()
    return features


def _kept(value: NDArray[Any], k: int, *, only_shown: bool) -> NDArray[Any]:
    if only_shown and value.dtype == np.float64:
        with np.errstate(over="ignore"):
            return tail(value, k).astype(np.float32)
    # A part is copied, or it would hold the whole.
    return value if len(value) == k else tail(value, k).copy()


def _value(node: Node, rows: int, values: Mapping[Node, Any], measures: Measures) -> Any:
    """The node's array, min(rows, T) rows."""
    if node.op in INPUTS:
        return measures.panel.tail(node.op, rows - measures.session_count)
    rows = min(rows, len(measures.panel.sessions))
    if node.op in LOCAL:
        cells = (arg.options[0] if arg.constant else _tail(values[arg], rows) for arg in node.args)
        return LOCAL[node.op](*cells)
    shared = _shared(node, rows, measures)
    if shared is not None:
        return shared
    args = [values[arg] for arg in node.args]
    if node.op in RECURSIVE and not node.args[0].whole:
        args = [carry_forward(args[0])]

    def compute() -> Any:
        return SERIES[node.op](*args, *node.options, keep=rows)

    if all(arg.op in INPUTS for arg in node.args):
        return measures.once(("formula", node.key, rows), compute)
    return compute()


def _tail(value: Any, rows: int) -> Any:
    return tuple(tail(part, rows) for part in value) if isinstance(value, tuple) else tail(value, rows)


def _shared(node: Node, rows: int, measures: Measures) -> Any:
    """The indicator of `Measures` where it has enough sessions; else None."""
    before = rows - measures.session_count
    over_close = all(arg.op == "close" for arg in node.args)
    if node.op in ("ema", "dema", "tema") and over_close and before <= BACK:
        return tail(getattr(measures, node.op)(node.options[0]), rows)
    if node.op == "osc_sides" and node.options == (12, 26, 9):
        return measures.osc(before)
    if before > 0:
        return None
    if node.op in ("rsi", "rsi_tema_dema", "atr"):
        return getattr(measures, node.op)(node.options[0])
    if node.op == "sma" and node.args[0].op in INPUTS:
        return measures.mean(node.args[0].op, node.options[0])
    return None


class MarketValues:
    """The values of a program over the whole market, (K, N) or (K, 1) arrays or numbers, each computed once."""

    def __init__(self, program: Program, universe: Universe, features: Features, index: MarketIndex) -> None:
        self.program, self.universe = program, universe
        self.features, self.index = features, index
        self.at = index.rows(universe.sessions)
        self.shape = universe.eligible.shape
        self.cache: dict[Node, Any] = {}

    def value(self, node: Node) -> Any:
        """The node's value on every requested session."""
        if node.constant or node.kind is Kind.TEXT:
            return node.options[0]
        if node.key in self.features:
            return self.features[node.key]
        if node not in self.cache:
            self.cache[node] = self._computed(node)
        return self.cache[node]

    def _computed(self, node: Node) -> Any:
        if node.op in SESSION:
            return SESSION[node.op](self.index, *node.options)[self.at][:, None]
        if node.op == "is":
            return self.value(node.args[0]) == regimes.NAMES.index(node.args[1].options[0])
        args = [self.value(arg) for arg in node.args]
        if node.op == "beta":
            return beta(args[0] - 1.0, self._index_returns(len(args[0])), *node.options)
        if node.op in ACROSS:
            values = [np.broadcast_to(arg, self.shape) for arg in args]
            return ACROSS[node.op](values, self.universe.eligible)
        return LOCAL[node.op](*args)

    def _index_returns(self, rows: int) -> NDArray[Any]:
        """The index's returns of `rows` sessions up to the last requested one, (rows,); NaN before its first."""
        end = int(self.at[-1]) + 1
        return np.concatenate([np.full(max(rows - end, 0), np.nan), self.index.m[max(end - rows, 0) : end]])

    def wide(self, node: Node) -> NDArray[Any]:
        """The same as (K, N), not to be written to."""
        return np.broadcast_to(np.asarray(self.value(node)), self.shape)

    def defined(self) -> Bools:
        """(K, N): every value that is compared is defined. An undefined value of the whole market fulfils nothing,
        as in the regimes, but closes no session."""
        whole: Bools = self.features[DEFINED].copy()
        for node in self.program.measured:
            if not node.local and _of_an_instrument(node):
                whole &= np.isfinite(self.value(node))
        return whole


def _of_an_instrument(node: Node) -> bool:
    return node.op in ACROSS or any(arg.op in INPUTS or _of_an_instrument(arg) for arg in node.args)


def _index_range(index: MarketIndex, n: int) -> NDArray[Any]:
    # A window that holds an unknown session is unknown; sma reads each window by itself.
    return averages.sma(index.range[:, None], n)[:, 0]


def _short_risk(index: MarketIndex) -> NDArray[Any]:
    # Numbers of a formula are float64, regimes int8.
    return regimes.short_risk(index).astype(np.float64)


ACROSS: dict[str, Callable[[Sequence[NDArray[Any]], Bools], NDArray[Any]]] = {
    "percentile": lambda values, eligible: percentile(values[0], eligible),
    "residual": lambda values, eligible: residual(values[0], values[1:], eligible),
}
"""Operations that compare the eligible instruments of a session."""

SESSION: dict[str, Callable[..., NDArray[Any]]] = {
    "regime_trend": regimes.regime_trend,
    "regime_daily": regimes.regime_daily,
    "short_risk": _short_risk,
    "index_return": regimes.returns,
    "index_range": _index_range,
}
