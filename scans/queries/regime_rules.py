"""The rules of recorded regimes, computed from the index series that the run used.

A market's own index is read from its file in the lake without a query, and memoized while the file is unchanged. An
external series is read from the database, once for all requested sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from caching.cached import leave_unstored
from caching.memo import Memo
from marketdata.errors import DataProblem
from marketdata.queries import index_series
from scans.engines.base import MarketIndex
from scans.engines.regime_rules import UNREADABLE, RegimeHistory, RegimeRule, regime_kind
from scans.engines.registry import ENGINES
from scans.models import ScanSession

HISTORIES: Memo[RegimeHistory] = Memo()


def regime_rules(sessions: Sequence[ScanSession]) -> dict[int, RegimeRule]:
    """Key of a session -> the rule of its regime; sessions of engines without a regime are left out. Each index series
    is read once."""
    histories: dict[tuple[str, str], RegimeHistory | None] = {}
    rules = {}
    for session in sessions:
        kind = _kind(session.run.engine)
        if not kind or not session.regime:
            continue
        series_key = (session.market, session.run.index)
        if series_key not in histories:
            histories[series_key] = regime_history(*series_key, _last(sessions, series_key))
        rules[session.pk] = _rule(histories[series_key], kind, session.date, session.regime)
    return rules


def regime_rule(session: ScanSession) -> RegimeRule | None:
    """The rule of the regime of a session; None if its engine has no regime."""
    return regime_rules([session]).get(session.pk)


def regime_history(market: str, index: str, last: date) -> RegimeHistory | None:
    """The regimes of the series `index` ("" for the market's own) up to at least `last`; None if it cannot be read."""
    try:
        series = index_series.get_index_for_display(market, index, last)
    except (DataProblem, OSError):
        leave_unstored()
        return None
    return HISTORIES.get((market, index), id(series.m), lambda: series_history(series))


def series_history(index: index_series.Index) -> RegimeHistory:
    """The regimes of a series."""
    return RegimeHistory(MarketIndex(index.sessions, index.m, index.range))


def rule_json(rule: RegimeRule | None) -> Mapping[str, object] | None:
    """A rule as JSON types (`rule_values`), None without one."""
    return None if rule is None else rule_values(rule)


def rule_values(rule: RegimeRule) -> dict[str, object]:
    """Kind, sentence and measures of a rule; its measures in percent, None if undefined."""
    measures = {
        f"{name}_pct": None if value is None else round(100 * value, 6) for name, value in rule.measures.items()
    }
    return {"kind": rule.kind, "sentence": rule.sentence, "measures": measures}


def _kind(engine: str) -> str:
    return regime_kind(ENGINES[engine]) if engine in ENGINES else ""


def _last(sessions: Sequence[ScanSession], series_key: tuple[str, str]) -> date:
    return max(session.date for session in sessions if (session.market, session.run.index) == series_key)


def _rule(history: RegimeHistory | None, kind: str, day: date, regime: str) -> RegimeRule:
    return history.rule(kind, day, regime) if history else RegimeRule(kind, regime, note=UNREADABLE)
