"""Keeps the market's index beside the lake, one row a session of the record.

The file remembers the digest of every partition it was computed from; what differs from the record's says from which
month on it must be computed again. Values do not depend on how much was read, so an index kept up day by day equals
one computed at once.
"""

from __future__ import annotations

import numpy as np

from marketdata import index, queries
from marketdata.lake import index_file
from marketdata.lake.layout import Lake
from marketdata.models import LakePartition

CHUNK = 250
"""Sessions computed at a time, which bounds memory."""


def refresh(lake: Lake, market: str) -> None:
    """Bring the index of `market` up to date with its partitions."""
    wanted = {
        month.isoformat(): digest
        for month, digest in LakePartition.objects.filter(market=market)
        .exclude(digest="")
        .order_by("month")
        .values_list("month", "digest")
    }
    known = index_file.read(lake, market)
    changed = sorted(
        month
        for month in {*wanted, *known.partitions}
        if wanted.get(month) != known.partitions.get(month)
    )
    if not changed:
        return
    since = np.datetime64(changed[0])
    record = queries.record(market)
    before = known.sessions < since
    days, m, spread = [known.sessions[before]], [known.m[before]], [known.range[before]]
    for block in record.blocks():
        fresh = block[block >= since]
        for low in range(0, len(fresh), CHUNK):
            part = fresh[low : low + CHUNK]
            window = queries.block_window(record, block, part, look_back=index.LOOK_BACK)
            found = index.compute(window)
            days.append(part)
            m.append(found[0])
            spread.append(found[1])
    made = index_file.IndexFile(
        np.concatenate(days), np.concatenate(m), np.concatenate(spread), wanted
    )
    index_file.write(lake, market, made)
