"""Scans as a person or a program reads them: table, JSON lines, CSV, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.core.management.base import CommandError, OutputWrapper

from marketdata.management.table import plain_text
from scans import order_prices
from scans.management import buying
from scans.management.rank_table import write_ranks
from scans.operations.answers import Scan

FORMATS = ("table", "json", "csv", "parquet")
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


def deliver(scans: Sequence[Scan], form: str, output: Path | None, terminal: OutputWrapper) -> None:
    """Write the scans in the form asked for to `output`, else to the terminal."""
    if form == "parquet" and output is None:
        raise CommandError("Parquet goes into a file: name one with --output.")
    buying.attach(scans)
    attach_orders(scans)
    try:
        if output is None and form == "table":
            write_ranks(terminal, scans)
        elif output is None:
            terminal.write(text(scans, form), ending="")
        elif form == "parquet":
            parquet(scans, output)
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
                order_prices.with_order(rank, market=scan.market, session=session)
                for rank in answer.ranks
            ]


def text(scans: Sequence[Scan], form: str) -> str:
    """The scans as a table, JSON lines or CSV."""
    if form == "json":
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(scans))
    if form == "csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(row_names()), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(scans))
        return stream.getvalue()
    return plain_text(lambda out: write_ranks(out, scans))


def parquet(scans: Sequence[Scan], output: Path) -> None:
    """The ranks as a Parquet file."""
    kinds = {"rank": pa.int32(), "holding_min": pa.int32(), "holding_max": pa.int32()}
    numbers = {"score", "close", "change_pct", "amount", "entry", "target", "stop"}
    numbers |= {*order_prices.COLUMNS, *buying.COLUMNS[1:]}
    schema = pa.schema(
        [
            (name, kinds.get(name, pa.float64() if name in numbers else pa.string()))
            for name in row_names()
        ]
    )
    pq.write_table(pa.Table.from_pylist(list(rows(scans)), schema=schema), output)


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
                "run": scan.run,
                "unchanged": scan.unchanged,
            }


def row_names() -> tuple[str, ...]:
    """The columns of a flat row."""
    flat = (*FLAT, *order_prices.COLUMNS)
    return ("scanner_version", "market", "date", *flat, "signals", "components", *buying.COLUMNS)


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
                    **order_prices.flat(rank["order"]),
                    "signals": " ".join(rank["signals"]),
                    "components": json.dumps(rank["components"]),
                    **buying.flat(rank),
                }
