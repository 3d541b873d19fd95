"""What `manage.py scanner_version` can do: one function an action, each writes what came of it."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_market
from marketdata.management.table import Column, Output, write_table
from marketdata.number_format import MISSING_TEXT, format_number
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.management.arguments import limit
from scans.models import ActiveVersion, ScannerVersion
from scans.operations import versions

WHO = "command line"
OWN = "those of the market"


def setting(text: str) -> tuple[str, str]:
    """A parameter as vol_mult=3."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not a setting; write it as vol_mult=3")
    return name, value


def add_actions(parser: CommandParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", help="one of")
    actions.add_parser("list", help="all versions")
    for name, text in (
        ("show", "a version's parameters"),
        ("history", "what changed, when and by whom"),
    ):
        actions.add_parser(name, help=text).add_argument("slug", metavar="VERSION", help="its name, as v2")
    new = actions.add_parser("create", help="a new version of an engine")
    new.add_argument("slug", metavar="VERSION", help="its name, as v2")
    new.add_argument("--engine", required=True, help=", ".join(ENGINES))
    new.add_argument("--title", default="", help="for people, in lists")
    new.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter; repeatable",
    )
    new.add_argument("--segment", action="append", default=[], help="default: the market's own")
    new.add_argument(
        "--limit",
        type=limit,
        action="append",
        default=[],
        metavar="SEGMENT=N",
        help="KOSPI=200: its 200 largest turnovers only; repeatable",
    )
    edit = actions.add_parser("set", help="change parameters: scanner_version set v2-tight vol_mult=3")
    edit.add_argument("slug", metavar="VERSION", help="its name, as v2")
    edit.add_argument("assignments", type=setting, nargs="*", metavar="NAME=VALUE", help="parameters")
    edit.add_argument("--reset", action="append", default=[], metavar="NAME", help="back to the default")
    use = actions.add_parser("activate", help="the version a market uses where none is named")
    use.add_argument("slug", metavar="VERSION", help="its name, as v2")
    add_market(use)


def act(out: Output, options: dict[str, Any], now: datetime) -> None:
    """Do what was asked and write what came of it. Raises VersionProblem, UnknownVersion, UnknownMarket."""
    action = options["action"]
    if action == "list":
        _write_list(out)
        return
    if action == "create":
        made = versions.create_version(
            slug=options["slug"],
            engine=options["engine"],
            title=options["title"],
            settings=dict(options["set"]),
            segments=options["segment"],
            limits=dict(options["limit"]),
            who=WHO,
            at=now,
        )
        _write_version(out, made)
        return
    version = versions.get_version(options["slug"])
    if action == "set":
        versions.change_version(version, settings=dict(options["assignments"]), reset=options["reset"], who=WHO, at=now)
    if action == "activate":
        versions.activate_version(options["market"], version, who=WHO, at=now)
        out.write(f"{version.slug} is now the active version of market {options['market']}.")
    elif action == "history":
        _write_history(out, version)
    else:
        _write_version(out, version)


def _write_list(out: Output) -> None:
    active: dict[str, list[str]] = {}
    for row in ActiveVersion.objects.select_related("version"):
        active.setdefault(row.version.slug, []).append(row.market)
    columns = [Column(name, text=True) for name in ("version", "engine", "active on", "title")]
    rows = (
        (
            version.slug,
            version.engine,
            ", ".join(active.get(version.slug, [])) if version.enabled else "disabled",
            version.title,
            ", ".join(f"{name}={_value(value)}" for name, value in version.params.items()),
        )
        for version in ScannerVersion.objects.all()
    )
    write_table(out, [*columns, Column("other than the engine's own", text=True)], rows)


def _write_version(out: Output, version: ScannerVersion) -> None:
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params))
    out.write(
        f"{version.slug}: engine {version.engine} revision {ENGINES[version.engine].revision}; "
        f"segments {', '.join(version.segments) or OWN}; limits "
        f"{', '.join(f'{name}={most}' for name, most in version.limits.items()) or 'none'}"
    )
    elsewhere = engine_params.market_defaults(kind)
    columns = [Column("parameter", text=True), Column("value"), Column("unit", text=True)]
    columns += [Column(name, text=True) for name in ("otherwise", "what it is")]
    rows = []
    for one in engine_params.schema(kind):
        name, value = one["name"], values[one["name"]]
        other = [f"default {_value(one['default'])}"] if value != one["default"] else []
        if name not in version.params:
            there = elsewhere.get(name, {})
            other += [f"market {market}: {_value(than)}" for market, than in there.items()]
        rows.append((name, _value(value), one["unit"], ", ".join(other), one["help"]))
    write_table(out, columns, rows)


def _write_history(out: Output, version: ScannerVersion) -> None:
    columns = [Column(name, text=True) for name in ("at (UTC)", "who", "what", "before", "after")]
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.who, name, _value(before), _value(after))
        for one in version.changes.all()
        for name, before, after in _differences(one.before, one.after)
    ]
    if not rows:
        out.write(f"{version.slug} has not been changed since it was shipped.")
    write_table(out, columns, rows)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What a change set: (name, before, after), parameters and limits one by one; None where there was none."""
    for name, new in after.items():
        old = before.get(name)
        if not isinstance(new, Mapping):
            yield name, old, new
            continue
        old = old if isinstance(old, Mapping) else {}
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield key, old.get(key), new.get(key)


def _value(value: Any) -> str:
    """A value as people read it: floats with every digit and no exponent."""
    if value is None:
        return MISSING_TEXT
    if isinstance(value, float):
        return format_number(value, 15)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
