"""Errors of formulas, with their place."""

from __future__ import annotations

from scans.engines.engine_params import ParamError


class FormulaError(ParamError):
    """A formula that cannot be read or makes no sense.

    `where` names the parameter, line and column count from 1; the message shows the line with a caret
    below the place.
    """

    def __init__(self, what: str, *, where: str, source: str, start: int, end: int) -> None:
        start = min(start, len(source))
        line_start = source.rfind("\n", 0, start) + 1
        line_end = source.find("\n", start)
        shown = source[line_start : len(source) if line_end < 0 else line_end]
        self.what, self.where = what, where
        self.line = source.count("\n", 0, start) + 1
        self.column = start - line_start + 1
        marks = "^" * max(min(end, line_start + len(shown)) - start, 1)
        before = start - line_start
        # A long line is shown around the place.
        cut = max(before - 60, 0)
        excerpt = ("..." if cut else "") + shown[cut : before + 60].replace("\t", " ").rstrip()
        indent = " " * (before - cut + (3 if cut else 0))
        super().__init__(
            f"{where}, line {self.line}, column {self.column}: {what}\n  {excerpt}\n  {indent}{marks[:60]}"
        )
