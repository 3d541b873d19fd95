"""Changes of a version for people: one line for each parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scans.admin.parameters import text
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, VersionChange


@dataclass(frozen=True, slots=True)
class Change:
    """A change with its time and author; `parts` are (name, before, after)."""

    at: datetime
    who: str
    parts: list[tuple[str, str, str]]


def changes(version: ScannerVersion, most: int) -> list[Change]:
    """The latest changes of a version."""
    engine = ENGINES.get(version.engine)
    plain = engine_params.dump(engine.Params()) if engine else {}
    rows = version.changes.all()[:most]
    return [Change(row.at, row.who or "-", list(_parts(row, plain))) for row in rows]


def _parts(row: VersionChange, plain: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, after in row.after.items():
        before = row.before.get(name)
        if name != "params":
            yield name, _value_text(before), _value_text(after)
            continue
        old, new = before or {}, after or {}
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield key, text(old.get(key, plain.get(key))), text(new.get(key, plain.get(key)))


def _value_text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else "-"
    return text(value) or "-"
