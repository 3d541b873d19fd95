"""Investor flow beside the picks of a page: looked up once for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from rest_framework import serializers

from marketdata.queries import flows
from marketdata.record import Days
from scans.models import ScanRank

AT_ONCE = 500
UNITS = {"quantity": "shares", "value": "the market's currency"}


def _field(figure: str) -> serializers.FloatField:
    who, what, span = figure.split("_")
    over = "of the session `date`" if span == "1" else f"of the {span} sessions that end on it"
    description = f"Net buying of {who} investors {over}, in {UNITS[what]}"
    return serializers.FloatField(allow_null=True, help_text=description)


class Flow(serializers.Serializer[Any]):
    """Net buying (bought - sold) as recorded up to the pick's session: of the latest session with any among the last
    five, and of five sessions. Null is missing, which is not 0."""

    date = serializers.DateField(help_text="The latest session with flow")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **{name: _field(name) for name in flows.FLOW_FIGURES}}


class PickListSerializer(serializers.ListSerializer[Any]):
    """A list of picks, their flow looked up in one go."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        if self.child.includes("flow"):  # type: ignore[union-attr]
            attach_flows(row for row in rows if isinstance(row, ScanRank))
        return super().to_representation(rows)


def attach_flows(rows: Iterable[ScanRank], calendar: Days | None = None) -> None:
    """Set `flow` of each pick that lacks it, None where nothing is recorded. `calendar`: the sessions of the market
    that all of them are of, where the caller has them."""
    markets: dict[str, list[ScanRank]] = {}
    for row in rows:
        if not hasattr(row, "flow"):
            markets.setdefault(row.market, []).append(row)
    for market, market_rows in markets.items():
        picks: set[tuple[str, date]] = {(row.code, row.date) for row in market_rows}
        figures = flows.get_flow_figures(market, picks, calendar)
        for row in market_rows:
            row.flow = figures.get((row.code, row.date))  # type: ignore[attr-defined]


def with_flows(rows: Iterable[ScanRank]) -> Iterator[ScanRank]:
    """The picks, each with its flow, looked up many at a time."""
    coming = iter(rows)
    while some := list(itertools.islice(coming, AT_ONCE)):
        attach_flows(some)
        yield from some
