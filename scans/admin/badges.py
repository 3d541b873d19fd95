"""States, durations and prices as the admin shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata.number_format import format_number
from scans.models import ScanRank, ScanSession
from scans.queries.order_prices import pick_order_prices
from scans.queries.regime_rules import regime_rules

COLOURS = {
    "published": "good",
    "done": "good",
    "target": "good",
    "settled": "good",
    "provisional": "warn",
    "no_match": "idle",
    "queued": "idle",
    "waiting": "idle",
    "running": "warn",
    "open": "warn",
    "quarantined": "warn",
    "partial": "warn",
    "incomplete": "warn",
    "failed": "bad",
    "stop": "bad",
    "suspect": "bad",
}


def pill(state: str, text: str = "") -> SafeString:
    """A state as a coloured word."""
    return format_html('<span class="pill {}">{}</span>', COLOURS.get(state, "idle"), text or state)


def attach_rules(sessions: Iterable[ScanSession]) -> list[ScanSession]:
    """The sessions, each with the rule behind its regime as `rule` (None: no regime)."""
    rows = list(sessions)
    rules = regime_rules(rows)
    for row in rows:
        row.rule = rules.get(row.pk)  # type: ignore[attr-defined]
    return rows


def seconds(stages: dict[str, float]) -> str:
    """The seconds of all stages together."""
    return f"{sum(stages.values()):.2f}" if stages else ""


def stages(stage_seconds: dict[str, float]) -> str:
    """Each stage with its seconds."""
    return ", ".join(f"{name} {spent:.2f} s" for name, spent in stage_seconds.items()) or "-"


def order_texts(rank: ScanRank) -> dict[str, str]:
    """The order prices of a plan, as text; empty where there is none."""
    prices = pick_order_prices(rank) or {}
    return {name: format_number(value, 10) for name, value in prices.items() if value is not None}


def number(value: float | None) -> str:
    """A price or an amount, its thousands apart."""
    return format_number(value, 4)
