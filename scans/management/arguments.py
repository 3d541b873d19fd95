"""Options that the scan commands share, and the errors that each of them reports as one sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day, positive
from marketdata.management.command import SeismoCommand
from marketdata.management.parser import USAGE
from marketdata.operations.lease import LeaseLost
from scans.engines.engine_params import ParamError
from scans.execution.executors import CHOICES
from scans.operations.scan.backfill import BackfillRefused
from scans.operations.scan.reproduce import NoSuchRun
from scans.operations.scan.request import RunRequest
from scans.operations.versions import VersionProblem
from scans.queries.versions import UnknownVersion


def clock_time(text: str) -> time:
    """A time of day as 15:43."""
    try:
        if len(text) != len("15:43"):
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time of day; write it as 15:43") from None


def limit(text: str) -> tuple[str, int]:
    """A segment's limit as KOSPI=200."""
    name, equals, count = text.rpartition("=")
    if not equals or not name or not count.isdigit() or int(count) < 1:
        raise ArgumentTypeError(f"{text!r} is not a limit; write it as KOSPI=200")
    return name, int(count)


def add_limit(parser: CommandParser) -> None:
    """Add the option `--limit` of segments."""
    parser.add_argument(
        "--limit",
        type=limit,
        action="append",
        default=[],
        metavar="SEGMENT=N",
        help="KOSPI=200: only its 200 largest turnovers; repeatable",
    )


PROBLEMS = (*SeismoCommand.problems, UnknownVersion, ParamError, VersionProblem, BackfillRefused, LeaseLost, NoSuchRun)


class ScanCommand(SeismoCommand):
    """The base of the scan commands."""

    problems = PROBLEMS


def add_request(parser: CommandParser) -> None:
    """Add the options of a scan: versions, market, sessions, limits, executor."""
    parser.add_argument(
        "--version", action="append", default=[], help="repeatable; default: the market's active version"
    )
    add_market(parser)
    parser.add_argument("--date", type=day, help="as 2026-08-21; default: the last complete session")
    parser.add_argument("--from", dest="first", type=day, help="first session of a range")
    parser.add_argument("--to", dest="last", type=day, help="last session of a range")
    add_limit(parser)
    parser.add_argument("--top", type=positive, help="keep only the best N of each session")
    parser.add_argument(
        "--executor",
        choices=CHOICES,
        default=settings.SCAN_EXECUTOR,
        help=f"how the work is distributed; the result is the same (default: {settings.SCAN_EXECUTOR})",
    )
    parser.add_argument("--workers", type=positive, default=settings.SCAN_WORKERS, help="default: one for each core")
    parser.add_argument("--no-save", action="store_true", help="publish nothing")
    parser.add_argument("--no-cache", action="store_true", help="compute all features anew, read none from the cache")


def add_preclose(parser: CommandParser) -> None:
    """Scans of the schedule before the close."""
    early = "also scan before the close at this time, as 15:10 and 15:18; repeatable; default: not"
    parser.add_argument("--preclose", type=clock_time, action="append", default=[], metavar="TIME", help=early)
    scaled = "with --preclose: divide volumes by the usual share of the day's volume by then"
    parser.add_argument("--scale-volume", action="store_true", help=scaled)


def add_provisional(parser: CommandParser) -> None:
    """Add the options of a scan before the close."""
    parser.add_argument(
        "--provisional",
        action="store_true",
        help="scan today's session before it closes, from quotes, by every enabled version; nothing is published. "
        "With --date: scan the quotes kept of that session again and say whether the answers are the same",
    )
    parser.add_argument(
        "--scale-volume",
        action="store_true",
        help="with --provisional: divide volumes by the usual share of the day's volume by then",
    )


def scan_request(options: dict[str, Any]) -> RunRequest:
    """The request of the options of `add_request`; CommandError where they contradict each other."""
    if options["date"] and (options["first"] or options["last"]):
        raise CommandError("Give either --date or --from and --to, not both.", returncode=USAGE)
    return RunRequest(
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
