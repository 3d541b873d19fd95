"""What `manage.py scanner_version` can do: one function an action, each gives the text to print."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.arguments import add_market
from scans.engines import params as engine_params
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
        actions.add_parser(name, help=text).add_argument(
            "slug", metavar="VERSION", help="its name, as v2"
        )
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
    edit = actions.add_parser(
        "set", help="change parameters: scanner_version set v2-tight vol_mult=3"
    )
    edit.add_argument("slug", metavar="VERSION", help="its name, as v2")
    edit.add_argument(
        "assignments", type=setting, nargs="*", metavar="NAME=VALUE", help="parameters"
    )
    edit.add_argument(
        "--reset", action="append", default=[], metavar="NAME", help="back to the default"
    )
    use = actions.add_parser("activate", help="the version a market uses where none is named")
    use.add_argument("slug", metavar="VERSION", help="its name, as v2")
    add_market(use)


def act(options: dict[str, Any], now: datetime) -> str:
    """Do what was asked; the text to print. Raises VersionProblem, UnknownVersion, UnknownMarket."""
    action = options["action"]
    if action == "list":
        return _list()
    if action == "create":
        made = versions.create(
            slug=options["slug"],
            engine=options["engine"],
            title=options["title"],
            settings=dict(options["set"]),
            segments=options["segment"],
            limits=dict(options["limit"]),
            who=WHO,
            at=now,
        )
        return _shown(made)
    version = versions.named(options["slug"])
    if action == "set":
        versions.change(
            version, settings=dict(options["assignments"]), reset=options["reset"], who=WHO, at=now
        )
    if action == "activate":
        versions.activate(options["market"], version, who=WHO, at=now)
        return f"{version.slug} is now the active version of market {options['market']}."
    return _history(version) if action == "history" else _shown(version)


def _list() -> str:
    active: dict[str, list[str]] = {}
    for row in ActiveVersion.objects.select_related("version"):
        active.setdefault(row.version.slug, []).append(row.market)
    lines = []
    for version in ScannerVersion.objects.all():
        marks = [f"active on {', '.join(active[version.slug])}"] if version.slug in active else []
        marks += [] if version.enabled else ["disabled"]
        changed = ", ".join(f"{name}={value}" for name, value in version.params.items())
        lines.append(
            f"{version.slug:16} {version.engine:12} {version.title}  {'; '.join([*marks, changed])}".rstrip(
                " ;"
            )
        )
    return "\n".join(lines)


def _shown(version: ScannerVersion) -> str:
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params))
    lines = [f"{version.slug}: engine {version.engine} revision {ENGINES[version.engine].revision}"]
    elsewhere = engine_params.elsewhere(kind)
    for one in engine_params.schema(kind):
        name, value = one["name"], values[one["name"]]
        mark = f" (default {one['default']})" if value != one["default"] else ""
        if name not in version.params:
            there = elsewhere.get(name, {})
            mark += "".join(f" (market {market}: {other})" for market, other in there.items())
        unit = f" {one['unit']}" if one["unit"] else ""
        lines.append(f"  {name:26} {value}{unit}{mark}  {one['help']}")
    lines.append(f"  {'segments':26} {', '.join(version.segments) or OWN}")
    lines.append(f"  {'limits':26} {version.limits or 'none'}")
    return "\n".join(lines)


def _history(version: ScannerVersion) -> str:
    lines = []
    for one in version.changes.all():
        parts = [
            f"{name}: {json.dumps(one.before.get(name), ensure_ascii=False)} -> {json.dumps(after, ensure_ascii=False)}"
            for name, after in one.after.items()
        ]
        lines.append(f"{one.at:%Y-%m-%d %H:%M}  {one.who}  {'; '.join(parts)}")
    return "\n".join(lines) or f"{version.slug} has not been changed since it was shipped."
