"""The syntax tree of a formula: expressions and definitions, each with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from scans.engines.formula.tokens import Source


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
