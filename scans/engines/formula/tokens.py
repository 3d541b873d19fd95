"""The text of a formula and its tokens, each with its place.

Names are ASCII letters, digits and underscores; numbers decimal, with an optional exponent; texts in double or
single quotes on one line; `#` begins a comment that ends with its line. White space separates, nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marketdata.number_format import format_number
from scans.engines.formula.errors import FormulaError

MAX_LENGTH = 8_000
"""Characters of one parameter at most."""

MAX_NUMBER = 1e30

KEYWORDS = ("and", "or", "not")

_PATTERN = re.compile(
    r"""
    (?P<blank>   [ \t\r\n]+ | \#[^\n]* )
  | (?P<number>  (?: [0-9]+ (?: _[0-9]+ )* (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
  | (?P<name>    [A-Za-z_][A-Za-z_0-9]* )
  | (?P<text>    "[^"\n]*" | '[^'\n]*' )
  | (?P<sign>    <= | >= | == | != | [-+*/<>=(),;] )
    """,
    re.VERBOSE,
)

_HINTS = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "^": "there are no powers; multiply",
    "%": "write a fraction: 0.05 for 5 %",
    '"': "the text is not closed on its line",
    "'": "the text is not closed on its line",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one parameter and its name in messages."""

    name: str
    text: str

    def error(self, what: str, start: int, end: int) -> FormulaError:
        """The error `what` about the characters from start to end."""
        return FormulaError(what, where=self.name, source=self.text, start=start, end=end)

    def masked(self, tokens: Sequence[Token]) -> str:
        """The text as Python reads it, on one line and with the same positions: names of the formula become x's,
        longer numbers and texts empty braces, blanks and comments spaces."""
        pieces, at = [], 0
        for token in tokens[:-1]:
            pieces += [" " * (token.start - at), token.placeholder]
            at = token.end
        return "".join(pieces)

    def quoted(self, start: int, end: int) -> str:
        """The characters from start to end as one line, without comments."""
        return " ".join(re.sub(r"#[^\n]*", " ", self.text[start:end]).split())


@dataclass(frozen=True, slots=True)
class Token:
    """kind is number, name, keyword, text, sign or end; start and end its place in the source."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def ends_operand(self) -> bool:
        return self.kind in ("number", "name", "text") or self.text == ")"

    @property
    def placeholder(self) -> str:
        """Python of the same length that cannot join with its neighbours."""
        width = len(self.text)
        if self.kind == "name":
            return "x" * width
        if self.kind == "text" or (self.kind == "number" and width > 1):
            return "{" + " " * (width - 2) + "}"
        return self.text

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"`{self.text}`"


def scan(source: Source) -> list[Token]:
    """The tokens of `source`, the last of the kind "end"; raises FormulaError."""
    if len(source.text) > MAX_LENGTH:
        raise source.error(
            f"a formula has at most {MAX_LENGTH:,} characters, not {len(source.text):,}", MAX_LENGTH, MAX_LENGTH + 1
        )
    return list(_tokens(source))


def _tokens(source: Source) -> Iterator[Token]:
    at = 0
    while at < len(source.text):
        token = _PATTERN.match(source.text, at)
        if token is None:
            sign = source.text[at]
            hint = f": {_HINTS[sign]}" if sign in _HINTS else ""
            raise source.error(f"{sign!r} has no place in a formula{hint}", at, at + 1)
        text, kind = token.group(), token.lastgroup or ""
        if kind == "number":
            _need_number(source, text, at, token.end())
        if kind == "name" and text in KEYWORDS:
            kind = "keyword"
        if kind != "blank":
            yield Token(kind, text, at, token.end())
        at = token.end()
    yield Token("end", "", at, at + 1)


def _need_number(source: Source, text: str, start: int, end: int) -> None:
    following = source.text[end : end + 1]
    if following.isalnum() or following in ("_", "."):
        raise source.error(f"`{text}{following}` is no number", start, end + 1)
    if float(text) > MAX_NUMBER:
        raise source.error(f"{text} is too large: at most {format_number(MAX_NUMBER)}", start, end)
