"""Compares the lake with the record, partition by partition: rows, digests, gaps. Reads only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from marketdata.errors import EmptyMarket, LakeError
from marketdata.lake import flow_files, footers, verified_reader, writer
from marketdata.models import FlowPartition, LakePartition, Partition
from marketdata.operations.projection import partitions
from marketdata.panel import Floats
from marketdata.queries.breaks import get_breaks
from marketdata.queries.index_series import get_own_index
from marketdata.queries.records import get_lake, get_record
from marketdata.record import Record


@dataclass(frozen=True, slots=True)
class LakeFinding:
    """A difference between lake and record: its month (None: the whole market) and a text. A gap in the record itself
    is reported, but is no fault of the lake."""

    month: date | None
    text: str
    is_fault: bool = True


def verify(market: str) -> Iterator[LakeFinding]:
    """All differences between the lake of `market` and its record."""
    current = get_record(market)
    if not current.parts:
        raise EmptyMarket(market)
    statuses = partitions.MarketStatuses(market)
    for partition in LakePartition.objects.filter(market=market).order_by("month"):
        if partition.is_stale:
            yield LakeFinding(partition.month, "is behind the record; run `manage.py project_lake`")
            continue
        for text in _differences(partition, statuses):
            yield LakeFinding(partition.month, text)
    for flows in FlowPartition.objects.filter(market=market).order_by("month"):
        if flows.is_stale:
            yield LakeFinding(flows.month, "is behind the record in its flows; run `manage.py project_lake`")
            continue
        for text in _flow_differences(flows):
            yield LakeFinding(flows.month, text)
    yield from _gaps(current)
    try:
        get_own_index(current)
        get_breaks(current)
    except LakeError as error:
        yield LakeFinding(None, str(error))


def _gaps(current: Record) -> Iterator[LakeFinding]:
    blocks = current.blocks()
    for before, after in itertools.pairwise(blocks):
        missing = current.sessions[(current.sessions > before[-1]) & (current.sessions < after[0])]
        yield LakeFinding(
            None,
            f"has no bar at all on {len(missing)} sessions, {missing[0]} to {missing[-1]}: import them, or record that "
            "the market was closed",
            is_fault=False,
        )


def _differences(partition: LakePartition, statuses: partitions.MarketStatuses) -> Iterator[str]:
    path = get_lake().partition(partition.market, partition.month)
    try:
        roster, bars = verified_reader.read_bars(get_lake(), _part(partition, path))
    except LakeError as error:
        yield str(error)
        return
    recorded, _, _ = partitions.partition_rows(partition.market, partition.month, statuses)
    digests = writer.row_digests(recorded)
    expected, _ = writer.roster(recorded, digests, partition.market, partition.month, partition.written)
    if roster.rows != expected.rows:
        yield f"has {roster.rows} rows, the record {expected.rows}"
    if not np.array_equal(roster.codes, expected.codes):
        differences = np.setxor1d(roster.codes, expected.codes)
        yield f"has other instruments than the record: {_some(differences)}"
        return
    different = roster.codes[roster.digests != expected.digests]
    if len(different):
        yield f"differs from the record in {_some(different)}"
    elif not _same(bars.values, recorded.values):
        yield "holds other values than the record, with the same digests"


def _flow_differences(partition: FlowPartition) -> Iterator[str]:
    path = get_lake().flows(partition.market, partition.month)
    try:
        roster, flows = verified_reader.read_flows(get_lake(), _part(partition, path))
    except LakeError as error:
        yield str(error)
        return
    recorded = partitions.flow_rows(partition.market, partition.month)
    expected, _ = flow_files.roster(recorded, partition.month, partition.written)
    if not np.array_equal(roster.codes, expected.codes):
        differences = np.setxor1d(roster.codes, expected.codes)
        yield f"has flows of other instruments than the record: {_some(differences)}"
        return
    different = roster.codes[roster.digests != expected.digests]
    if len(different):
        yield f"differs from the record in the flows of {_some(different)}"
    elif not _same(flows.values, recorded.values):
        yield "holds other flows than the record, with the same digests"


def _part(partition: Partition, path: str) -> footers.Part:
    return footers.Part(partition.month, path, partition.written, partition.digest)


def _same(values: Mapping[str, Floats], others: Mapping[str, Floats]) -> bool:
    """Whether both hold the same values, row by row."""
    return all(np.array_equal(column, others[name], equal_nan=True) for name, column in values.items())


def _some(codes: np.ndarray[tuple[int], np.dtype[np.bytes_]]) -> str:
    examples = ", ".join(code.decode() for code in codes[:5])
    return examples + (f" and {len(codes) - 5} more" if len(codes) > 5 else "")
