"""What a check of the record found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for and found: how often, in words, the first cases of it, and the command or the page
    that does something about it, "" where there is none."""

    check: str
    market: str
    count: int
    text: str
    cases: tuple[dict[str, str | float], ...]
    action: str = ""
