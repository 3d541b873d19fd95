"""The file of a market's breaks, with the digests of the partitions that they were computed from. It is small (breaks
are rare) and has a checksum: a damaged file counts as missing and is computed anew."""

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
    month -> the digest of the partition they were computed from, None where there is no file."""

    breaks: tuple[Break, ...]
    holes: tuple[Hole, ...]
    partitions: Mapping[str, str] | None


NO_BREAKS = BreaksFile((), (), None)


def read(lake: Lake, market: str) -> BreaksFile:
    """The breaks of `market`; `NO_BREAKS` where the file is missing, damaged, another market's or of other rules."""
    try:
        with lake.source(lake.breaks(market)) as stream:
            text, _, checksum = stream.read().decode().rpartition("\n")
        if checksum != digest.text([text.encode()]):
            return NO_BREAKS
        content = json.loads(text)
        if (content["market"], content["version"], content["rules"]) != (market, VERSION, RULES_VERSION):
            return NO_BREAKS
        return BreaksFile(
            tuple(Break(*one) for one in content["breaks"]),
            tuple((code, last, first) for code, last, first in content["holes"]),
            content["partitions"],
        )
    except (OSError, pa.ArrowInvalid, ValueError, KeyError, TypeError):
        return NO_BREAKS


def write(lake: Lake, market: str, file: BreaksFile) -> None:
    """Put `file` in the place of the market's breaks."""
    text = json.dumps(
        {
            "market": market,
            "version": VERSION,
            "rules": RULES_VERSION,
            "partitions": dict(file.partitions or {}),
            "breaks": [astuple(one) for one in file.breaks],
            "holes": file.holes,
        }
    )
    lake.put(lake.breaks(market), f"{text}\n{digest.text([text.encode()])}".encode())
