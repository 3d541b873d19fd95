"""Delivery of a command's results: text for people, JSON lines or a typed table for programs, to the terminal or into
a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from marketdata.management import table_output
from marketdata.management.arguments import add_format
from marketdata.management.table import Output, plain_text
from marketdata.tables.table import Column, Row, Table

FORMATS = ("table", "json", *table_output.TABLES)


@dataclass(frozen=True, slots=True)
class Results:
    """Results in every form. `columns` and flat `rows`: CSV, Parquet and Excel; `objects`: JSON lines, the rows where
    it is None; `write_text`: the text for people."""

    columns: Sequence[Column]
    rows: Iterable[Row]
    write_text: Callable[[Output], None]
    objects: Iterable[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The options of `add_delivery`: the format, the file (None: the terminal) and the encoding of CSV."""

    form: str
    output: Path | None
    encoding: str

    @property
    def for_programs(self) -> bool:
        return self.form != "table"


def add_delivery(parser: CommandParser) -> None:
    """Add `--format`, `--output` and `--encoding`."""
    add_format(parser, FORMATS)


def delivery(options: Mapping[str, Any]) -> Delivery:
    """The delivery of the options; CommandError for a binary format without a file, before anything is computed."""
    table_output.refuse_terminal(options["format"], options["output"])
    return Delivery(options["format"], options["output"], options["encoding"])


def deliver(results: Results, where: Delivery, terminal: OutputWrapper) -> None:
    """Write the results; CommandError where the file cannot be written."""
    if where.form in table_output.TABLES:
        table = Table(results.columns, results.rows)
        table_output.write(table, where.form, where.output, terminal, where.encoding)
    elif where.output is not None:
        text = "".join(_json_lines(results)) if where.form == "json" else plain_text(results.write_text)
        try:
            where.output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{where.output} cannot be written: {error.strerror or error}.") from error
    elif where.form == "json":
        for line in _json_lines(results):
            terminal.write(line, ending="")
    else:
        results.write_text(terminal)


def _json_lines(results: Results) -> Iterator[str]:
    for one in results.rows if results.objects is None else results.objects:
        yield json.dumps(one, ensure_ascii=False) + "\n"
