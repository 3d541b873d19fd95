"""The actions of `manage.py scanner_version` and their options."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser, OutputWrapper

from marketdata.management.arguments import add_market, positive
from scans.engines.registry import ENGINES
from scans.management.arguments import add_limit
from scans.management.delivery import Delivery, add_delivery, deliver, delivery
from scans.management.version_tables import version_history, version_list, version_parameters
from scans.operations import versions
from scans.operations.research import pedigree

WHO = "command line"
TERMINAL = Delivery("table", None, "")


def setting(text: str) -> tuple[str, str]:
    """A parameter as vol_mult=3."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not a setting; write it as vol_mult=3")
    return name, value


def add_actions(parser: CommandParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", help="one of")
    add_delivery(actions.add_parser("list", help="all versions"))
    for name, text in (("show", "a version's parameters"), ("history", "what changed, when and by whom")):
        action = actions.add_parser(name, help=text)
        action.add_argument("slug", metavar="VERSION", help="its name, as v2")
        add_delivery(action)
    new = actions.add_parser("create", help="a new version of an engine")
    new.add_argument("slug", metavar="VERSION", help="its name, as v2")
    base = new.add_mutually_exclusive_group(required=True)
    base.add_argument("--engine", help=", ".join(ENGINES))
    base.add_argument("--sweep", help="the name of a sweep: its chosen variant, or --variant")
    new.add_argument("--variant", type=positive, help="the number of another variant of --sweep")
    new.add_argument("--title", default="", help="for people, in lists")
    new.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable"
    )
    new.add_argument("--segment", action="append", default=[], help="repeatable; default: the market's own segments")
    add_limit(new)
    edit = actions.add_parser("set", help="change parameters: scanner_version set v2-tight vol_mult=3")
    edit.add_argument("slug", metavar="VERSION", help="its name, as v2")
    edit.add_argument("assignments", type=setting, nargs="*", metavar="NAME=VALUE", help="parameters")
    edit.add_argument("--reset", action="append", default=[], metavar="NAME", help="back to the default; repeatable")
    activate = actions.add_parser("activate", help="use this version where a scan of the market names none")
    activate.add_argument("slug", metavar="VERSION", help="its name, as v2")
    add_market(activate)


def act(out: OutputWrapper, options: dict[str, Any], now: datetime) -> None:
    """Carry out the action and write its result. Raises VersionProblem, UnknownVersion, UnknownMarket."""
    action = options["action"]
    if action == "list":
        deliver(version_list(), delivery(options), out)
        return
    if action == "create" and options["sweep"]:
        made = pedigree.version_of_sweep(
            options["sweep"], slug=options["slug"], number=options["variant"], who=WHO, at=now
        )
        deliver(version_parameters(made), TERMINAL, out)
        return
    if action == "create":
        version = versions.create_version(
            slug=options["slug"],
            engine=options["engine"],
            title=options["title"],
            settings=dict(options["set"]),
            segments=options["segment"],
            limits=dict(options["limit"]),
            who=WHO,
            at=now,
        )
        deliver(version_parameters(version), TERMINAL, out)
        return
    version = versions.get_version(options["slug"])
    if action == "set":
        versions.change_version(version, settings=dict(options["assignments"]), reset=options["reset"], who=WHO, at=now)
        deliver(version_parameters(version), TERMINAL, out)
    elif action == "activate":
        versions.activate_version(options["market"], version, who=WHO, at=now)
        out.write(f"{version.slug} is now the active version of market {options['market']}.")
    elif action == "history":
        deliver(version_history(version), delivery(options), out)
    else:
        deliver(version_parameters(version), delivery(options), out)
