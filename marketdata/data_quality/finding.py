"""Findings of the checks of a record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: how many cases it has, a description, the first of them, and the command or the page
    that mends them, "" where there is none."""

    check: str
    market: str
    count: int
    text: str
    cases: tuple[dict[str, str | float], ...]
    action: str = ""
