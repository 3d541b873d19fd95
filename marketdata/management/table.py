"""Tables for people: aligned text, and on a terminal as wide as it is.

1. Piped or in a file: plain lines, columns apart by two spaces, no box and no escape code, whatever the width.
2. On a terminal: `rich` draws the header, and text folds inside its column where the rows are too wide.
3. Numbers never fold and nothing is cut off: where folding is not enough, the last columns that do not fit go to a
   line of their own below each row, as `name value`.
Korean letters count two columns, marks that combine with the letter before none.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal, Protocol
from unicodedata import combining, east_asian_width

from django.core.management.base import OutputWrapper

from marketdata.number_format import MISSING_TEXT

GAP = 2
NARROWEST = 24
"""The least width of a folding text: columns that would fold further go below the row."""


class Output(Protocol):
    """The output of a table: a command's standard output."""

    def write(self, text: str = "", *, ending: str | None = None) -> object: ...
    def isatty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; `text` is flush left and may fold, numbers are flush right."""

    title: str
    text: bool = False


def write_table(out: Output, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Write the heading and the rows; nothing where there are no rows."""
    cells = [[_clean(cell) for cell in row] for row in rows]
    if not cells:
        return
    if out.isatty():
        out.write(_terminal(columns, cells, shutil.get_terminal_size().columns), ending="")
    else:
        out.write("".join(f"{line}\n" for line in plain_lines(columns, cells)), ending="")


def write_prose(out: Output, text: str) -> None:
    """Write sentences: on a terminal broken between words at its width, elsewhere one line for each paragraph."""
    width = shutil.get_terminal_size().columns
    for line in text.splitlines() or [""]:
        out.write(textwrap.fill(line, width) if out.isatty() else line)


def plain_text(write: Callable[[Output], None]) -> str:
    """The text that `write` writes to its argument, in the form for a file."""
    stream = StringIO()
    write(OutputWrapper(stream))
    return stream.getvalue()


def plain_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """The heading and the rows as plain text, each as wide as it needs."""
    cells = [[column.title for column in columns], *(list(row) for row in rows)]
    widths = [max(map(text_width, column)) for column in zip(*cells, strict=True)]
    return [
        (" " * GAP)
        .join(
            _padded(cell, width, flush_left=column.text)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        .rstrip()
        for row in cells
    ]


def text_width(text: str) -> int:
    """Columns on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(cell: str, width: int, *, flush_left: bool) -> str:
    space = " " * (width - text_width(cell))
    return cell + space if flush_left else space + cell


def _clean(cell: str) -> str:
    """A cell on one line: a name from a file may hold anything, escape codes too."""
    return cell if cell.isprintable() else "".join(letter if letter.isprintable() else " " for letter in cell)


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> tuple[list[int], int]:
    """Widths of the columns that fit beside each other, and how many these are. Headings fold between words, text
    anywhere, the shortest least."""
    values = [max(map(text_width, column)) for column in zip(*cells, strict=True)]
    words = [max(map(text_width, column.title.split())) for column in columns]
    wanted = [max(value, text_width(title.title)) for value, title in zip(values, columns, strict=True)]
    least = [
        max(min(value, NARROWEST) if column.text else value, word)
        for value, word, column in zip(values, words, columns, strict=True)
    ]
    many = _beside(least, width)
    widths = least[:many]
    spare = max(width - sum(widths) - GAP * (many - 1), 0)
    for n in sorted(range(many), key=lambda n: (wanted[n] - least[n], n)):
        more = min(wanted[n] - least[n], spare)
        widths[n] += more
        spare -= more
    return widths, many


def _beside(widths: Sequence[int], width: int) -> int:
    """How many columns of these widths fit beside each other, one at least."""
    many = len(widths)
    while many > 1 and sum(widths[:many]) + GAP * (many - 1) > width:
        many -= 1
    return many


def _terminal(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> str:
    """The table by `rich`, which takes longer to load than a scan's table takes to print."""
    from rich.console import Console
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    widths, many = _widths(columns, cells, width)
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, width=width, highlight=False)

    def line(texts: Sequence[str], style: str = "") -> Table:
        grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        for column, wide in zip(columns[:many], widths, strict=True):
            justify: Literal["left", "right"] = "left" if column.text else "right"
            grid.add_column(justify=justify, vertical="top", overflow="fold", width=wide)
        grid.add_row(*(Text(text, style) for text in texts[:many]))
        return grid

    console.print(line([column.title for column in columns], "bold"))
    console.print(Rule(style="dim"), width=min(sum(widths) + GAP * (many - 1), width))
    for row in cells:
        console.print(line(row))
        for rest in _below(columns[many:], row[many:], width - widths[0] - GAP):
            console.print(Text(" " * (widths[0] + GAP) + rest, overflow="fold"))
    return "".join(f"{text.rstrip()}\n" for text in stream.getvalue().splitlines())


def _below(columns: Sequence[Column], row: Sequence[str], width: int) -> Iterator[str]:
    """The columns that did not fit beside the others, as lines of `name value` that break between two of them."""
    line = ""
    for column, cell in zip(columns, row, strict=True):
        if cell in {"", MISSING_TEXT}:
            continue
        item = f"{column.title} {cell}"
        if text_width(item) > width and " " in item:
            yield from [line] if line else []
            *whole, line = textwrap.wrap(item, max(width, 1))
            yield from whole
            continue
        if line and text_width(line) + GAP + text_width(item) > width:
            yield line
            line = ""
        line += (" " * GAP if line else "") + item
    if line:
        yield line
