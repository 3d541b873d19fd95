"""From the text of a formula to a syntax tree, by Python's own parser; nothing is evaluated.

1. `tokens.scan` cuts the text into tokens; `limits` bounds nesting and the number of operands.
2. `Source.masked` replaces names, numbers and texts by placeholders of the same length on one line, so that the
   formula's words cannot collide with Python's (`if`, `is`), and positions stay what they are.
3. `ast` parses that; `_allowed` is the whitelist of nodes, `_Trees` converts them.

An error is at the first token that cannot continue the text before it: `_first_misplaced` finds it by bisection, with
`ast` as the judge of what can be completed.

expression   or < and < not < comparisons < + - < * / < unary + -
comparison   a < b, a <= b, a > b, a >= b, a == b, a != b; chains too: 0 < a <= b means 0 < a and a <= b
primary      number, "text", name, name(expression, ..), (expression)
definitions  name = expression, one after the other, on lines of their own or separated by `;`
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise

from scans.engines.formula.errors import FormulaError
from scans.engines.formula.limits import MAX_LEVELS, TOO_DEEP, first_excess
from scans.engines.formula.tokens import Source, Token, scan
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

MAX_CONVERTED_LEVELS = 250
"""Levels that are converted, well within the depth of Python's stack. A tree of more than `MAX_LEVELS` is an error of
its own, which comes after that of an unknown name, say."""

ARITHMETIC: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
LOGIC: dict[type[ast.AST], str] = {ast.And: "and", ast.Or: "or"}
SIGNS = (ast.UAdd, ast.USub, ast.Not)
OPERATORS = (*ARITHMETIC, *COMPARISONS, *LOGIC, *SIGNS, ast.Load)
COMPOUNDS = (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Name)


def parse_expression(source: Source) -> Tree:
    """The tree of one expression that fills `source`; raises FormulaError."""
    parser = _Parser(source)
    tree = parser.expression()
    if parser.now.kind != "end":
        raise parser.unexpected("an operator or the end")
    return tree


def parse_definitions(source: Source) -> list[Definition]:
    """The definitions in `source`, none where it is blank; raises FormulaError."""
    parser = _Parser(source)
    definitions: list[Definition] = []
    while parser.now.kind != "end":
        definitions.append(parser.definition())
        parser.separator()
    return definitions


class _Parser:
    """Expressions and definitions from `place` in the tokens on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = scan(source)
        self.masked = source.masked(self.tokens)
        self.place = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def unexpected(self, expected: str) -> FormulaError:
        """The error that the token now is not what is expected."""
        if self.now.text == "=":
            return self.source.error("to compare write `==`", self.now.start, self.now.end)
        return self.source.error(f"{self.now} stands where {expected} is expected", self.now.start, self.now.end)

    def definition(self) -> Definition:
        token = self.now
        if token.kind != "name":
            raise self.unexpected("the name of a definition")
        self.place += 1
        if self.now.text != "=":
            raise self.unexpected("`=`")
        name = Name(Place(self.source, token.start, self.now.end), token.text)
        self.place += 1
        return Definition(name, self.expression())

    def separator(self) -> None:
        """Passes what separates a definition from the next one."""
        if self.now.text == ";":
            self.place += 1
        elif self.now.kind != "end" and "\n" not in self.source.text[self.tokens[self.place - 1].end : self.now.start]:
            raise self.unexpected("a new line or `;` after a definition")

    def expression(self) -> Tree:
        """The longest expression from here on."""
        start, end = self.place, self._candidate()
        excess = first_excess(self.source, self.tokens[start : end + 1])
        tree = None if excess else self._tree(start, end)
        if tree is not None:
            self.place = end
            return tree
        last = start + excess.token if excess else min(end + 1, len(self.tokens) - 1)
        self.place = self._first_misplaced(start, last)
        if excess and self.place == last:
            raise excess.error
        before = self.tokens[start : self.place]
        if not before or not before[-1].ends_operand:
            raise self.unexpected("a value")
        if _open_brackets(before):
            raise self.unexpected("`)`")
        tree = self._tree(start, self.place)
        if tree is None:
            raise self.source.error(TOO_DEEP, before[0].start, before[-1].end)
        return tree

    def _candidate(self) -> int:
        """The place of the token before which a good expression ends: a separator, the next definition or the end."""
        for place in range(self.place, len(self.tokens)):
            token = self.tokens[place]
            if token.kind == "end" or token.text == ";":
                return place
            if place > self.place and token.kind == "name" and self.tokens[place + 1].text == "=":
                return place
        raise AssertionError("the last token is the end")

    def _first_misplaced(self, start: int, last: int) -> int:
        """The place of the first token up to `last` that cannot continue the tokens from `start`; `last` where all
        before it can."""
        low, high = start, last
        while low < high:
            middle = (low + high) // 2
            if self._viable(start, middle + 1):
                low = middle + 1
            else:
                high = middle
        return low

    def _viable(self, start: int, end: int) -> bool:
        """Whether the tokens from `start` to before `end` can be completed to an expression."""
        tokens = self.tokens[start:end]
        missing = "" if tokens[-1].ends_operand else " x"
        text = self.masked[tokens[0].start : tokens[-1].end] + missing + ")" * _open_brackets(tokens)
        try:
            body = ast.parse(text, mode="eval").body
        except (RecursionError, MemoryError):
            return True  # within the limits, and too deep for Python: reported as such
        except SyntaxError:
            return False
        return self._allowed(body, tokens)

    def _allowed(self, body: ast.expr, tokens: Sequence[Token]) -> bool:
        """The whitelist: every node of `body` belongs to the language."""
        kinds = {token.start - tokens[0].start: token.kind for token in tokens}
        if any(left.text == "," and right.text == ")" for left, right in pairwise(tokens)):
            return False
        for node in ast.walk(body):
            match node:
                case ast.Call(func=ast.Name() as name, keywords=[]):
                    # A name in parentheses, and a placeholder, are not called.
                    if name.col_offset != node.col_offset or kinds.get(name.col_offset) != "name":
                        return False
                case ast.Dict(keys=[]) | ast.Constant():
                    pass
                case _ if not isinstance(node, OPERATORS + COMPOUNDS):
                    return False
        return True

    def _tree(self, start: int, end: int) -> Tree | None:
        """The tree of the tokens from `start` to before `end`, None where they are no expression."""
        tokens = self.tokens[start:end]
        if not tokens:
            return None
        try:
            body = ast.parse(self.masked[tokens[0].start : tokens[-1].end], mode="eval").body
        except (SyntaxError, RecursionError, MemoryError):
            return None
        if not self._allowed(body, tokens):
            return None
        return _Trees(self.source, tokens).tree(body)


