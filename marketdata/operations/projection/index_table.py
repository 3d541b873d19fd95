"""The table of a market's index, a file beside the lake with one row for each session of the record.

The file has the digest of every partition it was computed from: it is computed again from the first month whose digest
differs, or the first session that was closed or opened since. Values do not depend on how much was read, so an index
updated day by day equals one computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketdata import market_index
from marketdata.breaks import Break
from marketdata.lake import digest, index_file
from marketdata.lake.layout import Lake
from marketdata.models import LakePartition
from marketdata.queries.breaks import get_breaks
from marketdata.queries.records import get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Days

CHUNK = 250
"""Sessions computed at a time, which bounds memory."""


def refresh(lake: Lake, market: str, broken: np.datetime64 | None = None) -> None:
    """Update the index of `market` by its partitions and breaks; `broken`: the first session whose breaks have changed,
    None for unknown."""
    wanted = {
        month.isoformat(): written
        for month, written in LakePartition.objects.filter(market=market)
        .exclude(digest="")
        .order_by("month")
        .values_list("month", "digest")
    }
    table = index_file.read(lake, market)
    changed = sorted(
        month for month in {*wanted, *table.partitions} if wanted.get(month) != table.partitions.get(month)
    )
    record = get_record(market)
    first = _first_difference(table.sessions, record.sessions[record.bars > 0])
    breaks = _digest(get_breaks(record))
    if breaks == table.breaks:
        broken = None
    elif broken is None:
        broken = record.sessions[0] if len(record.sessions) else None
    since = min(
        (np.datetime64(day) for day in (*changed[:1], first, broken) if day is not None),
        default=None,
    )
    if since is None:
        return
    before = table.sessions < since
    days, m, spread = [table.sessions[before]], [table.m[before]], [table.range[before]]
    for block in record.blocks():
        sessions = block[block >= since]
        for low in range(0, len(sessions), CHUNK):
            part = sessions[low : low + CHUNK]
            window = open_block_window(record, block, part, look_back=market_index.INDEX_LOOK_BACK)
            values = market_index.compute_index(window)
            days.append(part)
            m.append(values[0])
            spread.append(values[1])
    updated = index_file.IndexFile(np.concatenate(days), np.concatenate(m), np.concatenate(spread), wanted, breaks)
    index_file.write(lake, market, updated)


def _digest(breaks: Sequence[Break]) -> str:
    """A digest of breaks, "" where there is none."""
    return digest.text(f"{one.session} {one.code} {one.kind}".encode() for one in breaks) if breaks else ""


def _first_difference(before: Days, days: Days) -> np.datetime64 | None:
    """The first day that is in only one of the two, None where they are equal."""
    differences = np.setxor1d(before, days)
    return differences[0] if len(differences) else None
