"""Scans in every form: ranks as a table for people, JSON lines, CSV, Parquet, Excel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import pyarrow as pa

from marketdata.tables.table import column
from scans.management import flows
from scans.management.delivery import Results
from scans.management.rank_table import write_ranks
from scans.operations.scan.answers import Scan
from scans.queries import order_prices

FLAT = (
    "rank",
    "code",
    "name",
    "score",
    "strategy",
    "label",
    "segment",
    "close",
    "change_pct",
    "amount",
    "entry",
    "target",
    "stop",
    "holding_min",
    "holding_max",
)

TEXTS = ("scanner_version", "market", "reading", "code", "name", "strategy", "label", "segment")
TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(("date", "flow_date"), pa.date32()),
    **dict.fromkeys(("rank", "holding_min", "holding_max"), pa.int32()),
    "signals": pa.list_(pa.string()),
    "components": pa.map_(pa.string(), pa.float64()),
}
"""The types of a flat row's columns; all others are numbers."""
COLUMNS = [
    column(name, TYPES.get(name, pa.float64()))
    for name in (
        "scanner_version", "market", "date", "reading", *FLAT, *order_prices.COLUMNS, "signals", "components",
        *flows.COLUMNS,
    )
]  # fmt: skip


def scan_results(scans: Sequence[Scan]) -> Results:
    """The scans with order prices and investor flow beside each rank."""
    flows.attach(scans)
    attach_orders(scans)
    return Results(COLUMNS, rows(scans), lambda out: write_ranks(out, scans), objects(scans))


def attach_orders(scans: Sequence[Scan]) -> None:
    """Give each rank its `order`: the plan's levels on the tick grid, None where the market has none."""
    for scan in scans:
        for answer in scan.answers:
            session = date.fromisoformat(answer.date)
            answer.ranks = [
                order_prices.add_order_prices(rank, market=scan.market, session=session) for rank in answer.ranks
            ]


def objects(scans: Sequence[Scan]) -> Iterator[dict[str, Any]]:
    """One object for each version and session."""
    from scans.queries.regime_rules import rule_json  # only JSON needs it

    for scan in scans:
        if scan.error:
            yield {
                "scanner_version": scan.version.slug,
                "market": scan.market,
                "status": "failed",
                "reason": scan.error,
                "ranks": [],
            }
        for answer in scan.answers:
            yield {
                "scanner_version": scan.version.slug,
                "market": scan.market,
                **asdict(answer),
                "regime_rule": rule_json(scan.regime_rule(answer)),
                "run": scan.run,
                "unchanged": scan.unchanged,
            }


def rows(scans: Sequence[Scan]) -> Iterator[dict[str, Any]]:
    """One flat row for each rank."""
    for scan in scans:
        for answer in scan.answers:
            for rank in answer.ranks:
                yield flat_rank(
                    rank, version=scan.version.slug, market=scan.market, session=answer.date, reading=answer.reading
                )


def flat_rank(rank: Mapping[str, Any], *, version: str, market: str, session: str, reading: str) -> dict[str, Any]:
    """`COLUMNS` of a rank that has its `order` and its `flow`."""
    return {
        "scanner_version": version,
        "market": market,
        "date": session,
        "reading": reading,
        **{name: rank[name] for name in FLAT},
        **order_prices.order_columns(rank["order"]),
        "signals": rank["signals"],
        "components": rank["components"],
        **flows.flat(rank),
    }
