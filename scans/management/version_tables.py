"""Scanner versions in every form: the list, the parameters of one, its history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_table
from marketdata.number_format import MISSING_TEXT, format_number
from marketdata.tables.table import column
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.management.delivery import Results
from scans.models import ActiveVersion, ScannerVersion

OWN_SEGMENTS = "those of the market"

LIST = [
    *(column(name, pa.string()) for name in ("scanner_version", "engine", "title")),
    column("enabled", pa.bool_()),
    column("active_on", pa.list_(pa.string())),
    column("parameters", pa.string()),
]
PARAMETERS = [
    *(column(name, pa.string()) for name in ("scanner_version", "engine")),
    column("revision", pa.int32()),
    *(column(name, pa.string()) for name in ("parameter", "value", "unit", "default", "help")),
]
HISTORY = [*(column(name, pa.string()) for name in ("scanner_version", "at", "who", "what", "before", "after"))]
"""The columns of each table; values of parameters are JSON texts, times ISO texts in UTC."""


def version_list() -> Results:
    """Every version with its engine, the markets it is active on, and its own parameters."""
    active: dict[str, list[str]] = {}
    for row in ActiveVersion.objects.select_related("version"):
        active.setdefault(row.version.slug, []).append(row.market)
    versions = list(ScannerVersion.objects.all())
    rows = (
        {
            "scanner_version": version.slug,
            "engine": version.engine,
            "title": version.title,
            "enabled": version.enabled,
            "active_on": active.get(version.slug, []),
            "parameters": json.dumps(version.params, ensure_ascii=False),
        }
        for version in versions
    )

    def write(out: Output) -> None:
        headings = ("scanner_version", "engine", "active on", "title", "other than the engine's own")
        cells = (
            (
                version.slug,
                version.engine,
                ", ".join(active.get(version.slug, [])) if version.enabled else "disabled",
                version.title,
                ", ".join(f"{name}={_text(value)}" for name, value in version.params.items()),
            )
            for version in versions
        )
        write_table(out, [Column(name, text=True) for name in headings], cells)

    return Results(LIST, rows, write)


def version_parameters(version: ScannerVersion) -> Results:
    """The parameters of a version with their units, defaults and help."""
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params))
    schema = engine_params.schema(kind)
    rows = (
        {
            "scanner_version": version.slug,
            "engine": version.engine,
            "revision": ENGINES[version.engine].revision,
            "parameter": field["name"],
            "value": json.dumps(values[field["name"]], ensure_ascii=False),
            "unit": field["unit"],
            "default": json.dumps(field["default"], ensure_ascii=False),
            "help": field["help"],
        }
        for field in schema
    )

    def write(out: Output) -> None:
        out.write(
            f"{version.slug}: engine {version.engine} revision {ENGINES[version.engine].revision}; "
            f"segments {', '.join(version.segments) or OWN_SEGMENTS}; limits "
            f"{', '.join(f'{name}={most}' for name, most in version.limits.items()) or 'none'}"
        )
        columns = [Column("parameter", text=True), Column("value"), Column("unit", text=True)]
        columns += [Column(name, text=True) for name in ("otherwise", "what it is")]
        cells = [
            (
                field["name"],
                _text(values[field["name"]]),
                field["unit"],
                _otherwise(version, field, values),
                field["help"],
            )
            for field in schema
        ]
        write_table(out, columns, cells)

    return Results(PARAMETERS, rows, write)


def _otherwise(version: ScannerVersion, parameter: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The default where the value differs from it, and the values of other markets where the version has none."""
    name, default = parameter["name"], parameter["default"]
    parts = [f"default {_text(default)}"] if values[name] != default else []
    if name not in version.params:
        others = engine_params.market_defaults(ENGINES[version.engine].Params).get(name, {})
        parts += [f"market {market}: {_text(value)}" for market, value in others.items()]
    return ", ".join(parts)


def version_history(version: ScannerVersion) -> Results:
    """The changes of a version: one row for each parameter or limit that changed."""
    changes = [
        (change.at, change.who, name, _text(before), _text(after))
        for change in version.changes.all()
        for name, before, after in _differences(change.before, change.after)
    ]
    rows = (
        dict(zip((column.name for column in HISTORY), (version.slug, at.isoformat(), *texts), strict=True))
        for at, *texts in changes
    )

    def write(out: Output) -> None:
        if not changes:
            out.write(f"{version.slug} has not been changed since it was shipped.")
        columns = [Column(name, text=True) for name in ("at (UTC)", "who", "what", "before", "after")]
        write_table(out, columns, ((f"{at:%Y-%m-%d %H:%M}", *texts) for at, *texts in changes))

    return Results(HISTORY, rows, write)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, before, after) of a change, parameters and limits one by one; None for a value that did not exist."""
    for name, new in after.items():
        old = before.get(name)
        if not isinstance(new, Mapping):
            yield name, old, new
            continue
        old = old if isinstance(old, Mapping) else {}
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield key, old.get(key), new.get(key)


def _text(value: Any) -> str:
    """A value for people: floats with every digit and no exponent."""
    if value is None:
        return MISSING_TEXT
    if isinstance(value, float):
        return format_number(value, 15)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
