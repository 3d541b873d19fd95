"""A message as lines, and its forms: plain text, Markdown and HTML, cut to the length that a channel takes.

Only whole lines are left out, those of the largest `weight` first and of these the last; one line gives their number.
The subject and the link are left out only where they do not fit alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

ALWAYS, URGENT = 0, 1
"""The weights of the subject and the link, and of what went wrong."""
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]<>#|~])")
ORDINAL = re.compile(r"^(\d+)\.(?= )")
"""The number with which a line begins: Markdown takes it for a list."""


class Kind(StrEnum):
    """The kind of a line: a heading, a sentence, an item of a list, an address."""

    HEAD = "head"
    NOTE = "note"
    ITEM = "item"
    LINK = "link"


class Form(StrEnum):
    """The form of a message; the values are those of Apprise."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message, without a break; of two lines the one with the larger `weight` is left out first."""

    text: str
    kind: Kind = Kind.NOTE
    weight: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", " ".join(self.text.split()))


@dataclass(frozen=True, slots=True)
class Message:
    """A message: one line that says what it is about, its lines, and the text of the line that gives the number of
    those left out, with {count} in it."""

    subject: str
    lines: tuple[Line, ...]
    omission: str = "{count}"


def render(message: Message, form: Form = Form.TEXT, *, limit: int | None = None, with_subject: bool = False) -> str:
    """The message in a form, of at most `limit` characters; `with_subject` puts the subject first."""
    lines = message.lines
    if with_subject:
        lines = (Line(message.subject, Kind.HEAD, ALWAYS), *lines)
    written = [LINES[form](line) for line in lines]
    if limit is not None and _length(written) > limit:
        written = _shortened(message, lines, written, form, limit)
    return "\n".join(written)


def _shortened(message: Message, lines: Sequence[Line], written: Sequence[str], form: Form, limit: int) -> list[str]:
    """The lines that fit beside the one that gives the number of the others, in their order."""
    room = limit - len(_omission(message, form, len(lines)))
    chosen: set[int] = set()
    for n in sorted(range(len(lines)), key=lambda n: (lines[n].weight, n)):
        if len(written[n]) < room:
            room -= len(written[n]) + 1
            chosen.add(n)
        elif lines[n].weight > URGENT:  # a long reason leaves room for what is shorter
            break
    kept = [written[n] for n in sorted(chosen)]
    kept.insert(len(kept) - (len(lines) - 1 in chosen), _omission(message, form, len(lines) - len(chosen)))
    return kept


def _omission(message: Message, form: Form, count: int) -> str:
    return LINES[form](Line(message.omission.format(count=count)))


def _length(written: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in written) - 1


def _text(line: Line) -> str:
    return f"- {line.text}" if line.kind is Kind.ITEM else line.text


def _markdown(line: Line) -> str:
    """Every line is a paragraph or an item of its own: two blanks at its end break it."""
    if line.kind is Kind.LINK:
        return f"<{line.text}>"
    escaped = ORDINAL.sub(r"\1\\.", MARKDOWN_SIGNS.sub(r"\\\1", line.text))
    if line.kind is Kind.HEAD:
        return f"**{escaped}**  "
    return f"- {escaped}" if line.kind is Kind.ITEM else f"{escaped}  "


def _html(line: Line) -> str:
    escaped = html.escape(line.text)
    if line.kind is Kind.LINK:
        return f'<a href="{escaped}">{escaped}</a><br>'
    if line.kind is Kind.HEAD:
        return f"<b>{escaped}</b><br>"
    return f"• {escaped}<br>" if line.kind is Kind.ITEM else f"{escaped}<br>"


LINES: dict[Form, Callable[[Line], str]] = {Form.TEXT: _text, Form.MARKDOWN: _markdown, Form.HTML: _html}
