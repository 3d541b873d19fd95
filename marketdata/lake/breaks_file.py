"""The file of a market's breaks: what the bars themselves say is no continuation, and the digests of the partitions it
was found in. Small (breaks are rare), with a checksum: a damaged file is a missing one, and is made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

import pyarrow as pa

from marketdata.breaks import RULES_VERSION, Break
from marketdata.lake import digest
from marketdata.lake.layout import Lake

VERSION = 2
Hole = tuple[str, str, str]
"""Code, the last day with a bar before it, the first after it."""


@dataclass(frozen=True, slots=True)
class BreaksFile:
    """`breaks` ascending; `holes`: every hole that is long enough for a new life, explained or not; `partitions`: ISO
    month -> the digest of the partition they were found in, None where there is no file."""

    breaks: tuple[Break, ...]
    holes: tuple[Hole, ...]
    partitions: Mapping[str, str] | None


NO_BREAKS = BreaksFile((), (), None)


def read(lake: Lake, market: str) -> BreaksFile:
    """The breaks of `market`; `NO_BREAKS` where the file is missing, damaged, another market's or of other rules."""
    try:
        with lake.source(lake.breaks(market)) as stream:
            told, _, checksum = stream.read().decode().rpartition("\n")
        if checksum != digest.text([told.encode()]):
            return NO_BREAKS
        held = json.loads(told)
        if (held["market"], held["version"], held["rules"]) != (market, VERSION, RULES_VERSION):
            return NO_BREAKS
        return BreaksFile(
            tuple(Break(*one) for one in held["breaks"]),
            tuple((code, last, first) for code, last, first in held["holes"]),
            held["partitions"],
        )
    except (OSError, pa.ArrowInvalid, ValueError, KeyError, TypeError):
        return NO_BREAKS


def write(lake: Lake, market: str, made: BreaksFile) -> None:
    """Put `made` in the place of the market's breaks."""
    told = json.dumps(
        {
            "market": market,
            "version": VERSION,
            "rules": RULES_VERSION,
            "partitions": dict(made.partitions or {}),
            "breaks": [astuple(one) for one in made.breaks],
            "holes": made.holes,
        }
    )

    def put(stream: pa.NativeFile) -> None:
        stream.write(f"{told}\n{digest.text([told.encode()])}".encode())

    lake.replace(lake.breaks(market), put)
