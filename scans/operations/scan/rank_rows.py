"""Inserts the ranks of a run, by the row rather than by the object.

The transaction that publishes locks its version, and on SQLite every other writer: building objects took nine tenths
of that time, during which a request of one session could not even be queued.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from scans.models import ScanRank, ScanRun, ScanSession
from scans.operations.scan.answers import SessionAnswer

RUN_COLUMNS = ("session_id", "run_id", "scanner_version_id", "market", "date", "published")
JSON_COLUMNS = ("signals", "components")
Row = tuple[Any, ...]


def insert_ranks(run: ScanRun, sessions: Sequence[ScanSession], answers: Sequence[SessionAnswer]) -> None:
    """Insert the ranks of these answers, whose rows are `sessions`."""
    columns = next((tuple(row) for answer in answers for row in answer.ranks), ())
    if not columns:
        return
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, (*RUN_COLUMNS, *columns)))
    marks = ", ".join(["%s"] * (len(RUN_COLUMNS) + len(columns)))
    with connection.cursor() as cursor:
        table = quote(ScanRank._meta.db_table)
        rows = list(_rows(run, sessions, answers, columns))
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - names alone


def _rows(
    run: ScanRun, sessions: Sequence[ScanSession], answers: Sequence[SessionAnswer], columns: tuple[str, ...]
) -> Iterator[Row]:
    for session, answer in zip(sessions, answers, strict=True):
        head = (session.pk, run.pk, run.scanner_version_id, run.market, answer.date, session.published)
        for row in answer.ranks:
            yield head + tuple(json.dumps(row[name]) if name in JSON_COLUMNS else row[name] for name in columns)
