"""How large an expression may be: levels of nesting, and operands in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scans.engines.formula.errors import FormulaError
from scans.engines.formula.tokens import Source, Token

MAX_NESTING = 40
"""How deep parentheses, calls and signs may be nested."""

MAX_OPERANDS = 100
"""How many operands may follow each other without parentheses: each is a level of the tree."""

MAX_LEVELS = 110
"""Levels of the syntax tree: a chain of operands and some more, well within the depth of Python's own stack."""

TOO_DEEP = "this is nested too deep: name a part of it in `define`"

RANKS = {
    ",": 0,
    "or": 1,
    "and": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/"), 5),
}
"""Operators by precedence, a comma the lowest. Anything else ends the expression and has the rank -1."""

AND, COMPARISON = RANKS["and"], RANKS["<"]


@dataclass(frozen=True, slots=True)
class Excess:
    """The first excess: the index of the token at which it shows, and the error."""

    token: int
    error: FormulaError


@dataclass(slots=True)
class _Bracket:
    """The operators of each rank in a row, and the prefixes that wait for their operand, inside one bracket."""

    operators: list[int] = field(default_factory=lambda: [0] * 6)
    negations: int = 0
    signs: int = 0


def first_excess(source: Source, tokens: Sequence[Token]) -> Excess | None:
    """The first excess in the tokens of an expression and the token after it; None where there is none. What follows
    a syntax error does not count: the error is before it."""
    brackets = [_Bracket()]
    for place, token in enumerate(tokens):
        bracket, before = brackets[-1], tokens[place - 1] if place else None
        start = token.start
        if before is None or not before.ends_operand:  # an operand begins here, or an empty call ends
            bracket.negations += token.text == "not"
            bracket.signs += token.kind == "sign" and token.text in ("+", "-")
        elif token.text == "(" and before.kind == "name":
            start = before.start
        elif _full(bracket, RANKS.get(token.text, -1) if token.kind in ("sign", "keyword") else -1):
            return Excess(place, _too_many_operands(source, token))
        if token.text == "(":
            brackets.append(_Bracket())
        elif token.text == ")" and len(brackets) > 1:
            brackets.pop()
        nesting = len(brackets) - 1 + sum(bracket.negations + bracket.signs for bracket in brackets)
        if nesting > MAX_NESTING:
            return Excess(place, _too_deep(source, start))
    return None


def _full(bracket: _Bracket, rank: int) -> bool:
    """Counts an operator of `rank`, or the end of the bracket (-1): whether an operand before it was one too many."""
    bracket.signs = 0
    if rank <= AND:
        bracket.negations = 0
    counts = bracket.operators
    for other in range(5, max(rank, 0) - 1, -1):
        if counts[other] >= MAX_OPERANDS + (other == COMPARISON):
            return True
        if other != rank:
            counts[other] = 0
    if rank >= 0:
        counts[rank] += 1
    return False


def _too_many_operands(source: Source, token: Token) -> FormulaError:
    if token.text == "=":
        return source.error("to compare write `==`", token.start, token.end)
    what = f"{token} stands where no more than {MAX_OPERANDS} operands in a row is expected"
    return source.error(what, token.start, token.end)


def _too_deep(source: Source, start: int) -> FormulaError:
    what = f"more than {MAX_NESTING} levels are nested here: name a part of it in `define`"
    return source.error(what, start, start + 1)
