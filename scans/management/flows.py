"""Investor flow beside the picks that commands show, read for many sessions at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from marketdata.markets import get_market
from marketdata.number_format import count_of, format_signed_amount, format_signed_count
from marketdata.queries import flows
from scans.operations.scan.answers import Scan, SessionAnswer

SESSIONS_AT_ONCE = 20

COLUMNS = ("flow_date", *flows.FLOW_FIGURES)
"""The columns of a flat row; quantities in shares, values in the market's currency."""

TABLE_COLUMNS = tuple(
    f"{who}_{what}_{flows.FLOW_SPAN}" for what in ("value", "quantity") for who in ("foreign", "institution")
)
"""The columns of a table for people; one without a figure in any row is left out."""


def attach(scans: Sequence[Scan]) -> None:
    """Give each rank its `flow`: `date` and the figures (see `queries.flows`), None where nothing is recorded."""
    for scan in scans:
        for batch in _batches(scan.answers):
            picks = {(rank["code"], date.fromisoformat(answer.date)) for answer in batch for rank in answer.ranks}
            figures = flows.get_flow_figures(scan.market, picks)
            for answer in batch:
                for rank in answer.ranks:
                    rank["flow"] = json_flow(figures.get((rank["code"], date.fromisoformat(answer.date))))


def json_flow(flow: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The flow of a pick with its date as ISO text; None where nothing is recorded."""
    return {**flow, "date": flow["date"].isoformat()} if flow else None


def flat(rank: Mapping[str, Any]) -> dict[str, Any]:
    """`COLUMNS` of a rank."""
    flow = rank.get("flow") or {}
    return {"flow_date": flow.get("date"), **{name: flow.get(name) for name in flows.FLOW_FIGURES}}


def table_columns(ranks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of `TABLE_COLUMNS` that have a figure in any of the ranks."""
    rows = [flat(rank) for rank in ranks]
    return [name for name in TABLE_COLUMNS if any(row[name] is not None for row in rows)]


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
    """The flow of one instrument up to a session, as a person reads it; "" where nothing is recorded."""
    flow = flows.get_flow_figures(market, [(code, day)]).get((code, day))
    return flow_sentence(flow, get_market(market).currency)


def flow_sentence(flow: Mapping[str, Any] | None, currency: str) -> str:
    """Net buying in words, of the last session and of the last `flows.FLOW_SPAN`; "" where nothing is recorded."""
    if not flow:
        return ""
    spans = []
    for span in flows.FLOW_SPANS:
        parts = [
            f"{name.split('_')[0]} {figure(name, flow[name], currency)}" + (" shares" if "_quantity_" in name else "")
            for name in flows.FLOW_FIGURES
            if name.endswith(f"_{span}") and flow[name] is not None
        ]
        if parts:
            spans.append(f"{count_of(span, 'session')} {', '.join(parts)}")
    return f"net buying up to {flow['date']}: {'; '.join(spans)}" if spans else ""


def _batches(answers: Sequence[SessionAnswer]) -> Iterator[list[SessionAnswer]]:
    remaining = iter(answers)
    while batch := list(itertools.islice(remaining, SESSIONS_AT_ONCE)):
        yield batch
