"""Nodes of operators and comparisons: units, ties, and the comparison of differences.

A difference has no scale of its own near 0, so its sign is that of the comparison of its `terms`: macd_osc()
> 0 compares the averages it is node of, slope(x, n) > 0 what the later half weighs with what the earlier one does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from marketdata.number_format import format_number
from scans.engines.formula.nodes import PLAIN, InvalidNode, Kind, Node, Nodes, Unit, common_unit, zero
from scans.engines.formula.operations import fold_constants
from scans.engines.formula.tokens import MAX_NUMBER

SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def arithmetic(nodes: Nodes, op: str, a: Node, b: Node) -> Node:
    """a + b, a - b, a * b or a / b."""
    if a.constant and b.constant:
        return _folded(nodes, op, a, b)
    if op == "add" and b.op == "negative":
        return arithmetic(nodes, "subtract", a, b.args[0])
    whole = a.whole and b.whole
    if op in ("add", "subtract"):
        unit = _sum_unit(op, a, b)
        return nodes.node(op, a, b, unit=unit, positive=_adds_up(op, a, b), whole=whole)
    for place, side in enumerate((a, b)):
        if side.unit.log:
            raise InvalidNode(f"this is {side.unit}: take the difference of two before you multiply or divide", place)
    if op == "divide" and zero(b):
        raise InvalidNode("a division by 0", 1)
    power = a.unit.power + b.unit.power * (1 if op == "multiply" else -1)
    return nodes.node(op, a, b, unit=Unit(power), positive=a.positive and b.positive)


def _adds_up(op: str, a: Node, b: Node) -> bool:
    return op == "add" and a.positive and b.positive


def _sum_unit(op: str, a: Node, b: Node) -> Unit:
    if not a.unit.log and not b.unit.log:
        return common_unit((a, b), f"{SYMBOLS[op]} joins")
    for side in (a, b):
        if not side.unit.log and side.unit != PLAIN:
            raise InvalidNode(f"{SYMBOLS[op]} joins a logarithm and {side.unit}")
    power = a.unit.power + b.unit.power * (1 if op == "add" else -1)
    return Unit(power, power != 0)


def negative(nodes: Nodes, x: Node) -> Node:
    """-x."""
    if x.constant:
        return nodes.constant(-x.options[0])
    unit = Unit(-x.unit.power, True) if x.unit.log else x.unit
    return nodes.node("negative", x, unit=unit, whole=x.whole)


def local(nodes: Nodes, op: str, *args: Node, unit: Unit, positive: bool = False) -> Node:
    """A number that `op` makes of the same cell of each of its arguments."""
    if all(arg.constant for arg in args):
        return _folded(nodes, op, *args)
    whole = all(arg.whole for arg in args)
    return nodes.node(op, *args, unit=unit, positive=positive, whole=whole and op != "log")


def _folded(nodes: Nodes, op: str, *args: Node) -> Node:
    value = fold_constants(op, [arg.options[0] for arg in args])
    if value is None:
        raise InvalidNode("this has no value")
    if abs(value) > MAX_NUMBER:
        raise InvalidNode(f"{format_number(value)} is too large: at most {format_number(MAX_NUMBER)}")
    return nodes.constant(value)


@dataclass
class _Terms:
    """The summands of a value, and its subtrahends."""

    up: list[Node] = field(default_factory=list)
    down: list[Node] = field(default_factory=list)

    def turned(self) -> _Terms:
        return _Terms(self.down, self.up)

    def joined(self, other: _Terms) -> _Terms:
        return _Terms(self.up + other.up, self.down + other.down)


def terms(nodes: Nodes, x: Node) -> _Terms:
    """The terms of x, all of its unit; x itself where it is no sum or difference."""
    if x.op in ("add", "subtract"):
        left, right = (terms(nodes, arg) for arg in x.args)
        return left.joined(right if x.op == "add" else right.turned())
    if x.op == "negative":
        return terms(nodes, x.args[0]).turned()
    inner: _Terms | None = None
    if x.op == "shift":
        inner = _each(terms(nodes, x.args[0]), lambda term: shift(nodes, term, x.options[0]))
    elif x.op == "divide" and x.args[1].positive:
        by = x.args[1]
        inner = _each(terms(nodes, x.args[0]), lambda term: arithmetic(nodes, "divide", term, by))
    elif x.op == "multiply" and any(arg.positive for arg in x.args):
        factor, rest = x.args if x.args[0].positive else reversed(x.args)
        inner = _each(terms(nodes, rest), lambda term: arithmetic(nodes, "multiply", term, factor))
    return inner if inner and inner.up and inner.down else _Terms([x])


def _each(terms_of: _Terms, make: Callable[[Node], Node]) -> _Terms | None:
    if not terms_of.down:
        return None
    return _Terms([make(term) for term in terms_of.up], [make(term) for term in terms_of.down])


def shift(nodes: Nodes, x: Node, n: int) -> Node:
    """x of n sessions before."""
    if x.constant or n == 0:
        return x
    return nodes.node(
        "shift", x, options=(n,), kind=x.kind, unit=x.unit, reach=n, positive=x.positive, whole=x.whole, raw=x.raw
    )


def _stripped(x: Node) -> tuple[Node, bool]:
    """x without factors that do not change its sign, and whether the sign is turned."""
    turned = False
    while True:
        if x.op == "negative":
            x, turned = x.args[0], not turned
        elif x.op == "divide" and (x.args[1].positive or x.args[1].constant):
            turned ^= not x.args[1].positive
            x = x.args[0]
        elif x.op == "multiply" and any(arg.positive for arg in x.args):
            x = x.args[1] if x.args[0].positive else x.args[0]
        else:
            return x, turned


_ORDER = {">": "above", ">=": "at_least"}


def comparison(nodes: Nodes, op: str, a: Node, b: Node) -> Node:
    """a op b, a condition; raises Misfit."""
    if {a.kind, b.kind} & {Kind.REGIME, Kind.TEXT}:
        return _regime(nodes, op, a, b)
    if a.constant and b.constant:
        raise InvalidNode("both sides are constants, so this holds always or never")
    common_unit((a, b), "this compares")
    up, down = (a, b) if op not in ("<", "<=") else (b, a)
    name = _ORDER.get({"<": ">", "<=": ">="}.get(op, op), "equal" if op == "==" else "differ")
    if a.raw and b.raw:
        node = nodes.node(f"raw_{name}", up, down, kind=Kind.CONDITION)
    else:
        up, down = _sides(nodes, up, down)
        node = nodes.node(name, up, down, kind=Kind.CONDITION)
    nodes.shown.setdefault(node, (a, b))
    return node


def _sides(nodes: Nodes, up: Node, down: Node) -> tuple[Node, Node]:
    """The two sides to compare in place of `up` and `down`, of a scale that reveals ties."""
    if zero(up):
        right, left = _sides(nodes, down, up)
        return left, right
    if zero(down):
        x, turned = _stripped(up)
        difference = terms(nodes, x)
        if not difference.down or not difference.up:
            return up, down
    else:
        first, other = terms(nodes, up), terms(nodes, down)
        if not (first.down and other.down):
            return up, down
        difference, turned = first.joined(other.turned()), False
    left, right = (_total(nodes, side) for side in (difference.up, difference.down))
    return (right, left) if turned else (left, right)


def _total(nodes: Nodes, side: list[Node]) -> Node:
    total = side[0]
    for term in side[1:]:
        total = arithmetic(nodes, "add", total, term)
    return total


def _regime(nodes: Nodes, op: str, a: Node, b: Node) -> Node:
    from_text = b if b.kind is Kind.TEXT else a
    regime = a if from_text is b else b
    if regime.kind is not Kind.REGIME or from_text.kind is not Kind.TEXT or op not in ("==", "!="):
        raise InvalidNode('a regime is compared with its name: regime == "bull" or regime != "crash"')
    node = nodes.node("is", regime, from_text, kind=Kind.CONDITION)
    nodes.shown.setdefault(node, (regime, from_text))
    if op == "!=":
        node = negation(nodes, node)
        nodes.shown.setdefault(node, (regime, from_text))
    return node


def negation(nodes: Nodes, x: Node) -> Node:
    """not x."""
    return nodes.node("not", x, kind=Kind.CONDITION)


def logic(nodes: Nodes, op: str, conditions: list[Node]) -> Node:
    """All (and) or any (or) of the conditions."""
    return nodes.node(op, *conditions, kind=Kind.CONDITION)


UNSURE = ("not", "or", "if", "number_of")
"""Operations that use a comparison that does not hold, if only because a value is missing."""


def where_defined(nodes: Nodes, x: Node) -> Node:
    """x for a function that looks back: not fulfilled, or undefined, on sessions where a compared value is undefined.

    On the session itself `Program.measured` is the condition of the whole formula."""
    inside = _reached(x)
    if not any(part.op in UNSURE for part in inside):
        return x
    sides = [side for part in inside for side in nodes.shown.get(part, ())]
    compared = dict.fromkeys(side for side in sides if side.kind is Kind.NUMBER and not side.constant)
    defined = [nodes.node("known", side, kind=Kind.CONDITION) for side in compared]
    if x.kind is Kind.CONDITION:
        return logic(nodes, "and", [x, *defined])
    return nodes.node("where_known", x, *defined, unit=x.unit, positive=x.positive)


def _reached(x: Node) -> list[Node]:
    nodes, waiting = dict[Node, None](), [x]
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes[node] = None
            waiting += node.args
    return list(nodes)


def whole_number(x: Node) -> int | None:
    """The value of a constant that is a whole number, else None."""
    if not x.constant or not math.isfinite(x.options[0]) or x.options[0] != int(x.options[0]):
        return None
    return int(x.options[0])
