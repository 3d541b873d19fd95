"""Makers of the functions' nodes: unit, reach into the past, and arguments.

A maker takes the nodes and the arguments (lengths as int) and raises InvalidNode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from scans.engines.formula import operations
from scans.engines.formula.nodes import INSTRUMENT, PLAIN, SESSION, InvalidNode, Kind, Node, Nodes, Unit, common_unit
from scans.engines.formula.operators import arithmetic, comparison, local, shift
from scans.kernels.slopes import spread

Maker: TypeAlias = Callable[..., Node]

MAX_REGRESSORS = 10
"""How many numbers may explain another one in a residual."""


def window(op: str) -> Maker:
    """A value of the last n sessions, of the unit of x."""

    def build(nodes: Nodes, x: Node, n: int) -> Node:
        if op == "sum" and x.unit.log:
            raise InvalidNode("logarithms of adjusted values cannot be summed: take differences", 0)
        return nodes.node(
            op, x, options=(n,), unit=x.unit, reach=n - 1, positive=x.positive and op != "deviation", whole=x.whole
        )

    return build


def deviation(nodes: Nodes, x: Node, n: int) -> Node:
    unit = PLAIN if x.unit.log else x.unit
    return nodes.node("deviation", x, options=(n,), unit=unit, reach=n - 1, whole=x.whole)


def average(op: str, warm_up: Callable[[int], int]) -> Maker:
    """A recursive average of x, of its unit."""

    def build(nodes: Nodes, x: Node, n: int) -> Node:
        return nodes.node(
            op,
            x,
            options=(n,),
            unit=x.unit,
            reach=warm_up(n),
            positive=x.positive and op in ("ema", "wilder"),
            whole=True,
        )

    return build


def exponential(op: str, levels: int) -> Maker:
    """An exponential average of `levels` levels."""
    return average(op, lambda n: operations.average_warm_up(n, levels))


def _half(nodes: Nodes, pair: Node, op: str, unit: Unit, **more: Any) -> Node:
    return nodes.node(op, pair, unit=unit, whole=pair.whole, **more)


def slope(nodes: Nodes, x: Node, n: int) -> Node:
    pair = nodes.node("slope_sides", x, options=(n,), kind=Kind.PAIR, reach=n - 1, whole=x.whole)
    return _difference(nodes, pair, x.unit, n)


def obv_slope(nodes: Nodes, n: int) -> Node:
    close, volume = nodes.field("close"), nodes.field("volume")
    pair = nodes.node("obv_sides", close, volume, options=(n,), kind=Kind.PAIR, reach=n, whole=True)
    return _difference(nodes, pair, volume.unit, n)


def _difference(nodes: Nodes, pair: Node, unit: Unit, n: int) -> Node:
    sides = (_half(nodes, pair, half, unit) for half in ("first", "second"))
    return arithmetic(nodes, "divide", arithmetic(nodes, "subtract", *sides), nodes.constant(spread(n)))


def positive(value: Maker) -> Maker:
    def build(nodes: Nodes, *args: Any) -> Node:
        return comparison(nodes, ">", value(nodes, *args), nodes.constant(0))

    return build


def ratio(nodes: Nodes, x: Node, n: int) -> Node:
    if x.unit.log:
        raise InvalidNode("a ratio of logarithms means nothing: take their difference", 0)
    return nodes.node("ratio", x, options=(n,), reach=n, positive=x.positive)


def change(nodes: Nodes, x: Node, n: int) -> Node:
    return arithmetic(nodes, "subtract", ratio(nodes, x, n), nodes.constant(1))


def against_before(op: str) -> Maker:
    def build(nodes: Nodes, x: Node) -> Node:
        return comparison(nodes, op, x, shift(nodes, x, 1))

    return build


def r_squared(nodes: Nodes, x: Node, n: int) -> Node:
    return nodes.node("r_squared", x, options=(n,), reach=n - 1, whole=x.whole)


def crosses_above(nodes: Nodes, a: Node, b: Node) -> Node:
    common_unit((a, b), "this compares")
    node = nodes.node("crosses_above", a, b, kind=Kind.CONDITION, reach=1)
    nodes.shown.setdefault(node, (a, b))
    return node


def crosses_below(nodes: Nodes, a: Node, b: Node) -> Node:
    return crosses_above(nodes, b, a)


def count(nodes: Nodes, condition: Node, n: int) -> Node:
    return nodes.node("count", condition, options=(n,), reach=n - 1, whole=True)


def rsi(nodes: Nodes, n: int) -> Node:
    close = nodes.field("close")
    return nodes.node("rsi", close, options=(n,), reach=operations.wilder_warm_up(n), whole=True)


def rsi_half(half: str) -> Maker:
    def build(nodes: Nodes, n: int) -> Node:
        close, reach = nodes.field("close"), operations.average_warm_up(n, 3)
        pair = nodes.node("rsi_tema_dema", close, options=(n,), kind=Kind.PAIR, reach=reach, whole=True)
        return _half(nodes, pair, half, PLAIN)

    return build


def macd(nodes: Nodes, fast: int, slow: int) -> Node:
    ema = exponential("ema", 1)
    close = nodes.field("close")
    return arithmetic(nodes, "subtract", ema(nodes, close, fast), ema(nodes, close, slow))


def macd_signal(nodes: Nodes, *spans: int) -> Node:
    reach = operations.macd_warm_up(max(spans[:2]), spans[2])
    close = nodes.field("close")
    return nodes.node("macd_signal", close, options=spans, unit=Unit(1), reach=reach, whole=True)


def macd_osc(nodes: Nodes, *spans: int) -> Node:
    reach = operations.macd_warm_up(max(spans[:2]), spans[2])
    close = nodes.field("close")
    pair = nodes.node("osc_sides", close, options=spans, kind=Kind.PAIR, reach=reach, whole=True)
    sides = (_half(nodes, pair, half, Unit(1), positive=True) for half in ("first", "second"))
    return arithmetic(nodes, "subtract", *sides)


def over_bars(op: str, *fields: str, unit: Unit = PLAIN, more: int = 0) -> Maker:
    """A window over the session's prices; `more` sessions than n - 1 are read."""

    def build(nodes: Nodes, *length: int) -> Node:
        args = (nodes.field(name) for name in fields)
        reach = (length[0] - 1 if length else 0) + more
        return nodes.node(op, *args, options=length, unit=unit, reach=reach, whole=True)

    return build


