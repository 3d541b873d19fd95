"""From tokens to a syntax tree: operators by precedence, nothing evaluated.

expression   or < and < not < comparisons < + - < * / < unary + -
comparison   a < b, a <= b, a > b, a >= b, a == b, a != b; chains too: 0 < a <= b means 0 < a and a <= b
primary      number, "text", name, name(expression, ..), (expression)
definitions  name = expression, one after the other, on lines of their own or parted by `;`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scans.engines.formula.errors import FormulaError
from scans.engines.formula.tokens import Source, Token, tokens

MAX_NESTING = 40
"""How deep parentheses, calls and signs may be nested."""

MAX_OPERANDS = 100
"""How many operands may follow each other without parentheses: each is a level of the tree."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Place:
    """Characters start to end of `source`."""

    source: Source
    start: int
    end: int

    def __str__(self) -> str:
        return self.source.quoted(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Number:
    at: Place
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    at: Place
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    at: Place
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name` spans the function's name alone."""

    at: Place
    name: Name
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """op is - or not."""

    at: Place
    op: str
    operand: Tree


@dataclass(frozen=True, slots=True)
class Binary:
    """op is + - * /."""

    at: Place
    op: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Logic:
    """op is and, or; two or more operands."""

    at: Place
    op: str
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    at: Place
    op: str
    left: Tree
    right: Tree


Tree: TypeAlias = Number | Text | Name | Call | Unary | Binary | Logic | Comparison


@dataclass(frozen=True, slots=True)
class Definition:
    name: Name
    body: Tree


def expression(source: Source) -> Tree:
    """The tree of one expression that fills `source`; raises FormulaError."""
    parser = _Parser(source)
    tree = parser.logic("or")
    if parser.now.kind != "end":
        raise parser.unexpected("an operator or the end")
    return tree


def definitions(source: Source) -> list[Definition]:
    """The definitions in `source`, none where it is blank; raises FormulaError."""
    parser = _Parser(source)
    found: list[Definition] = []
    while parser.now.kind != "end":
        found.append(parser.definition())
        if not parser.takes(";") and parser.now.kind != "end" and not parser.on_a_new_line():
            raise parser.unexpected("a new line or `;` after a definition")
    return found


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.place = 0
        self.nesting = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.now
        self.place += 1
        return token

    def takes(self, text: str) -> bool:
        """Whether the sign or keyword `text` comes now; it is then passed."""
        if self.now.kind in ("sign", "keyword") and self.now.text == text:
            self.place += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.takes(text):
            raise self.unexpected(f"`{text}`")

    def unexpected(self, wanted: str) -> FormulaError:
        if self.now.text == "=":
            return self.source.error("to compare write `==`", self.now.start, self.now.end)
        return self.source.error(f"{self.now} stands where {wanted} is expected", self.now.start, self.now.end)

    def since(self, start: int) -> Place:
        return Place(self.source, start, self.tokens[self.place - 1].end)

    def on_a_new_line(self) -> bool:
        return "\n" in self.source.text[self.tokens[self.place - 1].end : self.now.start]

    def definition(self) -> Definition:
        token = self.now
        if token.kind != "name":
            raise self.unexpected("the name of a definition")
        self.next()
        self.need("=")
        return Definition(Name(self.since(token.start), token.text), self.logic("or"))

    def logic(self, op: str) -> Tree:
        start = self.now.start
        operands = [self.below(op)]
        while self.takes(op):
            operands.append(self.below(op))
            self.need_room(operands)
        return operands[0] if len(operands) == 1 else Logic(self.since(start), op, tuple(operands))

    def below(self, op: str) -> Tree:
        return self.logic("and") if op == "or" else self.negation()

    def negation(self) -> Tree:
        start = self.now.start
        if not self.takes("not"):
            return self.comparison()
        self.enter(start)
        operand = self.negation()
        self.nesting -= 1
        return Unary(self.since(start), "not", operand)

    def comparison(self) -> Tree:
        operands, found = [self.sum()], list[Tree]()
        while self.now.kind == "sign" and self.now.text in COMPARISONS:
            op = self.next().text
            operands.append(self.sum())
            left, right = operands[-2:]
            place = Place(self.source, left.at.start, right.at.end)
            found.append(Comparison(place, op, left, right))
            self.need_room(found)
        if len(found) < 2:
            return found[0] if found else operands[0]
        return Logic(self.since(operands[0].at.start), "and", tuple(found))

    def sum(self) -> Tree:
        return self.chain(("+", "-"), lambda: self.chain(("*", "/"), self.signed))

    def chain(self, ops: tuple[str, ...], deeper: Callable[[], Tree]) -> Tree:
        start = self.now.start
        tree = deeper()
        operands = [tree]
        while self.now.kind == "sign" and self.now.text in ops:
            op = self.next().text
            operands.append(deeper())
            self.need_room(operands)
            tree = Binary(self.since(start), op, tree, operands[-1])
        return tree

    def signed(self) -> Tree:
        start = self.now.start
        if self.now.kind != "sign" or self.now.text not in ("+", "-"):
            return self.primary()
        op = self.next().text
        self.enter(start)
        operand = self.signed()
        self.nesting -= 1
        return operand if op == "+" else Unary(self.since(start), "-", operand)

    def primary(self) -> Tree:
        token = self.now
        if token.kind not in ("number", "text", "name") and token.text != "(":
            raise self.unexpected("a value")
        self.next()
        if token.kind == "number":
            return Number(self.since(token.start), float(token.text))
        if token.kind == "text":
            return Text(self.since(token.start), token.text[1:-1])
        if token.kind == "name":
            name = Name(self.since(token.start), token.text)
            return self.call(name) if self.takes("(") else name
        self.enter(token.start)
        inside = self.logic("or")
        self.need(")")
        self.nesting -= 1
        return inside

    def call(self, name: Name) -> Tree:
        self.enter(name.at.start)
        args: list[Tree] = []
        if not self.takes(")"):
            args.append(self.logic("or"))
            while self.takes(","):
                args.append(self.logic("or"))
                self.need_room(args)
            self.need(")")
        self.nesting -= 1
        return Call(self.since(name.at.start), name, tuple(args))

    def enter(self, start: int) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.source.error(
                f"more than {MAX_NESTING} levels are nested here: name a part of it in `define`",
                start,
                start + 1,
            )

    def need_room(self, operands: list[Tree]) -> None:
        if len(operands) > MAX_OPERANDS:
            raise self.unexpected(f"no more than {MAX_OPERANDS} operands in a row")
