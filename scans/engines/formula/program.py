"""A compiled formula: which nodes each stage computes, and the history they read.

1. `compile_program` parses and types the definitions, the match and the score, and lays out:
2. `conditions`, the parts that all must hold (the match, split at its `and`s) and every comparison in them;
3. `stored`, the nodes that `features` passes to `score`: the largest ones without market values;
4. `back`, for every node of `features` the sessions before the first requested one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from scans.engines.formula.nodes import INPUTS, PLAIN, Kind, Node
from scans.engines.formula.syntax import parse_definitions, parse_expression
from scans.engines.formula.tokens import Source
from scans.engines.formula.type_checker import TypeChecker, error

LEAST_WARM_UP = 253
"""The reach of a suspected corporate action; see `base.Engine`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of the match. `sides` are the two values it compares, None for a compound; `parts` the comparisons a
    compound is made of."""

    node: Node
    text: str
    name: str
    sides: tuple[Node, Node] | None
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """See the module. `signals` and `components` are nodes by the name a rank shows them under; `measured` are the
    values that must be defined for an instrument to be evaluated."""

    match: Node
    score: Node
    score_text: str
    conditions: tuple[Condition, ...]
    signals: Mapping[str, Node]
    components: Mapping[str, Node]
    measured: tuple[Node, ...]
    stored: tuple[Node, ...]
    shown: frozenset[Node]
    order: tuple[Node, ...]
    back: Mapping[Node, int]
    texts: Mapping[Node, str]

    @property
    def inputs(self) -> dict[str, int]:
        """Field -> sessions before the first requested one; "close" reaches as far as any."""
        fields = {node.op: self.back[node] for node in self.order if node.op in INPUTS}
        return {**fields, "close": max(fields.values(), default=0)}

    @property
    def warm_up(self) -> int:
        return max(self.inputs["close"], LEAST_WARM_UP)


@lru_cache(maxsize=64)
def compile_program(define: str, match: str, score: str) -> Program:
    """The program of these three texts; raises FormulaError."""
    checker = TypeChecker()
    for definition in parse_definitions(Source("define", define)):
        checker.define(definition)
    match_tree = parse_expression(Source("match", match))
    score_tree = parse_expression(Source("score", score))
    match_node, score_node = checker.condition(match_tree), checker.number(score_tree)
    if score_node.unit != PLAIN:
        raise error(
            score_tree.at,
            f"instruments are ranked by a plain number, this is {score_node.unit}: divide by another value "
            f"of the same kind",
        )
    return _laid_out(checker, match_node, score_node, str(score_tree.at))


def _laid_out(checker: TypeChecker, match: Node, score: Node, score_text: str) -> Program:
    conditions = tuple(_condition(checker, node) for node in _conjuncts(match))
    reached = _reached([match, score])
    measured = [
        side
        for node, sides in checker.nodes.shown.items()
        if node in reached
        for side in sides
        if side.kind is Kind.NUMBER and not side.constant
    ]
    defined = checker.defined
    components = {
        name: node
        for name, node in defined.items()
        if node.kind is Kind.NUMBER and not node.constant and node.unit == PLAIN
    }
    atoms = [atom for part in conditions for atom in (part.parts or (part,))]
    sides = [side for atom in atoms for side in atom.sides or ()]
    if not defined:
        components = {
            checker.texts.get(side, side.key)[:60]: side
            for side in sides
            if side.kind is Kind.NUMBER and not side.constant and side.unit == PLAIN
        }
    signals = {name: node for name, node in defined.items() if node.kind is Kind.CONDITION}
    exact = [
        *(atom.node for atom in atoms),
        score,
        *components.values(),
        *signals.values(),
        *(node for node in measured if not node.local),
    ]
    stored = _frontier(exact)
    numbers = (side for side in sides if side.kind is Kind.NUMBER and not side.constant)
    shown = [number for number in numbers if number.local and number not in stored]
    stored_all = list(dict.fromkeys([*stored, *shown]))
    local_measured = [node for node in measured if node.local]
    back = _planned([*stored_all, *local_measured])
    return Program(
        match=match,
        score=score,
        score_text=score_text,
        conditions=conditions,
        signals=signals,
        components=components,
        measured=tuple(dict.fromkeys(measured)),
        stored=tuple(stored_all),
        shown=frozenset(shown),
        order=tuple(sorted(back, key=lambda node: node.number)),
        back=back,
        texts=checker.texts,
    )


def _conjuncts(node: Node) -> Iterator[Node]:
    if node.op != "and":
        yield node
        return
    for arg in node.args:
        yield from _conjuncts(arg)


def _condition(checker: TypeChecker, node: Node) -> Condition:
    text = checker.texts.get(node, node.key)
    names = [name for name, value in checker.defined.items() if value is node]
    sides = checker.nodes.shown.get(node)
    parts: tuple[Condition, ...] = ()
    if sides is None:
        inside = dict.fromkeys(_comparisons(checker, node))
        parts = tuple(_condition(checker, part) for part in inside)
    return Condition(node, text, names[0] if names else text, sides, parts)


def _comparisons(checker: TypeChecker, node: Node) -> Iterator[Node]:
    """The comparisons that and, or and not join, in their order."""
    if node in checker.nodes.shown:
        yield node
        return
    for arg in node.args:
        yield from _comparisons(checker, arg)


def _reached(roots: Iterable[Node]) -> dict[Node, None]:
    """The roots and all nodes below them."""
    nodes: dict[Node, None] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes[node] = None
            waiting += node.args
    return nodes


def _frontier(roots: Iterable[Node]) -> dict[Node, None]:
    """The largest nodes without market below which the roots need nothing else."""
    nodes: dict[Node, None] = {}
    seen: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in seen or node.constant:
            continue
        seen.add(node)
        if node.local and node.kind in (Kind.NUMBER, Kind.CONDITION):
            nodes[node] = None
        else:
            waiting += node.args
    return dict.fromkeys(sorted(nodes, key=lambda node: node.number))


def _planned(roots: Iterable[Node]) -> dict[Node, int]:
    """Node -> sessions before the first requested one, for every node below the roots."""
    back = dict.fromkeys(roots, 0)
    needed = sorted(_reached(back), key=lambda node: -node.number)
    for node in needed:  # the reader of a node has a higher number
        own = node.history - max((one.history for one in node.args), default=0)
        for arg in node.args:
            if not arg.constant:
                back[arg] = max(back.get(arg, 0), back[node] + own)
    return back
