"""States, durations and prices as the admin shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from marketdata.number_format import format_number
from scans.models import ScanRank, ScanRequest, ScanRun, ScanSession
from scans.queries.order_prices import pick_order_prices
from scans.queries.regime_rules import regime_rules
from scans.wording import glossary
from scans.wording.regime_sentences import regime_sentence
from scans.wording.rules import check_name

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
    "notice": "warn",
    "failed": "bad",
    "stop": "bad",
    "suspect": "bad",
}


def pill(state: str, text: str = "") -> SafeString:
    """A state as a coloured word."""
    return format_html('<span class="pill {}">{}</span>', COLOURS.get(state, "idle"), text or state)


def state_pill(row: Model, field: str = "status") -> SafeString:
    """A choice of a row as a coloured word in the reader's language."""
    text = getattr(row, f"get_{field}_display")()
    return pill(getattr(row, field), text.lower())


def attach_rules(sessions: Iterable[ScanSession]) -> list[ScanSession]:
    """The sessions, each with its regime and the rule behind it as `regime_text`."""
    rows = list(sessions)
    rules = regime_rules(rows)
    for row in rows:
        rule = rules.get(row.pk)
        row.regime_text = regime_sentence(rule) if rule else regime_name(row)  # type: ignore[attr-defined]
    return rows


def regime_name(session: ScanSession) -> str:
    """The regime in the reader's language; empty where there is none."""
    return str(glossary.word(glossary.REGIMES, session.regime)) if session.regime else ""


def days(row: ScanRun | ScanRequest) -> str:
    """The first and the last session; one where they are the same."""
    if row.first == row.last:
        return f"{row.first}"
    return _("%(first)s to %(last)s") % {"first": row.first, "last": row.last}


def seconds(stages: dict[str, float]) -> str:
    """The seconds of all stages together."""
    return f"{sum(stages.values()):.2f}" if stages else ""


def stages(stage_seconds: dict[str, float]) -> str:
    """Each stage with its seconds."""
    names = ((glossary.word(glossary.RUN_STAGES, name), spent) for name, spent in stage_seconds.items())
    return ", ".join(f"{name} {spent:.2f} s" for name, spent in names) or "-"


def order_texts(rank: ScanRank) -> dict[str, str]:
    """The order prices of a plan, as text; empty where there is none."""
    prices = pick_order_prices(rank) or {}
    return {name: format_number(value, 10) for name, value in prices.items() if value is not None}


def signal_names(rank: ScanRank) -> str:
    """The names of the signals of a pick."""
    return ", ".join(check_name(name) for name in rank.signals)


def number(value: float | None) -> str:
    """A price or an amount, its thousands apart."""
    return format_number(value, 4)
