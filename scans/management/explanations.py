"""Why a version picked an instrument or not: a table of its checks for people, a JSON object for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.markets import get_market
from marketdata.number_format import format_number, format_price
from marketdata.queries import flows
from scans.engines.base import Check
from scans.management.flows import sentence
from scans.operations.scan.run import InstrumentChecks
from scans.queries.regime_rules import rule_json

FORMATS = ("table", "json")
COLUMNS = (
    Column("holds", text=True),
    Column("group", text=True),
    Column("check", text=True),
    Column("value"),
    Column("points"),
    Column("rule", text=True),
)


class Share(NamedTuple):
    """What is explained."""

    market: str
    code: str
    name: str


def write_explanations(out: Output, explained: Mapping[str, InstrumentChecks], share: Share, form: str) -> None:
    """Write what each version made of `share`, in the form asked for."""
    if form == "json":
        for line in _lines(explained, share):
            out.write(json.dumps(line, ensure_ascii=False))
        return
    currency = get_market(share.market).currency
    for version, one in explained.items():
        rank = one.rank(share.code)
        place = f"rank {rank['rank']}" if rank else "not picked"
        close = f", close {format_price(rank['close'], currency)}" if rank else ""
        head = f"{version}  {share.market}  {share.code} {share.name}".rstrip()
        out.write(f"{head}  {one.answer.date}: {place}{close}")
        if one.regime_rule:
            write_prose(out, f"regime {one.regime_rule.sentence}")
        write_table(out, COLUMNS, map(_cells, one.checks))
        if flow := sentence(share.market, share.code, date.fromisoformat(one.answer.date)):
            out.write(flow)


def _cells(one: Check) -> tuple[str, ...]:
    return (
        "yes" if one.holds else "no",
        one.group,
        one.name,
        format_number(one.value),
        _points(one),
        one.rule,
    )


def _points(one: Check) -> str:
    """What the check counts: of one that does not hold, nothing of what it would."""
    if not one.points:
        return ""
    points = format_number(-one.points if one.group == "risk" else one.points, 4)
    counts = points if points.startswith("-") else f"+{points}"
    return counts if one.holds else f"0 of {counts}"


def _lines(explained: Mapping[str, InstrumentChecks], share: Share) -> Iterator[dict[str, Any]]:
    """One object for each version; what is not a number is null."""
    for version, one in explained.items():
        day = date.fromisoformat(one.answer.date)
        flow = flows.get_flow_figures(share.market, [(share.code, day)]).get((share.code, day))
        yield {
            "scanner_version": version,
            "market": share.market,
            "date": one.answer.date,
            "code": share.code,
            "name": share.name,
            "status": one.answer.status,
            "regime": one.answer.regime,
            "regime_rule": rule_json(one.regime_rule),
            "pick": one.rank(share.code),
            "checks": [_check(check) for check in one.checks],
            "flow": flow and {**flow, "date": flow["date"].isoformat()},
        }


def _check(one: Check) -> dict[str, Any]:
    return {
        **asdict(one),
        "value": _finite(one.value),
        "points": _finite(one.points),
        "limits": [_finite(limit) for limit in one.limits],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
