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
    """Something that does not hold: in which month (None: the whole market), and what. A gap in the record itself
    is told, but no fault of the lake."""

    month: date | None
    text: str
    is_fault: bool = True


def verify(market: str) -> Iterator[LakeFinding]:
    """Everything in which the lake of `market` differs from the record; nothing where they agree."""
    held = get_record(market)
    if not held.parts:
        raise EmptyMarket(market)
    statements = partitions.MarketStatuses(market)
    for partition in LakePartition.objects.filter(market=market).order_by("month"):
        if partition.is_stale:
            yield LakeFinding(partition.month, "is behind the record; run `manage.py project_lake`")
            continue
        for text in _differences(partition, statements):
            yield LakeFinding(partition.month, text)
    for flows in FlowPartition.objects.filter(market=market).order_by("month"):
        if flows.is_stale:
            yield LakeFinding(flows.month, "is behind the record in its flows; run `manage.py project_lake`")
            continue
        for text in _flow_differences(flows):
            yield LakeFinding(flows.month, text)
    yield from _gaps(held)
    try:
        get_own_index(held)
        get_breaks(held)
    except LakeError as error:
        yield LakeFinding(None, str(error))


def _gaps(held: Record) -> Iterator[LakeFinding]:
    blocks = held.blocks()
    for before, after in itertools.pairwise(blocks):
        missing = held.sessions[(held.sessions > before[-1]) & (held.sessions < after[0])]
        yield LakeFinding(
            None,
            f"has no bar at all on {len(missing)} sessions, {missing[0]} to {missing[-1]}: import them, or record that "
            "the market was closed",
            is_fault=False,
        )


def _differences(partition: LakePartition, statements: partitions.MarketStatuses) -> Iterator[str]:
    path = get_lake().partition(partition.market, partition.month)
    try:
        found, bars = verified_reader.read_bars(get_lake(), _part(partition, path))
    except LakeError as error:
        yield str(error)
        return
    recorded, _, _ = partitions.partition_rows(partition.market, partition.month, statements)
    digests = writer.row_digests(recorded)
    wanted, _ = writer.roster(recorded, digests, partition.market, partition.month, partition.written)
    if found.rows != wanted.rows:
        yield f"has {found.rows} rows, the record {wanted.rows}"
    if not np.array_equal(found.codes, wanted.codes):
        odd = np.setxor1d(found.codes, wanted.codes)
        yield f"has other instruments than the record: {_some(odd)}"
        return
    different = found.codes[found.digests != wanted.digests]
    if len(different):
        yield f"differs from the record in {_some(different)}"
    elif not _same(bars.values, recorded.values):
        yield "holds other values than the record, with the same digests"


def _flow_differences(partition: FlowPartition) -> Iterator[str]:
    path = get_lake().flows(partition.market, partition.month)
    try:
        found, flows = verified_reader.read_flows(get_lake(), _part(partition, path))
    except LakeError as error:
        yield str(error)
        return
    recorded = partitions.flow_rows(partition.market, partition.month)
    wanted, _ = flow_files.roster(recorded, partition.month, partition.written)
    if not np.array_equal(found.codes, wanted.codes):
        odd = np.setxor1d(found.codes, wanted.codes)
        yield f"has flows of other instruments than the record: {_some(odd)}"
        return
    different = found.codes[found.digests != wanted.digests]
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
    named = ", ".join(code.decode() for code in codes[:5])
    return named + (f" and {len(codes) - 5} more" if len(codes) > 5 else "")
