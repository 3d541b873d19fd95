"""Breaks of a market's series, read from the lake, and the digests of history that contain them."""

from __future__ import annotations

from marketdata.breaks import Break
from marketdata.errors import LakeError
from marketdata.lake import breaks_file
from marketdata.queries.records import get_lake
from marketdata.record import Days, Record


def get_breaks(record: Record) -> tuple[Break, ...]:
    """The breaks of the market's series, ascending. LakeError where they are behind the lake."""
    file = breaks_file.read(get_lake(), record.market.name)
    if file.partitions != record.part_digests and record.part_digests:
        raise LakeError(f"The breaks of market {record.market.name} are behind its lake: run `manage.py project_lake`.")
    return file.breaks


def get_history_digests(record: Record, sessions: Days) -> list[str]:
    """For each of `sessions` the digest of everything that an answer may depend on (`Record.history_digests`), breaks
    included. LakeError where the breaks are behind the lake."""
    return record.history_digests(sessions, get_breaks(record))
