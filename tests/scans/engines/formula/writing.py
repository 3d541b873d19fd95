"""Random formulas, each with what it means: a text, and a naive evaluation of it for one instrument.

The naive side walks sessions with Python's floats and the indicators of tests/reference; it shares nothing with the
engine. A `Value` gives (values, defined): one float or bool a session since the first bar, and whether every value that
was compared on the way has one on that session.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from marketdata.panel import INVESTORS
from tests.reference import indicators

Lists = tuple[list[Any], list[bool]]
Naive = Callable[[pd.DataFrame], Lists]


@dataclass(frozen=True)
class Piece:
    text: str
    naive: Naive


def field(name: str, column: str) -> Piece:
    return Piece(name, lambda bars: (bars[column].tolist(), [True] * len(bars)))


PRICES = [field("open", "O"), field("high", "H"), field("low", "L"), field("close", "C")]
CLOSE, VOLUME = PRICES[3], field("volume", "V")
RAW = [field("raw_close", "rawC"), field("amount", "A")]
CAP = field("market_cap", "cap")


def constant(value: float) -> Piece:
    return Piece(f"{value:g}", lambda bars: ([float(f"{value:g}")] * len(bars), [True] * len(bars)))


def cellwise(text: str, what: Callable[..., Any], *parts: Piece) -> Piece:
    """`what` of the same session of each part."""

    def naive(bars: pd.DataFrame) -> Lists:
        lists = [part.naive(bars) for part in parts]
        values = [what(*cells) for cells in zip(*(one[0] for one in lists), strict=True)]
        return values, [all(cells) for cells in zip(*(one[1] for one in lists), strict=True)]

    return Piece(text.format(*(part.text for part in parts)), naive)


def undefined_as_nan(part: Piece, bars: pd.DataFrame) -> Lists:
    """What a function that looks back sees of it: NaN where something compared on the way is not defined."""
    values, defined = part.naive(bars)
    return [x if d else math.nan for x, d in zip(values, defined, strict=True)], defined


def windowed(name: str, what: Callable[[list[float]], float], part: Piece, n: int) -> Piece:
    """`what` of the last n values, NaN where there are fewer or one of them is."""

    def naive(bars: pd.DataFrame) -> Lists:
        values, defined = undefined_as_nan(part, bars)
        result = [math.nan] * len(values)
        for t in range(n - 1, len(values)):
            window = values[t - n + 1 : t + 1]
            result[t] = math.nan if any(map(math.isnan, window)) else what(window)
        return result, defined

    return Piece(f"{name}({part.text}, {n})", naive)


def whole(name: str, what: Callable[[Any, int], Any], part: Piece, n: int) -> Piece:
    """An indicator of the reference, from the first bar on."""

    def naive(bars: pd.DataFrame) -> Lists:
        values, defined = undefined_as_nan(part, bars)
        series = pd.Series(values, dtype=float).ffill()  # a session without value is skipped
        result = what(series[series.notna()], n)
        return result.reindex(series.index).tolist(), defined

    return Piece(f"{name}({part.text}, {n})", naive)


def of_close(name: str, what: Callable[[Any, int], Any], n: int) -> Piece:
    result = whole(name, what, CLOSE, n)
    return Piece(f"{name}({n})", result.naive)


def divided(a: float, b: float) -> float:
    return a / b if b else math.nan


def ratio(window: list[float]) -> float:
    return divided(window[-1], window[0])


def r_squared(window: list[float]) -> float:
    middle, mean = (len(window) - 1) / 2, statistics.fmean(window)
    squares = math.fsum((x - mean) ** 2 for x in window)
    if squares <= len(window) * 1e-18:
        return 0.0
    products = math.fsum((j - middle) * (x - mean) for j, x in enumerate(window))
    return products**2 / (squares * sum((j - middle) ** 2 for j in range(len(window))))


def compared(op: str, a: Piece, b: Piece, *, exact: bool = False) -> Piece:
    """a op b, each side defined."""
    rules: dict[str, Callable[[float, float], bool]] = {
        ">": lambda x, y: x > y if exact else indicators.above(x, y),
        ">=": lambda x, y: x >= y if exact else indicators.at_least(x, y),
        "<": lambda x, y: x < y if exact else indicators.above(y, x),
        "<=": lambda x, y: x <= y if exact else indicators.at_least(y, x),
        "==": lambda x, y: x == y if exact else indicators.at_least(x, y) and indicators.at_least(y, x),
        "!=": lambda x, y: x < y or x > y if exact else indicators.above(x, y) or indicators.above(y, x),
    }

    def naive(bars: pd.DataFrame) -> Lists:
        (left, one), (right, other) = a.naive(bars), b.naive(bars)
        holds = [rules[op](x, y) for x, y in zip(left, right, strict=True)]
        finite = [math.isfinite(x) and math.isfinite(y) for x, y in zip(left, right, strict=True)]
        return holds, [all(cells) for cells in zip(one, other, finite, strict=True)]

    return Piece(f"{a.text} {op} {b.text}", naive)


def written(text: str, like: Piece) -> Piece:
    """The meaning of `like` in other words."""
    return Piece(text, like.naive)


def counted(condition: Piece, n: int) -> Piece:
    def naive(bars: pd.DataFrame) -> Lists:
        holds, defined = condition.naive(bars)
        sure = [is_true and there for is_true, there in zip(holds, defined, strict=True)]
        return [float(sum(sure[max(t - n + 1, 0) : t + 1])) for t in range(len(sure))], defined

    return Piece(f"count({condition.text}, {n})", naive)


def shifted(x: Piece, n: int) -> Piece:
    def naive(bars: pd.DataFrame) -> Lists:
        values, defined = undefined_as_nan(x, bars)
        return ([math.nan] * n + values)[: len(values)], defined

    return Piece(f"shift({x.text}, {n})", naive)


def crossing(a: Piece, b: Piece) -> Piece:
    def naive(bars: pd.DataFrame) -> Lists:
        (x, one), (y, other) = undefined_as_nan(a, bars), undefined_as_nan(b, bars)
        holds = [
            t > 0 and indicators.above(x[t], y[t]) and indicators.at_least(y[t - 1], x[t - 1]) for t in range(len(x))
        ]
        finite = [math.isfinite(u) and math.isfinite(v) for u, v in zip(x, y, strict=True)]
        return holds, [all(cells) for cells in zip(one, other, finite, strict=True)]

    return Piece(f"crosses_above({a.text}, {b.text})", naive)


def halves(x: Piece, n: int) -> Piece:
    """rising(x, n), by the halves of the slope's numerator."""

    def side(later: bool) -> Callable[[list[float]], float]:
        middle = (n - 1) / 2
        return lambda window: math.fsum(
            abs(j - middle) * v for j, v in enumerate(window) if (j > middle) == later and j != middle
        )

    up, down = (windowed("", side(later), x, n) for later in (True, False))
    return written(f"rising({x.text}, {n})", compared(">", up, down))