def mean_of(field: str) -> Maker:
    def build(nodes: Nodes, n: int) -> Node:
        return window("sma")(nodes, nodes.field(field), n)

    return build


def absolute(nodes: Nodes, x: Node) -> Node:
    if x.unit.log:
        raise InvalidNode("take the difference of two logarithms first", 0)
    return local(nodes, "abs", x, unit=x.unit, positive=x.positive)


def logarithm(nodes: Nodes, x: Node) -> Node:
    if x.unit.log:
        raise InvalidNode("a logarithm of a logarithm means nothing", 0)
    return local(nodes, "log", x, unit=Unit(x.unit.power, True) if x.unit.power else PLAIN)


def of_one_unit(op: str) -> Maker:
    """One of several numbers of one unit."""

    def build(nodes: Nodes, *args: Node) -> Node:
        unit = common_unit(args, f"{op} chooses between")
        return local(nodes, op, *args, unit=unit, positive=all(arg.positive for arg in args))

    return build


def choice(nodes: Nodes, condition: Node, then: Node, otherwise: Node) -> Node:
    unit = common_unit((then, otherwise), "if chooses between")
    return nodes.node(
        "if",
        condition,
        then,
        otherwise,
        unit=unit,
        positive=then.positive and otherwise.positive,
        whole=then.whole and otherwise.whole,
    )


def number_of(nodes: Nodes, *conditions: Node) -> Node:
    return nodes.node("number_of", *conditions, whole=True)


def _refuse_incomparable(x: Node, place: int = 0) -> None:
    """InvalidNode where instruments cannot be compared by x."""
    if x.unit != PLAIN:
        raise InvalidNode(
            f"instruments are compared by plain numbers, this is {x.unit}: divide by another value of the same kind",
            place,
        )
    if not x.level & INSTRUMENT:
        raise InvalidNode("this is the same for every instrument", place)


def percentile(nodes: Nodes, x: Node) -> Node:
    _refuse_incomparable(x)
    # A ratio ranks as the return does, and near 1 it has the scale that tells ties.
    if x.op == "subtract" and x.args[0].op == "ratio" and x.args[1].constant:
        x = x.args[0]
    return nodes.node("percentile", x, level=SESSION)


def residual(nodes: Nodes, *numbers: Node) -> Node:
    """The first of `numbers` without what the others explain of it."""
    for place, number in enumerate(numbers):
        _refuse_incomparable(number, place)
    if len(numbers) > MAX_REGRESSORS + 1:
        raise InvalidNode(f"at most {MAX_REGRESSORS} numbers may explain another one", MAX_REGRESSORS + 1)
    return nodes.node("residual", *numbers, level=SESSION)


def relative_strength(nodes: Nodes, n: int) -> Node:
    own, market = change(nodes, nodes.field("close"), n), of_session("index_return")(nodes, n)
    return arithmetic(nodes, "subtract", own, market)


def beta(nodes: Nodes, n: int) -> Node:
    """The beta of the close over n sessions against the market index."""
    past = nodes.node(operations.HISTORY, ratio(nodes, nodes.field("close"), 1), options=(n,), reach=n - 1)
    return nodes.node("beta", past, options=(n,), level=SESSION)


def net_buying(investor: str) -> Maker:
    """Shares that `investor` bought net over n sessions as a fraction of those that were traded."""

    def build(nodes: Nodes, n: int) -> Node:
        flows = [nodes.field(f"{investor}_net_{measure}") for measure in ("quantity", "value")]
        close, raw_close, volume, amount = map(nodes.field, ("close", "raw_close", "volume", "amount"))
        bought = nodes.node("net_shares", *flows, close, raw_close, volume, amount, unit=volume.unit)
        total = window("sum")
        return arithmetic(nodes, "divide", total(nodes, bought, n), total(nodes, volume, n))

    return build


def of_session(op: str, kind: Kind = Kind.NUMBER) -> Maker:
    def build(nodes: Nodes, *length: int) -> Node:
        return nodes.node(op, options=length, kind=kind, level=SESSION)

    return build
