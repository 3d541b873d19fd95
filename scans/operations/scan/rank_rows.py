"""Inserts the ranks of a run, by the row rather than by the object.

The transaction that publishes locks its version, and on SQLite every other writer: building objects took nine tenths
of that time, during which a request of one session could not even be queued. The values are therefore prepared before
it begins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection

from scans.models import ScanRank, ScanRun, ScanSession
from scans.operations.scan.answers import SessionAnswer

RUN_COLUMNS = ("session_id", "run_id", "scanner_version_id", "market", "date", "published")
SIGNALS, COMPONENTS = "signals", "components"
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RankRows:
    """The ranks of answers: their columns, and session -> the values of each rank."""

    columns: tuple[str, ...]
    values: Mapping[str, Sequence[Row]]

    @classmethod
    def of(cls, answers: Sequence[SessionAnswer]) -> RankRows:
        """The rows of these answers."""
        columns = next((tuple(row) for answer in answers for row in answer.ranks), ())
        return cls(columns, {answer.date: [_values(row, columns) for row in answer.ranks] for answer in answers})

    def insert(self, run: ScanRun, sessions: Sequence[ScanSession]) -> None:
        """Insert the ranks of these sessions."""
        if not self.columns:
            return
        quote = connection.ops.quote_name
        names = ", ".join(map(quote, (*RUN_COLUMNS, *self.columns)))
        marks = ", ".join(["%s"] * (len(RUN_COLUMNS) + len(self.columns)))
        rows = []
        for session in sessions:
            head = (session.pk, run.pk, run.scanner_version_id, run.market, session.date, session.published)
            rows += [head + values for values in self.values[f"{session.date}"]]
        with connection.cursor() as cursor:
            table = quote(ScanRank._meta.db_table)
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - names alone


def _values(row: Mapping[str, Any], columns: tuple[str, ...]) -> Row:
    texts = {SIGNALS: _signals_text(tuple(row[SIGNALS])), COMPONENTS: json.dumps(row[COMPONENTS])}
    return tuple(texts[name] if name in texts else row[name] for name in columns)


@lru_cache(maxsize=1024)
def _signals_text(names: tuple[str, ...]) -> str:
    """The signals of a rank as JSON: few combinations occur."""
    return json.dumps(names)
