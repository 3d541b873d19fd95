"""Keeps the market's index beside the lake, one row a session of the record.

The file remembers the digest of every partition it was computed from; what differs from the record's says from which
month on it must be computed again, as does a session that was closed or opened since. Values do not depend on how much
was read, so an index kept up day by day equals one computed at once.
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
    """Bring the index of `market` up to date with its partitions and breaks; `broken`: the first session whose breaks
    have changed, None where that is not known."""
    wanted = {
        month.isoformat(): written
        for month, written in LakePartition.objects.filter(market=market)
        .exclude(digest="")
        .order_by("month")
        .values_list("month", "digest")
    }
    known = index_file.read(lake, market)
    changed = sorted(
        month for month in {*wanted, *known.partitions} if wanted.get(month) != known.partitions.get(month)
    )
    record = get_record(market)
    first = _first_difference(known.sessions, record.sessions[record.bars > 0])
    breaks = _digest(get_breaks(record))
    if breaks == known.breaks:
        broken = None
    elif broken is None:
        broken = record.sessions[0] if len(record.sessions) else None
    since = min(
        (np.datetime64(day) for day in (*changed[:1], first, broken) if day is not None),
        default=None,
    )
    if since is None:
        return
    before = known.sessions < since
    days, m, spread = [known.sessions[before]], [known.m[before]], [known.range[before]]
    for block in record.blocks():
        fresh = block[block >= since]
        for low in range(0, len(fresh), CHUNK):
            part = fresh[low : low + CHUNK]
            window = open_block_window(record, block, part, look_back=market_index.INDEX_LOOK_BACK)
            found = market_index.compute_index(window)
            days.append(part)
            m.append(found[0])
            spread.append(found[1])
    made = index_file.IndexFile(np.concatenate(days), np.concatenate(m), np.concatenate(spread), wanted, breaks)
    index_file.write(lake, market, made)


def _digest(breaks: Sequence[Break]) -> str:
    """A digest of breaks, "" where there is none."""
    return digest.text(f"{one.session} {one.code} {one.kind}".encode() for one in breaks) if breaks else ""


def _first_difference(known: Days, days: Days) -> np.datetime64 | None:
    """The first day that only one of the two has, None where they are the same."""
    odd = np.setxor1d(known, days)
    return odd[0] if len(odd) else None
