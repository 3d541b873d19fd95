"""The table of a market's own index, a file beside the lake with one row for each session of the record, and the files
of carried market caps, which its own-cap series and every other reader of caps begin with.

The file has the digest of every partition it was computed from: it is computed again from the first month whose digest
differs, or the first session that was closed or opened since. Values do not depend on how much was read, so an index
updated day by day equals one computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketdata import market_index
from marketdata.breaks import Break
from marketdata.carried_caps import CapState
from marketdata.errors import LakeError
from marketdata.lake import cap_files, digest, index_file
from marketdata.lake.layout import Lake
from marketdata.lake.reader import Window
from marketdata.models import LakePartition
from marketdata.panel import Floats, Panel
from marketdata.queries.breaks import get_breaks
from marketdata.queries.cap_states import cap_data_digest, get_cap_state
from marketdata.queries.records import get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Days, Record

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
    since = min((np.datetime64(day) for day in (*changed[:1], first, broken) if day is not None), default=None)
    if since is None:
        return
    since = since.astype("datetime64[M]").astype("datetime64[D]")
    before = table.sessions < since
    days, values = [table.sessions[before]], [table.values[:, before]]
    caps = CapWriter(lake, record)
    for block in record.blocks():
        sessions = block[block >= since]
        for low in range(0, len(sessions), CHUNK):
            part = sessions[low : low + CHUNK]
            window = open_block_window(record, block, part, look_back=market_index.INDEX_LOOK_BACK, caps=1)
            days.append(part)
            values.append(_values(window, caps, block))
    updated = index_file.IndexFile(np.concatenate(days), np.concatenate(values, axis=1), wanted, breaks)
    index_file.write(lake, market, updated)


def _values(window: Window, caps: CapWriter, block: Days) -> Floats:
    """The index of the window's requested sessions, (4, K), after their carried caps were written."""
    panel = market_index.read_panel(window)
    caps.write(panel, block)
    return market_index.compute_index(panel)


def has_caps(record: Record) -> bool:
    """Whether the files of carried caps can be read."""
    breaks = get_breaks(record)
    begins = [block[0] for block in record.blocks()]
    months = [np.datetime64(part.month) for part in record.parts]
    try:
        for session in {*months, *begins}:
            get_cap_state(record, breaks, session)
    except LakeError:
        return False
    return True


class CapWriter:
    """Writes the files of carried caps, session by session in their order."""

    def __init__(self, lake: Lake, record: Record) -> None:
        self.lake, self.record, self.breaks = lake, record, get_breaks(record)
        self.states: dict[np.datetime64, CapState] = {}

    def write(self, panel: Panel, block: Days) -> None:
        """Write the months whose last sessions are among the requested ones of `panel`, in `block`."""
        days = panel.output_sessions
        for row, day in enumerate(days):
            at = int(np.searchsorted(block, day)) + 1
            month = day.astype("datetime64[M]")
            if at < len(block) and block[at].astype("datetime64[M]") == month:
                continue
            self.states = {other: state for other, state in self.states.items() if other.astype(month.dtype) == month}
            self.states[day] = market_index.cap_state(panel, row)
            data = cap_data_digest(self.record, self.breaks, month.item())
            cap_files.write(self.lake, self.record.market.name, month.item(), self.states, data=data)


def _digest(breaks: Sequence[Break]) -> str:
    """A digest of breaks, "" where there is none."""
    return digest.text(f"{one.session} {one.code} {one.kind}".encode() for one in breaks) if breaks else ""


def _first_difference(before: Days, days: Days) -> np.datetime64 | None:
    """The first day that is in only one of the two, None where they are equal."""
    differences = np.setxor1d(before, days)
    return differences[0] if len(differences) else None