def _open_brackets(tokens: Sequence[Token]) -> int:
    return sum((token.text == "(") - (token.text == ")") for token in tokens)


class _Trees:
    """Trees of Python's nodes; `tokens` are the originals of the placeholders."""

    def __init__(self, source: Source, tokens: Sequence[Token]) -> None:
        self._source = source
        self._offset = tokens[0].start
        self._tokens = {token.start: token for token in tokens}
        self._path: list[ast.expr] = []

    def tree(self, node: ast.expr) -> Tree:
        self._path.append(node)
        if len(self._path) > MAX_CONVERTED_LEVELS:
            raise self._source.error(TOO_DEEP, *self._span(self._path[MAX_LEVELS]))
        tree = self._converted(node)
        self._path.pop()
        return tree

    def _span(self, node: ast.expr) -> tuple[int, int]:
        return self._offset + node.col_offset, self._offset + (node.end_col_offset or 0)

    def _converted(self, node: ast.expr) -> Tree:
        at = Place(self._source, *self._span(node))
        match node:
            case ast.BoolOp():
                return Logic(at, LOGIC[type(node.op)], tuple(self.tree(value) for value in node.values))
            case ast.Compare():
                return self._comparison(node, at)
            case ast.BinOp():
                return Binary(at, ARITHMETIC[type(node.op)], self.tree(node.left), self.tree(node.right))
            case ast.UnaryOp(op=ast.UAdd()):
                return self.tree(node.operand)
            case ast.UnaryOp():
                return Unary(at, "not" if isinstance(node.op, ast.Not) else "-", self.tree(node.operand))
            case ast.Call():
                name = Name(Place(self._source, *self._span(node.func)), self._tokens[at.start].text)
                return Call(at, name, tuple(self.tree(argument) for argument in node.args))
        token = self._tokens[at.start]
        if token.kind == "number":
            return Number(at, float(token.text))
        return Text(at, token.text[1:-1]) if token.kind == "text" else Name(at, token.text)

    def _comparison(self, node: ast.Compare, at: Place) -> Tree:
        """One comparison, or a chain of them, which all must hold."""
        operands = [self.tree(operand) for operand in (node.left, *node.comparators)]
        comparisons = tuple(
            Comparison(Place(self._source, left.at.start, right.at.end), COMPARISONS[type(op)], left, right)
            for op, left, right in zip(node.ops, operands, operands[1:], strict=False)
        )
        if len(comparisons) == 1:
            return comparisons[0]
        return Logic(Place(self._source, operands[0].at.start, at.end), "and", comparisons)
