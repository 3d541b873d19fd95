"""The functions of the formula language, in a visible table: each is a kernel, or a combination of kernels.

A row gives a function's parameters, its meaning and the maker of its node (`function_nodes`); docs/formula.md shows the
table.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.panel import INVESTORS
from scans.engines.formula import function_nodes, operations
from scans.engines.formula.function_nodes import Maker
from scans.engines.formula.nodes import Kind, Unit
from scans.engines.formula.operators import shift

MAX_WINDOW = 500
MAX_SPAN = 250
"""Sessions of a window, and of an exponential average (which needs about ten times as many of history)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """takes: "series" (a number that changes from session to session), "number", "condition", or "length" (a whole
    number that is written out, least..most). A default makes it optional; `many` repeats it."""

    name: str
    takes: str = "series"
    least: int = 1
    most: int = MAX_WINDOW
    default: int | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """`build` makes the node; `looks_back`: sessions before the current one are read, which only an instrument's own
    bars have."""

    name: str
    parameters: tuple[Parameter, ...]
    text: str
    build: Maker
    looks_back: bool = True

    @property
    def least(self) -> int:
        return sum(parameter.default is None for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """The most arguments it takes; None for any number."""
        return None if any(parameter.many for parameter in self.parameters) else len(self.parameters)

    @property
    def usage(self) -> str:
        """Its call: ema(x, n), macd(fast = 12, ..)."""
        shown = [
            parameter.name
            + (f" = {parameter.default}" if parameter.default is not None else "")
            + (", .." if parameter.many else "")
            for parameter in self.parameters
        ]
        return f"{self.name}({', '.join(shown)})"


def session_function(name: str, parameters: tuple[Parameter, ...], text: str, build: Maker) -> Function:
    """A function of the session itself."""
    return Function(name, parameters, text, build, looks_back=False)


X, Y = Parameter("x"), Parameter("y")
N = Parameter("n", "length")
TWO = Parameter("n", "length", least=2)
BEFORE = Parameter("n", "length", least=0)
ONE = Parameter("n", "length", default=1)
SPAN = Parameter("n", "length", most=MAX_SPAN)
FAST = Parameter("fast", "length", most=MAX_SPAN, default=12)
SLOW = Parameter("slow", "length", most=MAX_SPAN, default=26)
SIGNAL = Parameter("signal", "length", most=MAX_SPAN, default=9)
CONDITION = Parameter("condition", "condition")
NUMBER, OTHER = Parameter("x", "number"), Parameter("y", "number")
LOW, HIGH = Parameter("low", "number"), Parameter("high", "number")
ANY = Parameter("condition", "condition", many=True)
OTHERS = Parameter("y", "number", many=True)

PRICE = Unit(1)
RANGE = function_nodes.over_bars("true_range", "high", "low", "close", unit=PRICE, more=1)
ATR = function_nodes.over_bars("atr", "high", "low", "close", unit=PRICE, more=1)
PLACE = function_nodes.over_bars("place", "close", "high", "low")
DEPTH = function_nodes.over_bars("depth", "high", "low")

GROUPS: dict[str, tuple[Function, ...]] = {
    "Averages": (
        Function("ema", (X, SPAN), "exponential average, alpha 2 / (n + 1)", function_nodes.exponential("ema", 1)),
        Function("dema", (X, SPAN), "double exponential average", function_nodes.exponential("dema", 2)),
        Function("tema", (X, SPAN), "triple exponential average", function_nodes.exponential("tema", 3)),
        Function(
            "wilder",
            (X, SPAN),
            "Wilder's average, alpha 1 / n",
            function_nodes.average("wilder", operations.wilder_warm_up),
        ),
        Function("sma", (X, N), "mean of the last n values", function_nodes.window("sma")),
        Function("mean", (X, N), "the same as sma", function_nodes.window("sma")),
        Function("median", (X, N), "median of the last n values", function_nodes.window("median")),
        Function("turnover", (N,), "mean turnover: sma(amount, n)", function_nodes.mean_of("amount")),
        Function("volume_mean", (N,), "mean volume: sma(volume, n)", function_nodes.mean_of("volume")),
    ),
    "Windows": (
        Function("sum", (X, N), "sum of the last n values", function_nodes.window("sum")),
        Function("max", (X, N), "largest of the last n values", function_nodes.window("max")),
        Function("min", (X, N), "least of the last n values", function_nodes.window("min")),
        Function("shift", (X, BEFORE), "the value n sessions before; never one after", shift),
        Function("change", (X, ONE), "x / (x n sessions before) - 1, a fraction", function_nodes.change),
        Function("ratio", (X, ONE), "x / (x n sessions before)", function_nodes.ratio),
        Function("deviation", (X, TWO), "standard deviation of the last n values", function_nodes.deviation),
        Function("slope", (X, TWO), "least squares slope of the last n values, a session", function_nodes.slope),
        Function(
            "r_squared",
            (X, TWO),
            "share of the variance of the last n values that a straight line explains, 0..1",
            function_nodes.r_squared,
        ),
        Function(
            "count", (CONDITION, N), "on how many of the last n sessions the condition held", function_nodes.count
        ),
    ),
    "Conditions": (
        Function("rises", (X,), "x is above its value of the session before", function_nodes.against_before(">")),
        Function("falls", (X,), "x is below its value of the session before", function_nodes.against_before("<")),
        Function("rising", (X, TWO), "slope(x, n) > 0", function_nodes.positive(function_nodes.slope)),
        Function("obv_rising", (TWO,), "obv_slope(n) > 0", function_nodes.positive(function_nodes.obv_slope)),
        Function("crosses_above", (X, Y), "x is above y and was not the session before", function_nodes.crosses_above),
        Function("crosses_below", (X, Y), "y is above x and was not the session before", function_nodes.crosses_below),
    ),
    "Oscillators and ranges": (
        Function("rsi", (SPAN,), "relative strength of the close on Wilder's average, 0..100", function_nodes.rsi),
        Function("rsi_tema", (SPAN,), "the same on triple exponential averages", function_nodes.rsi_half("first")),
        Function("rsi_dema", (SPAN,), "the same on double exponential averages", function_nodes.rsi_half("second")),
        Function("macd", (FAST, SLOW), "ema(close, fast) - ema(close, slow)", function_nodes.macd),
        Function("macd_signal", (FAST, SLOW, SIGNAL), "the macd smoothed over signal", function_nodes.macd_signal),
        Function("macd_osc", (FAST, SLOW, SIGNAL), "macd - macd_signal", function_nodes.macd_osc),
        Function("obv_slope", (TWO,), "slope of on-balance volume over n sessions", function_nodes.obv_slope),
        Function("true_range", (), "range of the session, the close before included", RANGE),
        Function("atr", (N,), "mean true range of n sessions", ATR),
        Function(
            "place",
            (N,),
            "where the close stands between the lowest low (0) and the highest high (1) of n sessions",
            PLACE,
        ),
        Function("depth", (N,), "(highest high - lowest low) / highest high of n sessions", DEPTH),
    ),
    "Arithmetic": (
        session_function("abs", (NUMBER,), "x without its sign", function_nodes.absolute),
        session_function("log", (NUMBER,), "natural logarithm; undefined at 0 and below", function_nodes.logarithm),
        session_function("max2", (NUMBER, OTHER), "the larger one", function_nodes.of_one_unit("max2")),
        session_function("min2", (NUMBER, OTHER), "the smaller one", function_nodes.of_one_unit("min2")),
        session_function(
            "clip", (NUMBER, LOW, HIGH), "x, but at least low and at most high", function_nodes.of_one_unit("clip")
        ),
        session_function(
            "if", (CONDITION, NUMBER, OTHER), "x where the condition holds, else y", function_nodes.choice
        ),
        session_function("number_of", (ANY,), "how many of the conditions hold", function_nodes.number_of),
    ),
    "Investors": tuple(
        Function(
            f"{investor}_net",
            (N,),
            f"shares that {buyers} bought, less those they sold, over n sessions, as a fraction of all shares traded; "
            "undefined where a session has no flow recorded",
            function_nodes.net_buying(investor),
        )
        for investor, buyers in zip(
            INVESTORS, ("foreigners", "institutions", "pension funds", "individuals"), strict=True
        )
    ),
    "The market": (
        session_function(
            "percentile",
            (NUMBER,),
            "rank of x among the eligible instruments that have it, above 0 up to 1 (the highest); ties share theirs",
            function_nodes.percentile,
        ),
        session_function(
            "residual",
            (NUMBER, OTHERS),
            "x without what a least squares line through all y explains of it among the eligible instruments that have "
            "x and all y; 0 on average, undefined for the others",
            function_nodes.residual,
        ),
        session_function(
            "relative_strength",
            (N,),
            "change(close, n) - index_return(n)",
            function_nodes.relative_strength,
        ),
        session_function(
            "beta",
            (TWO,),
            "slope of the close's returns of the last n sessions against those of the market index",
            function_nodes.beta,
        ),
        session_function(
            "regime",
            (),
            'the regime by the trend of 20 sessions: "bull", "bear", "neutral" or "crash"',
            function_nodes.of_session("regime_trend", Kind.REGIME),
        ),
        session_function(
            "regime_daily",
            (),
            "the same by the return of the session alone",
            function_nodes.of_session("regime_daily", Kind.REGIME),
        ),
        session_function(
            "short_risk", (), "how nervous the session was, 0..3", function_nodes.of_session("short_risk")
        ),
        session_function(
            "index_return",
            (N,),
            "the market index's return over n sessions, a fraction",
            function_nodes.of_session("index_return"),
        ),
        session_function(
            "index_range",
            (N,),
            "mean relative range of the market over n sessions, a fraction",
            function_nodes.of_session("index_range"),
        ),
    ),
}

FUNCTIONS: dict[str, Function] = {function.name: function for group in GROUPS.values() for function in group}
