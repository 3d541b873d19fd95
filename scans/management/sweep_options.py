"""Options of the command sweep."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day, positive
from scans.engines.registry import ENGINES
from scans.execution.executors import CHOICES
from scans.management.evaluation_options import costs
from scans.operations.research.grid import GridProblem, parse_values
from scans.operations.research.sweep import Shard
from scans.operations.research.sweep_plan import SweepRequest
from scans.queries.versions import get_versions


def grid_values(text: str) -> tuple[str, list[str]]:
    """Values of a parameter as vol_mult=2:4:0.25 or vol_mult=2,3."""
    try:
        return parse_values(text)
    except GridProblem as problem:
        raise ArgumentTypeError(str(problem)) from None


def shard(text: str) -> Shard:
    """A part of a sweep as 2/5."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ArgumentTypeError(f"{text!r} is no part of a sweep: write 2/5 for the second of five.")
    return Shard(int(number), int(count))


def add_sweep_options(parser: CommandParser) -> None:
    """Add the options of a sweep and of a look at its test period."""
    parser.add_argument("name", help="of the sweep; with --set a new one, else one that was made")
    parser.add_argument("--engine", choices=sorted(ENGINES), help="its defaults are the base of all variants")
    parser.add_argument("--version", help="a scanner version whose parameters are the base of all variants")
    add_market(parser)
    parser.add_argument(
        "--set", dest="grid", action="append", type=grid_values, default=[], help="vol_mult=2:4:0.25; repeatable"
    )
    parser.add_argument("--random", dest="sample", type=positive, help="so many variants of the grid, drawn")
    parser.add_argument("--seed", type=int, default=0, help="of --random; default: 0")
    parser.add_argument("--halving", action="store_true", help="drop the worse half of the variants early, in rounds")
    parser.add_argument(
        "--rolling", type=positive, metavar="SESSIONS", help="each choice looks back on so many; default: on all before"
    )
    parser.add_argument(
        "--shard", type=shard, default=Shard(), metavar="N/COUNT", help="of its batches of 100 variants every COUNT-th"
    )
    parser.add_argument(
        "--executor",
        choices=CHOICES,
        default=settings.SCAN_EXECUTOR,
        help=f"dask: batches on the workers of a cluster; any other: here (default: {settings.SCAN_EXECUTOR})",
    )
    parser.add_argument("--from", dest="first", type=day, help="default: the record's last uninterrupted run")
    parser.add_argument("--choose", dest="choose_from", type=day, help="first session of the choose period")
    parser.add_argument("--test-from", type=day, help="first session of the test period")
    parser.add_argument("--to", dest="last", type=day, help="default: the record's last session")
    parser.add_argument("--horizon", type=positive, default=20, help="sessions to hold; default: 20")
    parser.add_argument("--costs", type=costs, metavar="PERCENT", help="of a round trip; default: the dated table")
    parser.add_argument("--cancel", action="store_true", help="stop a running one; the same command again goes on")
    parser.add_argument("--test", action="store_true", help="look at the test period: once it is a test")


def sweep_request(options: dict[str, Any]) -> SweepRequest:
    """The request of the options; CommandError unless exactly one base is named."""
    if bool(options["engine"]) == bool(options["version"]):
        raise CommandError("Name the base of the variants: either --engine v2 or --version v2.")
    grid: dict[str, list[str]] = {}
    for name, values in options["grid"]:
        grid.setdefault(name, []).extend(values)
    engine, base = options["engine"], {}
    if options["version"]:
        (version,) = get_versions(options["market"], [options["version"]])
        engine = version.engine
        base = {"segments": version.segments, "limits": version.limits, **version.params}
    shared = ("market", "first", "choose_from", "test_from", "last", "horizon", "costs")
    search = ("sample", "seed", "halving", "rolling")
    return SweepRequest(
        slug=options["name"],
        engine=engine,
        grid=grid,
        base=base,
        as_of=timezone.now(),
        started_by="manage.py sweep",
        **{name: options[name] for name in (*shared, *search)},
    )
