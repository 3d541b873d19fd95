"""The typed tree of a formula: nodes that share what is equal, each knowing its kind, its unit and where it can be
computed.

Units. Adjusted prices and volumes are defined only up to a factor of the instrument: the next split rescales its whole
past, prices by f, volumes by 1 / f. `Unit.power` is the power of f in a number (prices 1, volumes -1, everything else
0). Only numbers of one power are added or compared, so no formula can see a factor, and with it a later split. A
logarithm of a price turns the factor into a summand (`log`).

Stages. What depends on the instrument's own bars alone is computed by `features` (level INSTRUMENT); what needs the
market, its regime or the other instruments, by `score` (level has SESSION).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from marketdata.panel import FIELDS, FLOW_FIELDS, MARKET_CAP, PRICE_FIELDS

INSTRUMENT, SESSION = 1, 2

INPUTS = (*FIELDS, *FLOW_FIELDS)
"""Fields of the panel; a formula names those of `FIELDS`, and its functions read the others."""

MAX_DEPTH = 120
"""Levels of a tree, definitions written out."""

MAX_SIZE = 3_000
"""Nodes of a tree, definitions written out: shared nodes are computed once, but shown at each use."""

MAX_POWER = 4


class Kind(Enum):
    NUMBER = "a number"
    CONDITION = "a condition"
    REGIME = "a regime"
    TEXT = "a text"
    PAIR = "a pair"


class Unit(NamedTuple):
    """The power of the instrument's factor; of a logarithm the multiple of the factor's logarithm."""

    power: int = 0
    log: bool = False

    def __str__(self) -> str:
        if self.log:
            return "a logarithm of an adjusted value"
        names = {0: "a plain number", 1: "an adjusted price", -1: "an adjusted volume"}
        return names.get(self.power, f"an adjusted price to the power of {self.power}")


PLAIN = Unit()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value. op and `options` say how it is computed from `args` (operations.OPERATIONS).

    history is how many sessions before its own it depends on, all in all; positive says that it is never 0 or less,
    whole that it is defined on every session after its first, raw that it is recorded input or a constant.
    """

    number: int
    op: str
    options: tuple[Any, ...]
    args: tuple[Node, ...]
    kind: Kind
    unit: Unit
    level: int
    history: int
    depth: int
    size: int
    positive: bool
    whole: bool
    raw: bool

    @property
    def constant(self) -> bool:
        return self.op == "constant"

    @property
    def local(self) -> bool:
        """Whether `features` computes it."""
        return not self.level & SESSION

    @property
    def key(self) -> str:
        """The node as text, equal for equal nodes of all formulas."""
        inside = [str(option) for option in self.options] + [arg.key for arg in self.args]
        return f"{self.op}({', '.join(inside)})" if inside else self.op

    def __repr__(self) -> str:
        return self.key


class InvalidNode(ValueError):
    """A node that cannot be built; `argument` is the index of the argument at fault, None for all."""

    def __init__(self, what: str, argument: int | None = None) -> None:
        super().__init__(what)
        self.argument = argument


class Nodes:
    """The nodes of one formula, one node for equal values."""

    def __init__(self) -> None:
        self.by_identity: dict[tuple[Any, ...], Node] = {}
        self.shown: dict[Node, tuple[Node, Node]] = {}
        """Condition -> its two sides as written."""

    def node(
        self,
        op: str,
        *args: Node,
        options: tuple[Any, ...] = (),
        kind: Kind = Kind.NUMBER,
        unit: Unit = PLAIN,
        level: int = 0,
        reach: int = 0,
        positive: bool = False,
        whole: bool = False,
        raw: bool = False,
    ) -> Node:
        """The node of these parts; `reach` is how many sessions before its own `args` are read. Raises Misfit."""
        identity = (op, options, *(x.number for x in args))
        if identity in self.by_identity:
            return self.by_identity[identity]
        for arg in args:
            level |= arg.level
        if abs(unit.power) > MAX_POWER:
            raise InvalidNode(f"this is {unit}: at most the power of {MAX_POWER} is known")
        depth = 1 + max((x.depth for x in args), default=0)
        size = 1 + sum(x.size for x in args)
        if depth > MAX_DEPTH or size > MAX_SIZE:
            raise InvalidNode(
                f"with its definitions written out this has {size:,} parts on {depth} levels, at most "
                f"{MAX_SIZE:,} on {MAX_DEPTH} are allowed"
            )
        node = Node(
            number=len(self.by_identity),
            op=op,
            options=options,
            args=args,
            kind=kind,
            unit=unit,
            level=level,
            history=reach + max((x.history for x in args), default=0),
            depth=depth,
            size=size,
            positive=positive,
            whole=whole,
            raw=raw,
        )
        self.by_identity[identity] = node
        return node

    def constant(self, value: float) -> Node:
        return self.node("constant", options=(float(value),), positive=value > 0, whole=True, raw=True)

    def field(self, name: str) -> Node:
        """A field of the panel."""
        price = name in PRICE_FIELDS
        return self.node(
            name,
            unit=Unit(1 if price else -1 if name == "volume" else 0),
            level=INSTRUMENT,
            positive=price or name in ("raw_close", MARKET_CAP),
            whole=name not in FLOW_FIELDS,
            raw=name in ("raw_close", "amount"),
        )


def zero(node: Node) -> bool:
    """The constant 0, which fits every power of the factor."""
    return node.constant and node.options[0] == 0.0


def common_unit(nodes: tuple[Node, ...], doing: str) -> Unit:
    """The unit that all of `nodes` have, 0 fitting any; raises InvalidNode with advice."""
    units = [node.unit for node in nodes if not zero(node)]
    if not units:
        return PLAIN
    for node in nodes:
        if (not zero(node) and node.unit != units[0]) or (zero(node) and any(u.log for u in units)):
            raise InvalidNode(_apart(units[0], node.unit, doing))
    return units[0]


def _apart(one: Unit, other: Unit, doing: str) -> str:
    advice = "divide by another value of the same kind"
    pair = {one, other}
    if Unit(1) in pair and PLAIN in pair:
        advice = (
            "every later split rescales adjusted prices, so no fixed level means anything: use raw_close for a limit, "
            "or divide by another price"
        )
    elif Unit(-1) in pair and PLAIN in pair:
        advice = (
            "every later split rescales adjusted volumes: use amount for a limit (amount / raw_close for shares), or "
            "divide by another volume"
        )
    return f"{doing} {one} and {other}: {advice}"
