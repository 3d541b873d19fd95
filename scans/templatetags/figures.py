"""Filters of the pages: those of `numbers`, words of engines, the clock of a market."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from marketdata.market_time import market_zone, utc_time
from marketdata.templatetags import failures
from marketdata.web.templatetags import numbers
from marketdata.web.templatetags.numbers import DASH, to_number, typeset
from scans.models import ScanSession
from scans.operations.research.stored_excess import excess_by_date
from scans.wording import durations, glossary, reasons, rules

register = template.Library()
register.filters.update(numbers.register.filters)
register.filters.update(failures.register.filters)
register.filter("by_date", excess_by_date)
EOK = 1e8
EOK_IN_JO = 10_000
HANGUL, LATIN = re.compile("[\u3131-\u318e\uac00-\ud7a3]"), re.compile("[A-Za-z]")


@register.filter
def eok(value: Any) -> str:
    """Won in 억 with one decimal, signed, without the unit, which the heading of the column has; from 10,000 in 조."""
    number = to_number(value)
    if number is None:
        return DASH
    amount = round(number / EOK, 1) + 0.0
    if abs(amount) < EOK_IN_JO:
        return typeset(f"{amount:+,.1f}" if amount else "0.0")
    return typeset(f"{amount / EOK_IN_JO:+,.1f}") + str(glossary.TRILLION_WON)


@register.filter
def lang(name: Any) -> SafeString:
    """The attribute of an element that has this name alone: a screen reader speaks Korean names as Korean, and on a
    Korean page Latin ones as English."""
    text = str(name or "")
    if HANGUL.search(text):
        return SafeString(' lang="ko"')
    is_foreign = get_language() == "ko" and LATIN.search(text)
    return SafeString(' lang="en"' if is_foreign else "")


@register.filter
def strategy(key: str) -> Any:
    return glossary.word(glossary.STRATEGIES, key)


@register.filter
def label(key: str) -> Any:
    return glossary.word(glossary.LABELS, key)


@register.filter
def life(key: str) -> Any:
    return glossary.word(glossary.STATUSES, key)


@register.filter
def ending(key: str) -> Any:
    """How a position of a portfolio ended."""
    return glossary.word(glossary.ENDINGS, key)


@register.filter
def curve(key: str) -> Any:
    """The name of a curve."""
    return glossary.word(glossary.CURVES, key)


@register.filter
def tag(key: str) -> Any:
    return glossary.word(glossary.TAGS, key)


@register.filter
def regime(key: str) -> Any:
    return glossary.word(glossary.REGIMES, key)


@register.filter
def reason(session: ScanSession) -> str:
    """Why a published session has no picks."""
    return reasons.no_picks_reason(session)


@register.filter
def clock(moment: Any, market: str) -> Any:
    """18:42 KST, with the moment in UTC as a title."""
    if not moment:
        return DASH
    text = f"{moment.astimezone(market_zone(market)):%H:%M %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), utc_time(moment), text)


@register.filter
def seconds_since(now: Any, since: Any) -> str:
    """Whole seconds between two moments: 1,234."""
    return f"{max(int((now - since).total_seconds()), 0):,}"


@register.filter
def omission(reason: str) -> Any:
    """Why instruments are left out."""
    return glossary.word(glossary.OMISSIONS, reason)


@register.filter
def check_name(check: Any) -> str:
    return rules.check_name(check.name)


@register.filter
def check_value(check: Any) -> str:
    """The value of a check: its word, or four significant digits."""
    return rules.value_word(check.rule, check.value) or numbers.measure(check.value)


@register.filter
def rule(text: str) -> str:
    """The rule of a check."""
    return rules.rule_text(text)


@register.filter
def source_name(source: str) -> Any:
    """The name of a bar's source."""
    return glossary.word(glossary.SOURCES, source)


@register.filter
def status_flag(name: str) -> Any:
    """A warning about an instrument."""
    return glossary.word(glossary.STATUS_FLAGS, name)


@register.filter
def evening_outcome(outcome: str) -> Any:
    return glossary.word(glossary.EVENING_OUTCOMES, outcome)


@register.filter
def run_stage(stage: str) -> Any:
    return glossary.word(glossary.RUN_STAGES, stage)


@register.filter
def task_queue(name: str) -> Any:
    return glossary.word(glossary.TASK_QUEUES, name)


@register.filter
def seconds(value: float) -> str:
    return durations.seconds_text(value)


@register.filter
def duration(age: timedelta | None) -> str:
    """A dash for None."""
    return DASH if age is None else durations.duration_text(age)


@register.filter
def version_state(state: str) -> Any:
    """The state of a version on the last closed session."""
    return glossary.word(glossary.VERSION_STATES, state)
