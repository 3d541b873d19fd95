"""The warning of commands about a record that lacks the last closed session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata.management.table import write_prose
from marketdata.operations.projection import current_lake
from marketdata.queries.readiness import ReadinessState
from scans.operations.scan.answers import Scan
from scans.queries.freshness import markets_freshness


def add_strict_fresh(parser: CommandParser) -> None:
    """Add the option that refuses such a record."""
    parser.add_argument(
        "--strict-fresh",
        action="store_true",
        help="refuse where the record lacks the last closed session, or has sessions in doubt before it",
    )


class MarketRequest(Protocol):
    """A request of a market at a moment."""

    @property
    def market(self) -> str: ...

    @property
    def as_of(self) -> datetime: ...


def warn(command: BaseCommand, request: MarketRequest, *, strict: bool = False, beside: bool) -> None:
    """Write the warning first; `beside`: on standard error, where standard output is for programs."""
    line = warning(request.market, request.as_of, strict=strict)
    if line:
        write_prose(command.stderr if beside else command.stdout, line)


def warn_of_market(command: BaseCommand, market: str, as_of: datetime) -> None:
    """Write the warning of a market on standard error, for commands that show what is published."""
    if line := warning(market, as_of):
        write_prose(command.stderr, line)


def warning(market: str, as_of: datetime, *, strict: bool = False) -> str:
    """A line that says how old the record is, that sessions in doubt are undecided, or that it is a generated one; ""
    where it has the last closed session and nothing is in doubt; CommandError instead where `strict`. The lake is
    brought up to date first: bars are counted in it."""
    current_lake.refresh_stale(market)
    (record,) = markets_freshness([market], as_of)
    fine = not record.behind and not record.doubts
    if record.latest is None or (record.state is not ReadinessState.DEMO and fine):
        return ""
    if record.state is ReadinessState.DEMO and not record.doubts:
        return f"{record.sentence}\n"
    if strict and (record.behind or record.undecided):
        raise CommandError(f"{record.sentence} Nothing was done (--strict-fresh).")
    return f"WARNING: {record.sentence}\n"


def write_notices(command: BaseCommand, scans: Sequence[Scan]) -> None:
    """Write the days near the sessions of `scans` on which the market did not trade, or whose bars are in doubt."""
    for notice in scans[0].notices if scans else ():
        command.stderr.write(notice)
