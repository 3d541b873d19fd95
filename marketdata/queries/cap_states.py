"""Carried caps of earlier months, with which a window's own begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from marketdata.breaks import LIFE, Break
from marketdata.carried_caps import NO_CAPS, CapState
from marketdata.lake import cap_files, digest
from marketdata.lake.index_file import REVISION
from marketdata.queries.records import get_lake
from marketdata.record import Days, Record


def get_cap_state(record: Record, breaks: Sequence[Break], session: np.datetime64) -> CapState:
    """The carried caps after the last recorded session before `session`, the first of a month or of those after a
    missing one. LakeError where they are behind the lake."""
    before = record.sessions[(record.sessions < session) & (record.bars > 0)]
    if not len(before):
        return NO_CAPS
    data = cap_data_digest(record, breaks, before[-1].astype("datetime64[M]").item())
    return cap_files.read(get_lake(), record.market.name, before[-1], data=data)


def cap_data_digest(record: Record, breaks: Sequence[Break], month: date) -> str:
    """A digest of all that the carried caps of `month` depend on: the partitions up to it, sessions and lives."""
    after = (np.datetime64(month, "M") + 1).astype("datetime64[D]")
    days = record.sessions[(record.sessions < after) & (record.bars > 0)]
    parts = [f"{name} {part}" for name, part in sorted(record.part_digests.items()) if name < str(after)]
    lives = [f"{one.session} {one.code}" for one in breaks if one.kind == LIFE and one.session < str(after)]
    return digest.text([f"{REVISION}".encode(), days.tobytes(), *(one.encode() for one in (*parts, "", *lives))])


def carrying_start(block: Days, session: np.datetime64) -> int:
    """The row of `block`, sessions without a missing one, from which caps are carried to `session`."""
    return int(np.searchsorted(block, session.astype("datetime64[M]").astype("datetime64[D]")))
