"""Who bought, beside the picks that commands show: looked up for many sessions at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from marketdata.markets import get_market
from marketdata.number_format import format_signed_amount, format_signed_count
from marketdata.queries import flows
from scans.operations.scan.answers import Scan, SessionAnswer

SESSIONS_AT_ONCE = 20

COLUMNS = ("flow_date", *flows.FLOW_FIGURES)
"""The columns of a flat row; quantities in shares, values in the market's currency."""

TABLE_COLUMNS = tuple(
    f"{who}_{what}_{flows.FLOW_SPAN}" for what in ("value", "quantity") for who in ("foreign", "institution")
)
"""The columns of a table, those of them that any of its picks has."""


def attach(scans: Sequence[Scan]) -> None:
    """Give each rank its `flow`: `date` and the figures (see `queries.flows`), None where nothing is recorded."""
    for scan in scans:
        for some in _runs(scan.answers):
            picks = {(rank["code"], date.fromisoformat(one.date)) for one in some for rank in one.ranks}
            found = flows.get_flow_figures(scan.market, picks)
            for one in some:
                for rank in one.ranks:
                    told = found.get((rank["code"], date.fromisoformat(one.date)))
                    rank["flow"] = told and {**told, "date": told["date"].isoformat()}


def flat(rank: Mapping[str, Any]) -> dict[str, Any]:
    """`COLUMNS` of a rank."""
    told = rank.get("flow") or {}
    return {"flow_date": told.get("date"), **{name: told.get(name) for name in flows.FLOW_FIGURES}}


def table_columns(ranks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of `TABLE_COLUMNS` that any of the ranks has."""
    told = [flat(rank) for rank in ranks]
    return [name for name in TABLE_COLUMNS if any(one[name] is not None for one in told)]


def title(name: str) -> str:
    """The heading of one of `TABLE_COLUMNS`: foreign 5 sessions, foreign shares 5 sessions."""
    who, what, span = name.split("_")
    return f"{who} {'shares ' if what == 'quantity' else ''}{span} sessions"


def figure(name: str, value: float, currency: str) -> str:
    """A figure as people read it: money with its unit, shares as a count, both with their sign."""
    if "_value_" in name:
        return format_signed_amount(value, currency)
    return format_signed_count(value)


def sentence(market: str, code: str, day: date) -> str:
    """The flow of one instrument up to a session, as a person reads it; empty where nothing is recorded."""
    found = flows.get_flow_figures(market, [(code, day)]).get((code, day))
    return flow_sentence(found, get_market(market).currency)


def flow_sentence(found: Mapping[str, Any] | None, currency: str) -> str:
    """Net buying in words, of the last session and of the last `flows.FLOW_SPAN`; empty where nothing is recorded."""
    if not found:
        return ""
    spans = []
    for span in flows.FLOW_SPANS:
        known = [
            f"{name.split('_')[0]} {figure(name, found[name], currency)}" + (" shares" if "_quantity_" in name else "")
            for name in flows.FLOW_FIGURES
            if name.endswith(f"_{span}") and found[name] is not None
        ]
        if known:
            spans.append(f"{'1 session' if span == 1 else f'{span} sessions'} {', '.join(known)}")
    return f"net buying up to {found['date']}: {'; '.join(spans)}" if spans else ""


def _runs(answers: Sequence[SessionAnswer]) -> Iterator[list[SessionAnswer]]:
    coming = iter(answers)
    while some := list(itertools.islice(coming, SESSIONS_AT_ONCE)):
        yield some
