"""From syntax to typed nodes: names, arities, kinds, lengths and units, each error with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from marketdata.nearest_name import nearest_name
from marketdata.number_format import format_number
from marketdata.panel import FIELDS
from scans.engines import regimes
from scans.engines.formula import operators
from scans.engines.formula.errors import FormulaError
from scans.engines.formula.functions import FUNCTIONS, Function, Parameter
from scans.engines.formula.limits import MAX_LEVELS, TOO_DEEP
from scans.engines.formula.nodes import InvalidNode, Kind, Node, Nodes
from scans.engines.formula.trees import (
    Binary,
    Call,
    Comparison,
    Definition,
    Logic,
    Name,
    Number,
    Place,
    Text,
    Tree,
    Unary,
)

MAX_HISTORY = 3_000
"""Sessions of history that a formula may ask for."""

MAX_DEFINITIONS = 100


class TypeChecker:
    """The type checker of one formula: definitions first, in their order."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.defined: dict[str, Node] = {}
        self.texts: dict[Node, str] = {}
        """The text of a node where it is first used."""
        self.depth = 0

    def define(self, definition: Definition) -> None:
        name, place = definition.name.name, definition.name.at
        if name in FIELDS or name in FUNCTIONS:
            raise error(place, f"`{name}` is a field or function; choose another name")
        if name in self.defined:
            raise error(place, f"`{name}` is defined twice")
        if len(self.defined) == MAX_DEFINITIONS:
            raise error(place, f"more than {MAX_DEFINITIONS} definitions")
        node = self.check(definition.body)
        if node.kind is Kind.TEXT:
            raise error(definition.body.at, "a text is no value of its own")
        self.defined[name] = node

    def check(self, tree: Tree) -> Node:
        """The node of `tree`; raises FormulaError."""
        self.depth += 1
        if self.depth > MAX_LEVELS:
            raise error(tree.at, TOO_DEEP)
        try:
            node = self._typed(tree)
        finally:
            self.depth -= 1
        if node.history > MAX_HISTORY:
            raise error(
                tree.at,
                f"this needs {node.history:,} sessions of history, at most {MAX_HISTORY:,} are read: "
                f"shorten its windows",
            )
        self.texts.setdefault(node, str(tree.at))
        return node

    def number(self, tree: Tree) -> Node:
        return self._of_kind(tree, Kind.NUMBER)

    def condition(self, tree: Tree) -> Node:
        return self._of_kind(tree, Kind.CONDITION)

    def _of_kind(self, tree: Tree, kind: Kind) -> Node:
        node = self.check(tree)
        if node.kind is not kind:
            hint = ""
            if kind is Kind.NUMBER and node.kind is Kind.CONDITION:
                hint = ": write if(condition, 1, 0)"
            elif kind is Kind.CONDITION and node.kind is Kind.NUMBER:
                hint = ": compare it with something"
            raise error(tree.at, f"{kind.value} is needed here, this is {node.kind.value}{hint}")
        return node

    def _typed(self, tree: Tree) -> Node:  # noqa: C901 - one case a kind of node
        match tree:
            case Number(value=value):
                return self.nodes.constant(value)
            case Text(value=value):
                if value not in regimes.NAMES:
                    choices = ", ".join(f'"{name}"' for name in regimes.NAMES)
                    near = nearest_name(value, regimes.NAMES)
                    hint = f': did you mean "{near}"?' if near else ""
                    raise error(tree.at, f"there is no regime of that name: choose among {choices}{hint}")
                return self.nodes.node("text", options=(value,), kind=Kind.TEXT)
            case Name():
                return self._named(tree)
            case Call():
                return self._call(tree)
            case Unary(op="not", operand=operand):
                inside = self.condition(operand)
                with error_position(tree.at):
                    return operators.negation(self.nodes, inside)
            case Unary(operand=operand):
                number = self.number(operand)
                with error_position(tree.at):
                    return operators.negative(self.nodes, number)
            case Logic(op=op, operands=operands):
                conditions = [self.condition(operand) for operand in operands]
                with error_position(tree.at):
                    return operators.logic(self.nodes, op, conditions)
            case Binary():
                return self._binary(tree)
            case Comparison():
                return self._comparison(tree)

    def _named(self, tree: Name) -> Node:
        if tree.name in self.defined:
            return self.defined[tree.name]
        if tree.name in FIELDS:
            return self.nodes.field(tree.name)
        if tree.name in FUNCTIONS:
            function = FUNCTIONS[tree.name]
            if function.least:
                raise error(tree.at, f"`{tree.name}` is a function: write {function.usage}")
            return self._built(function, tree.at, (), ())
        raise error(tree.at, f"unknown name `{tree.name}`{self._similar(tree.name)}")

    def _similar(self, name: str) -> str:
        names = [*self.defined, *FIELDS, *FUNCTIONS]
        if close := nearest_name(name, names):
            return f": did you mean `{close}`?"
        return f": fields are {', '.join(FIELDS)}; functions are, for example, ema, rsi, turnover"

    def _binary(self, tree: Binary) -> Node:
        op = {sign: name for name, sign in operators.SYMBOLS.items()}[tree.op]
        left, right = self.number(tree.left), self.number(tree.right)
        with error_position(tree.at, (tree.left, tree.right)):
            return operators.arithmetic(self.nodes, op, left, right)

    def _comparison(self, tree: Comparison) -> Node:
        sides = []
        for side in (tree.left, tree.right):
            node = self.check(side)
            if node.kind is Kind.CONDITION:
                raise error(side.at, "a condition cannot be compared: use `and`, `or`, `not`")
            sides.append(node)
        with error_position(tree.at, (tree.left, tree.right)):
            return operators.comparison(self.nodes, tree.op, *sides)

    def _call(self, tree: Call) -> Node:
        name = tree.name.name
        if name not in FUNCTIONS:
            if name in self.defined or name in FIELDS:
                raise error(tree.name.at, f"`{name}` is no function; write it without parentheses")
            raise error(tree.name.at, f"unknown function `{name}`{self._similar(name)}")
        function = FUNCTIONS[name]
        self._need_arity(tree, function)
        repeated = function.parameters[-1:] * (len(tree.args) - len(function.parameters))
        parameters = (*function.parameters, *repeated)
        args = [self._argument(*pair) for pair in zip(parameters, tree.args, strict=False)]
        return self._built(function, tree.at, args, tree.args)

    def _need_arity(self, tree: Call, function: Function) -> None:
        count, least, most = len(tree.args), function.least, function.most
        if count >= least and (most is None or count <= most):
            return
        many = "" if least == 1 and most in (1, None) else "s"
        range_ = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        raise error(tree.at, f"{function.name} takes {range_} argument{many}, not {count}: {function.usage}")

    def _built(self, function: Function, place: Place, args: Sequence[Any], trees: Sequence[Tree]) -> Node:
        missing = [parameter.default for parameter in function.parameters[len(args) :] if parameter.default]
        if function.looks_back:
            for tree, arg in zip(trees, args, strict=False):
                if isinstance(arg, Node) and not arg.local:
                    raise error(
                        tree.at,
                        f"{function.name} looks back over sessions, but this is known for the session itself only "
                        f"(it depends on the market): use it outside of {function.name}",
                    )
        with error_position(place, trees):
            if function.looks_back:
                args = [operators.where_defined(self.nodes, arg) if isinstance(arg, Node) else arg for arg in args]
            return function.build(self.nodes, *args, *missing)

    def _argument(self, parameter: Parameter, tree: Tree) -> Node | int:
        if parameter.takes == "length":
            return self._length(parameter, tree)
        if parameter.takes == "condition":
            return self.condition(tree)
        node = self.number(tree)
        if parameter.takes == "series" and node.constant:
            raise error(tree.at, "a value that changes from session to session is needed here, this is a constant")
        return node

    def _length(self, parameter: Parameter, tree: Tree) -> int:
        node = self.number(tree)
        if not node.constant:
            raise error(
                tree.at,
                f"`{parameter.name}` is a number of sessions and must be written out, it cannot depend on the data",
            )
        n = operators.whole_number(node)
        if n is None or not parameter.least <= n <= parameter.most:
            shown = node.options[0]
            ahead = " (nothing looks ahead)" if shown < 0 else ""
            raise error(
                tree.at,
                f"`{parameter.name}` is a whole number of sessions in {parameter.least}..{parameter.most}, not "
                f"{format_number(shown)}{ahead}",
            )
        return n


def error(place: Place, what: str) -> FormulaError:
    return place.source.error(what, place.start, place.end)


@contextmanager
def error_position(place: Place, parts: Sequence[Tree] = ()) -> Iterator[None]:
    """Turns an InvalidNode into an error with its place: of the argument at fault, or of the whole."""
    try:
        yield
    except InvalidNode as fault:
        at = place if fault.argument is None or not parts else parts[fault.argument].at
        raise error(at, str(fault)) from None