def net_buying(who: str, n: int) -> Piece:
    """`who`_net(n): adjusted shares bought over adjusted shares traded."""

    def naive(bars: pd.DataFrame) -> Lists:
        names = (f"{who}_net_quantity", f"{who}_net_value", "C", "rawC", "V", "A")
        bought = [
            quantity * raw / close if quantity == quantity else value / (amount / volume if volume else close)
            for quantity, value, close, raw, volume, amount in zip(*(bars[name] for name in names), strict=True)
        ]
        traded = bars["V"].tolist()
        rows = [
            divided(math.fsum(bought[t - n + 1 : t + 1]), math.fsum(traded[t - n + 1 : t + 1]))
            if t >= n - 1
            else math.nan
            for t in range(len(bars))
        ]
        return rows, [True] * len(bars)

    return Piece(f"{who}_net({n})", naive)


windows = st.integers(2, 9)
spans = st.integers(4, 9)
"""Of recursive averages: their warm-up is longer than the tests' history, so both sides start at the first bar."""
numbers = st.floats(0.3, 3).map(lambda x: round(x, 3))
ops = st.sampled_from([">", ">=", "<", "<="])


@st.composite
def prices(draw: st.DrawFn, depth: int = 2) -> Piece:
    """Something that is an adjusted price, above 0 and without holes."""
    if depth <= 0:
        return draw(st.sampled_from(PRICES))
    x, n = draw(prices(depth - 1)), draw(windows)
    makers: list[Callable[[], Piece]] = [
        lambda: draw(st.sampled_from(PRICES)),
        lambda: whole("ema", indicators.ema, x, draw(spans)),
        lambda: whole("wilder", indicators.wilder, x, draw(spans)),
        lambda: windowed("sma", lambda w: math.fsum(w) / len(w), x, n),
        lambda: windowed("max", max, x, n),
        lambda: windowed("min", min, x, n),
        lambda: windowed("median", statistics.median, x, n),
        lambda: shifted(x, n),
        lambda: cellwise(f"({{}} * {(c := draw(numbers)):g})", lambda a: a * c, x),
        lambda: cellwise("max2({}, {})", max, x, draw(prices(0))),
        lambda: cellwise("({} + {})", lambda a, b: a + b, x, draw(prices(0))),
        lambda: cellwise(
            "if({}, {}, {})",
            lambda c, a, b: a if c else b,
            draw(conditions(depth - 1)),
            draw(prices(0)),
            draw(prices(0)),
        ),
    ]
    return draw(st.sampled_from(makers))()


