"""Why a version picked an instrument or not: a table of its checks for people, a JSON object for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from marketdata.management.parser import USAGE
from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.markets import get_market
from marketdata.number_format import format_number, format_price
from marketdata.queries import flows
from marketdata.queries.instrument_search import find_instrument
from scans.engines.base import Check
from scans.management.flows import json_flow, sentence
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import InstrumentChecks, check_instrument
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
    """The instrument of an explanation."""

    market: str
    code: str
    name: str


def explain_share(out: Output, request: RunRequest, options: Mapping[str, Any]) -> None:
    """Write why each version of the request picked the share of `options` or not."""
    if options["format"] not in FORMATS or options["output"]:
        why = "--explain is shown as a table or with --format json, and without --output."
        raise CommandError(why, returncode=USAGE)
    instrument = find_instrument(options["explain"], get_market(request.market).name)
    share = Share(instrument.market, instrument.code, instrument.name)
    write_explanations(out, check_instrument(request, share.code), share, options["format"])


def write_explanations(out: Output, explained: Mapping[str, InstrumentChecks], share: Share, form: str) -> None:
    """Write the checks of `share` by each version, as tables or as JSON lines."""
    if form == "json":
        for line in _lines(explained, share):
            out.write(json.dumps(line, ensure_ascii=False))
        return
    currency = get_market(share.market).currency
    for version, explanation in explained.items():
        rank = explanation.rank(share.code)
        place = f"rank {rank['rank']}" if rank else "not picked"
        close = f", close {format_price(rank['close'], currency)}" if rank else ""
        head = f"{version}  {share.market}  {share.code} {share.name}".rstrip()
        out.write(f"{head}  {explanation.answer.date}: {place}{close}")
        if explanation.regime_rule:
            write_prose(out, f"regime {explanation.regime_rule.sentence}")
        write_table(out, COLUMNS, map(_cells, explanation.checks))
        if flow := sentence(share.market, share.code, date.fromisoformat(explanation.answer.date)):
            out.write(flow)


def _cells(check: Check) -> tuple[str, ...]:
    return (
        "yes" if check.holds else "no",
        check.group,
        check.name,
        format_number(check.value),
        _points(check),
        check.rule,
    )


def _points(check: Check) -> str:
    """The points of a check: +5 where it holds, `0 of +5` where it does not."""
    if not check.points:
        return ""
    points = format_number(-check.points if check.group == "risk" else check.points, 4)
    signed = points if points.startswith("-") else f"+{points}"
    return signed if check.holds else f"0 of {signed}"


def _lines(explained: Mapping[str, InstrumentChecks], share: Share) -> Iterator[dict[str, Any]]:
    """One object for each version; null for NaN."""
    for version, explanation in explained.items():
        day = date.fromisoformat(explanation.answer.date)
        flow = flows.get_flow_figures(share.market, [(share.code, day)]).get((share.code, day))
        yield {
            "scanner_version": version,
            "market": share.market,
            "date": explanation.answer.date,
            "code": share.code,
            "name": share.name,
            "status": explanation.answer.status,
            "regime": explanation.answer.regime,
            "regime_rule": rule_json(explanation.regime_rule),
            "pick": explanation.rank(share.code),
            "checks": [_check(check) for check in explanation.checks],
            "flow": json_flow(flow),
        }


def _check(check: Check) -> dict[str, Any]:
    return {
        **asdict(check),
        "value": _finite(check.value),
        "points": _finite(check.points),
        "limits": [_finite(limit) for limit in check.limits],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
