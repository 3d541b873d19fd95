"""The rule behind a regime in the reader's language: the same parts as `RegimeRule.sentence`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from scans.engines.regime_rules import (
    ABOVE,
    BELOW,
    BETWEEN,
    CHANGED,
    KEPT,
    MEAN_10,
    MOVE,
    NOT_ABOVE,
    NOT_BELOW,
    RETURN_5,
    RETURN_20,
    UNREADABLE,
    Comparison,
    RegimeRule,
    format_bound,
    format_measure,
)
from scans.engines.regimes import DAILY
from scans.wording import glossary

MINUS = "\u2212"


def regime_sentence(rule: RegimeRule) -> str:
    """일간: 당일 지수 −2.9 % (급락 기준 −2.5 % 미만)"""
    kind = _("Daily regime") if rule.kind == DAILY else _("Trend regime")
    if rule.note:
        return f"{kind}: {_note(rule)}"
    state = str(glossary.word(glossary.REGIMES, rule.regime))
    if rule.change == KEPT:
        state = _("%(regime)s kept") % {"regime": state}
    parts = [
        " ".join(part for part in (_value(one), _bound(one, "" if n else state)) if part)
        for n, one in enumerate(rule.comparisons)
    ]
    return f"{kind}: {', '.join(parts)}"


def _note(rule: RegimeRule) -> str:
    if rule.note == CHANGED:
        return _("recorded data has changed since")
    if rule.note == UNREADABLE:
        return _("the index cannot be read now")
    if rule.kind == DAILY:
        return _("the index has no move of this session")
    return _("20 sessions of the index in a row are not known yet")


def _value(one: Comparison) -> str:
    texts = {
        MOVE: _("the index %(value)s on the day"),
        RETURN_20: _("%(value)s over 20 sessions"),
        RETURN_5: _("%(value)s over 5 sessions"),
        MEAN_10: _("mean of 10 sessions %(value)s"),
    }
    return texts[one.measure] % {"value": format_measure(one).replace("-", MINUS)}


def _bound(one: Comparison, state: str) -> str:
    """The bound in parentheses, after the name of the state where there is one."""
    texts = {
        ABOVE: _("(%(state)s above %(limit)s)") if state else _("(above %(limit)s)"),
        BELOW: _("(%(state)s below %(limit)s)") if state else _("(below %(limit)s)"),
        NOT_ABOVE: _("(not above %(limit)s)"),
        NOT_BELOW: _("(not below %(limit)s)"),
        BETWEEN: _("(between %(low)s and %(limit)s)"),
    }
    if not one.bound:
        return ""
    low, end = (format_bound(value).replace("-", MINUS) for value in (-one.limit, one.limit))
    return texts[one.bound] % {"state": state, "low": low, "limit": end}
