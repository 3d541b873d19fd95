"""Options of an evaluation, shared by evaluate_scans and compare_versions."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market, day
from scans.operations.evaluation.evidence import HORIZONS, EvaluationRequest
from scans.operations.evaluation.picks import PUBLISHED, SOURCES


def versions(text: str) -> list[str]:
    """Scanner versions as v1,v2."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ArgumentTypeError(f"{text!r} does not name versions; write them as v1,v2")
    return names


def horizons(text: str) -> list[int]:
    """Sessions to hold as 1,5,20."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ArgumentTypeError(f"{text!r} is not a list of horizons; write whole sessions above 0 as 1,5,20")
    return [int(part) for part in parts]


def costs(text: str) -> float:
    """Percent of a round trip, as a fraction."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 100:
        raise ArgumentTypeError(f"{text!r} is not a percentage of costs; write percent of a round trip as 0.25")
    return value / 100


def add_evaluation_options(parser: CommandParser) -> None:
    """Add the options of both commands."""
    add_market(parser)
    parser.add_argument(
        "--from", dest="first", type=day, help="default: where the record's last uninterrupted run begins"
    )
    parser.add_argument("--to", dest="last", type=day, help="default: the record's last session")
    parser.add_argument(
        "--horizons", type=horizons, default=list(HORIZONS), help="sessions to hold; default: 1,5,10,20,60"
    )
    parser.add_argument(
        "--costs",
        type=costs,
        metavar="PERCENT",
        help="of a round trip, as 0.25, 0 for none; default: sell tax by date, the fee that is set and a tick a side",
    )
    parser.add_argument("--source", choices=SOURCES, default=PUBLISHED, help="published ranks, or a scan on the fly")


def evaluation_request(options: dict[str, Any], versions: Sequence[str], by: str = "") -> EvaluationRequest:
    """The request of the options of `add_evaluation_options`."""
    return EvaluationRequest(
        market=options["market"],
        as_of=timezone.now(),
        versions=versions,
        first=options["first"],
        last=options["last"],
        horizons=options["horizons"],
        costs=options["costs"],
        source=options["source"],
        by=by,
    )
