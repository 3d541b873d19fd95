"""What changed in a version, as a person reads it: one line for each parameter, not a blob before and a blob after."""

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
    """Who changed what, when; `parts` are (what, before, after)."""

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
            yield name, _shown(before), _shown(after)
            continue
        old, new = before or {}, after or {}
        for one in sorted({*old, *new}):
            if old.get(one) != new.get(one):
                yield one, text(old.get(one, plain.get(one))), text(new.get(one, plain.get(one)))


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else "-"
    return text(value) or "-"