@st.composite
def plains(draw: st.DrawFn, depth: int = 2) -> Piece:
    """A plain number."""
    n = draw(windows)
    quotient = cellwise("{} / ({})", divided, draw(prices(depth - 1)), draw(prices(depth - 1)))
    if depth <= 0:
        return quotient
    deeper = plains(depth - 1)
    makers: list[Callable[[], Piece]] = [
        lambda: quotient,
        lambda: of_close("rsi", indicators.rsi, draw(spans)),
        lambda: of_close("rsi_tema", indicators.rsi_tema, draw(spans)),
        lambda: of_close("rsi_dema", indicators.rsi_dema, draw(spans)),
        lambda: cellwise("{} / {}", divided, VOLUME, windowed("sma", statistics.fmean, VOLUME, n)),
        lambda: windowed(  # not of counts, which are 0 before the first bar
            "sma", statistics.fmean, draw(st.sampled_from([quotient, of_close("rsi", indicators.rsi, 5)])), n
        ),
        lambda: net_buying(draw(st.sampled_from(INVESTORS)), n),
        lambda: cellwise("{} / {}", divided, CAP, windowed("sma", statistics.fmean, CAP, n)),
        lambda: windowed("r_squared", r_squared, draw(prices(0)), max(n, 3)),
        lambda: counted(draw(conditions(depth - 1)), n),
        lambda: written(f"ratio({(x := draw(prices(depth - 1))).text}, {n})", windowed("", ratio, x, n + 1)),
        lambda: cellwise(
            "clip({}, {}, {})", lambda x, low, high: min(max(x, low), high) if x == x else x,
            draw(deeper), constant(0.5), constant(40),
        ),
        lambda: cellwise("abs({})", abs, draw(deeper)),
        lambda: cellwise("log({})", lambda x: math.log(x) if x > 0 else math.nan, draw(deeper)),
        lambda: cellwise("({} + {})", lambda a, b: a + b, draw(deeper), draw(deeper)),
        lambda: cellwise("{} * {}", lambda a, b: a * b, draw(deeper), constant(draw(numbers))),
        lambda: cellwise(
            "number_of({}, {})", lambda *arguments: float(sum(arguments)),
            draw(conditions(depth - 1)), draw(conditions(depth - 1)),
        ),
    ]  # fmt: skip
    return draw(st.sampled_from(makers))()


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> Piece:
    """A condition that needs nothing of the market."""
    op, n = draw(ops), draw(windows)
    simple: list[Callable[[], Piece]] = [
        lambda: compared(op, draw(prices(depth - 1)), draw(prices(depth - 1))),
        lambda: compared(
            draw(st.sampled_from([op, "==", "!="])), draw(st.sampled_from(RAW)),
            constant(draw(st.sampled_from([1500, 4000, 3e9]))), exact=True,
        ),
        lambda: halves(draw(prices(depth - 1)), n),
        lambda: crossing(draw(prices(depth - 1)), draw(prices(depth - 1))),
        lambda: difference(draw(prices(depth - 1)), draw(prices(depth - 1))),
        lambda: written(f"rises({(x := draw(prices(depth - 1))).text})", compared(">", x, shifted(x, 1))),
    ]  # fmt: skip
    if depth <= 0:
        return draw(st.sampled_from(simple[:3]))()
    deeper = conditions(depth - 1)
    compound: list[Callable[[], Piece]] = [
        lambda: compared(op, draw(plains(depth - 1)), constant(draw(numbers))),
        lambda: compared(op, CAP, constant(draw(st.sampled_from([2e9, 3e10])))),
        lambda: compared(op, draw(plains(depth - 1)), draw(plains(depth - 1))),
        lambda: cellwise("({} and {})", lambda a, b: a and b, draw(deeper), draw(deeper)),
        lambda: cellwise("({} or {})", lambda a, b: a or b, draw(deeper), draw(deeper)),
        lambda: cellwise("not ({})", lambda a: not a, draw(deeper)),
    ]
    return draw(st.sampled_from([*simple, *compound]))()


def difference(a: Piece, b: Piece) -> Piece:
    """a - b against 0, in a form that has no scale of its own: the prices are compared."""
    return written(f"({a.text} - ({b.text})) / close > 0", compared(">", a, b))
