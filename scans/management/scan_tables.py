"""Scans as a person or a program reads them: table, JSON lines, CSV, Parquet, Excel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.core.management.base import CommandError, OutputWrapper

from marketdata.management import table_output
from marketdata.management.table import plain_text
from marketdata.tables.table import Table, column
from scans import order_prices
from scans.management import flows
from scans.management.rank_table import write_ranks
from scans.operations.scan.answers import Scan
from scans.queries.regime_rules import rule_json

FORMATS = ("table", "json", *table_output.TABLES)
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

TEXTS = ("scanner_version", "market", "code", "name", "strategy", "label", "segment")
KINDS: dict[str, pa.DataType] = {
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(("date", "flow_date"), pa.date32()),
    **dict.fromkeys(("rank", "holding_min", "holding_max"), pa.int32()),
    "signals": pa.list_(pa.string()),
    "components": pa.map_(pa.string(), pa.float64()),
}
"""The types of a flat row's columns; all others are numbers."""
COLUMNS = [
    column(name, KINDS.get(name, pa.float64()))
    for name in (
        "scanner_version", "market", "date", *FLAT, *order_prices.COLUMNS, "signals", "components",
        *flows.COLUMNS,
    )
]  # fmt: skip


def deliver(scans: Sequence[Scan], form: str, output: Path | None, terminal: OutputWrapper, encoding: str) -> None:
    """Write the scans in the form asked for to `output`, else to the terminal; `encoding` is that of CSV."""
    table_output.refuse_terminal(form, output)
    flows.attach(scans)
    attach_orders(scans)
    if form in table_output.TABLES:
        table_output.write(Table(COLUMNS, rows(scans)), form, output, terminal, encoding)
        return
    try:
        if output is None and form == "table":
            write_ranks(terminal, scans)
        elif output is None:
            terminal.write(text(scans, form), ending="")
        else:
            output.write_text(text(scans, form), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror or error}.") from error


def attach_orders(scans: Sequence[Scan]) -> None:
    """Give each rank its `order`: the plan's levels on the tick grid, None where the market has none."""
    for scan in scans:
        for answer in scan.answers:
            session = date.fromisoformat(answer.date)
            answer.ranks = [
                order_prices.add_order_prices(rank, market=scan.market, session=session) for rank in answer.ranks
            ]


def text(scans: Sequence[Scan], form: str) -> str:
    """The scans as a table or as JSON lines."""
    if form == "json":
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(scans))
    return plain_text(lambda out: write_ranks(out, scans))


def lines(scans: Sequence[Scan]) -> Iterator[dict[str, Any]]:
    """One object for each version and session."""
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
                yield {
                    "scanner_version": scan.version.slug,
                    "market": scan.market,
                    "date": answer.date,
                    **{name: rank[name] for name in FLAT},
                    **order_prices.order_columns(rank["order"]),
                    "signals": rank["signals"],
                    "components": rank["components"],
                    **flows.flat(rank),
                }
