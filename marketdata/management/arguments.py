"""Options and argument types shared by commands."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.core.management.base import CommandParser

from marketdata.markets import MARKETS
from marketdata.tables.text import ENCODINGS

MARKET = f"{', '.join(MARKETS)}, or one of your own such as kr-adj"
"""Help of `--market`, for every command."""


def add_market(parser: CommandParser, *, default: str | None = "kr") -> None:
    """Add the option `--market`; `default` None means no market."""
    parser.add_argument("--market", default=default, help=f"{MARKET} (default: {default})" if default else MARKET)


def add_source(parser: CommandParser) -> None:
    """Add the option `--source`, the name of a source; "" for the first configured one that can do it."""
    parser.add_argument("--source", default="", help="default: the first configured one")


def add_format(parser: CommandParser, forms: Sequence[str]) -> None:
    """Add the options of the output format; the first of `forms` is that for people."""
    parser.add_argument(
        "--format",
        choices=forms,
        default=forms[0],
        help=f"{forms[0]} for people (default); for programs {', '.join(forms[1:])}, with plain numbers",
    )
    if "csv" in forms:
        parser.add_argument("--output", type=Path, help="a file instead of the terminal")
        parser.add_argument(
            "--encoding",
            choices=ENCODINGS,
            default=ENCODINGS[0],
            help="of csv: with a byte order mark, which Excel wants (utf-8-sig, default), or without (utf-8)",
        )


def day(text: str) -> date:
    """A date as 2026-08-21."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text[:40]!r} is not a date; write it as 2026-08-21") from None


def positive(text: str) -> int:
    """A whole number above 0."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ArgumentTypeError(f"{text[:40]!r} is not a whole number above 0")
    return int(text)


def shares(text: str) -> tuple[str, ...]:
    """Codes or names separated by commas, as 005930,000660."""
    names = tuple(name for name in (part.strip() for part in text.split(",")) if name)
    if not names:
        raise ArgumentTypeError(f"{text[:40]!r} names no share; write them as 005930,000660")
    return names
