"""Closes carried forward into a window, from the lake alone: where the database has no bars.

The footers of the months before the window say on which day each idle instrument had its last price; only the row
groups with these bars are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from marketdata.context_threads import ContextThreadPool
from marketdata.lake import arrays, schema
from marketdata.lake.footers import READERS, Part, open_file, read_footer
from marketdata.lake.layout import Lake

Row = tuple[Part, str, int]
"""The bar of a code in a partition, by its row there."""


def read_carried_closes(
    lake: Lake,
    parts: Sequence[Part],
    sessions: NDArray[np.datetime64],
    codes: Collection[str],
    births: Mapping[str, str],
) -> dict[str, float]:
    """The raw close of each of `codes` after `sessions`, those before a window, which lie in `parts`: its last close or
    base price, else its first recorded close, times the events since. `births`: code -> the first session (ISO) of its
    life, before which nothing counts."""
    pending, rows, openings = set(codes), {}, {}
    since: dict[str, np.datetime64] = {}
    events: list[tuple[str, np.datetime64, float]] = []
    with ContextThreadPool(READERS) as pool:
        rosters = list(pool.map(lambda part: read_footer(lake, part)[0], parts))
    for part, roster in sorted(zip(parts, rosters, strict=True), key=lambda pair: pair[0].month, reverse=True):
        begin = np.datetime64(part.month)
        days = (sessions[sessions.astype("datetime64[M]") == begin.astype("datetime64[M]")] - begin).astype(int)
        for n in np.flatnonzero(np.isin(roster.codes, [code.encode() for code in codes])).tolist():
            code = roster.codes[n].decode()
            low = births.get(code, "")
            mask = sum(1 << int(day) for day in days if str(begin + day) >= low)
            priced = int(roster.traded[n] | roster.based[n]) & mask
            present = int(roster.present[n]) & mask
            if code in pending and priced:
                day = priced.bit_length() - 1
                rows[code], since[code] = (part, code, _row(roster, n, day)), begin + day
                pending.remove(code)
            elif code in pending and present:
                day = (present & -present).bit_length() - 1
                openings[code], since[code] = (part, code, _row(roster, n, day)), begin + day
        events += [
            (roster.codes[event["code"]].decode(), begin + int(event["day"]), float(event["value"]))
            for event in roster.events
        ]
    closes = _closes(lake, [*rows.values(), *(openings[code] for code in pending & openings.keys())])
    for code, event_day, ratio in sorted(events):
        if code in closes and since[code] < event_day <= sessions[-1]:
            closes[code] *= ratio
    return closes


def _row(roster: schema.Roster, n: int, day: int) -> int:
    """The row of a code's bar in the partition, whose rows are sorted by code and date."""
    before = int(np.bitwise_count(roster.present[:n]).sum())
    return before + (int(roster.present[n]) & ((1 << day) - 1)).bit_count()


def _closes(lake: Lake, rows: Sequence[Row]) -> dict[str, float]:
    """Code -> close, or base price where the bar has no volume but that."""
    closes: dict[str, float] = {}
    for part in {row[0].month: row[0] for row in rows}.values():
        with open_file(lake, part.path) as file:
            groups = file.metadata.num_row_groups
            ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(groups)])
            of_part = [(code, at) for where, code, at in rows if where == part]
            chosen = sorted({int(np.searchsorted(ends, at, side="right")) for _, at in of_part})
            for group in chosen:
                table = file.table(("close", "volume", "base_price"), [group])
                close, volume, base = (arrays.floats(table.column(name)) for name in table.column_names)
                low = int(ends[group]) - len(close)
                for code, at in of_part:
                    if low <= at < ends[group]:
                        n = at - low
                        closes[code] = float(close[n] if volume[n] or np.isnan(base[n]) else base[n])
    return closes
