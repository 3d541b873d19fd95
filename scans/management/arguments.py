"""What the scan commands have in common: options, the clock, and errors as one sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations.lease import LeaseLost
from scans.engines.params import ParamError
from scans.execution.executors import CHOICES
from scans.operations.backfill import BackfillRefused
from scans.operations.reproduce import NoSuchRun
from scans.operations.run import Request
from scans.operations.versions import VersionProblem
from scans.queries import UnknownVersion


def day(text: str) -> date:
    """A date as 2026-08-21."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date; write it as 2026-08-21") from None


def clock_time(text: str) -> time:
    """A time of day as 18:10."""
    try:
        if len(text) != len("18:10"):
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time of day; write it as 18:10") from None


def limit(text: str) -> tuple[str, int]:
    """A segment's limit as KOSPI=200."""
    name, equals, count = text.rpartition("=")
    if not equals or not name or not count.isdigit() or int(count) < 1:
        raise ArgumentTypeError(f"{text!r} is not a limit; write it as KOSPI=200")
    return name, int(count)


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return int(text)


PROBLEMS = (
    DataProblem,
    UnknownMarket,
    UnknownVersion,
    ParamError,
    VersionProblem,
    BackfillRefused,
    LeaseLost,
    NoSuchRun,
)


class VersionedCommand(BaseCommand):
    """A command whose own --version option takes the place of Django's.

    It runs no system checks: they would import every page and the API, which takes longer than a scan.
    `manage.py check` and CI run them.
    """

    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)


def add_request(parser: CommandParser) -> None:
    """The options that say what to scan."""
    parser.add_argument(
        "--version",
        action="append",
        default=[],
        help="repeatable; default: the market's active one",
    )
    parser.add_argument("--market", default="kr", help="kr (default), us, upbit or one of your own")
    parser.add_argument("--date", type=day, help="default: the last complete session")
    parser.add_argument("--from", dest="first", type=day, help="first session of a range")
    parser.add_argument("--to", dest="last", type=day, help="last session of a range")
    parser.add_argument(
        "--limit", type=limit, action="append", default=[], help="KOSPI=200: largest turnovers only"
    )
    parser.add_argument("--top", type=positive, help="keep only the best N of each session")
    parser.add_argument("--executor", choices=CHOICES, default=settings.SCAN_EXECUTOR)
    parser.add_argument(
        "--workers", type=positive, default=settings.SCAN_WORKERS, help="default: one for each core"
    )
    parser.add_argument("--no-save", action="store_true", help="publish nothing")
    parser.add_argument(
        "--no-cache", action="store_true", help="compute all features, also those that are kept"
    )


def request(options: dict[str, Any]) -> Request:
    """What to scan, from the options of `add_request`; CommandError where they contradict each other."""
    if options["date"] and (options["first"] or options["last"]):
        raise CommandError("Give either --date or --from and --to, not both.")
    return Request(
        market=options["market"],
        as_of=timezone.now(),
        versions=options["version"],
        first=options["date"] or options["first"],
        last=options["date"] or options["last"],
        limits=dict(options["limit"]),
        top=options["top"],
        executor=options["executor"],
        workers=options["workers"],
        save=not options["no_save"],
        cached=not options["no_cache"],
        started_by="command line",
    )


@contextmanager
def one_sentence() -> Iterator[None]:
    """What a person can mend becomes a `CommandError`: one sentence and a non-zero exit."""
    try:
        yield
    except PROBLEMS as error:
        raise CommandError(str(error)) from error
