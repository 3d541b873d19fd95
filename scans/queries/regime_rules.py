"""The rules behind recorded regimes, read from the index series that the run used.

A market's own index is read from its file in the lake without a query, and kept by this process as long as the file
stays the same. An external series is read from the database, once for all the sessions asked for together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from caching.memo import Memo
from marketdata.errors import DataProblem
from marketdata.queries import index_series
from scans.engines.base import MarketIndex
from scans.engines.regime_rules import UNREADABLE, RegimeHistory, RegimeRule, regime_kind
from scans.engines.registry import ENGINES
from scans.models import ScanSession

HISTORIES: Memo[RegimeHistory] = Memo()


def regime_rules(sessions: Sequence[ScanSession]) -> dict[int, RegimeRule]:
    """Key of a session -> the rule behind its regime; sessions of engines without a regime are left out. Each index
    series is read once."""
    histories: dict[tuple[str, str], RegimeHistory | None] = {}
    found = {}
    for one in sessions:
        kind = _kind(one.run.engine)
        if not kind or not one.regime:
            continue
        series_key = (one.market, one.run.index)
        if series_key not in histories:
            histories[series_key] = regime_history(*series_key, _last(sessions, series_key))
        found[one.pk] = _rule(histories[series_key], kind, one.date, one.regime)
    return found


def regime_rule(session: ScanSession) -> RegimeRule | None:
    """The rule behind the regime of a session; None where its engine has no regime."""
    return regime_rules([session]).get(session.pk)


def regime_history(market: str, index: str, last: date) -> RegimeHistory | None:
    """The regimes of the series called `index` ("" for the market's own) up to `last` at least; None where it cannot
    be read."""
    try:
        found = index_series.get_index_for_display(market, index, last)
    except (DataProblem, OSError):
        return None
    return HISTORIES.get((market, index), id(found.m), lambda: series_history(found))


def series_history(index: index_series.Index) -> RegimeHistory:
    """The regimes of a series that was read."""
    return RegimeHistory(MarketIndex(index.sessions, index.m, index.range))


def rule_json(rule: RegimeRule | None) -> Mapping[str, object] | None:
    """A rule as JSON types; its measures in percent, null where undefined."""
    if rule is None:
        return None
    measures = {
        f"{name}_pct": None if value is None else round(100 * value, 6) for name, value in rule.measures.items()
    }
    return {"kind": rule.kind, "sentence": rule.sentence, "measures": measures}


def _kind(engine: str) -> str:
    return regime_kind(ENGINES[engine]) if engine in ENGINES else ""


def _last(sessions: Sequence[ScanSession], series_key: tuple[str, str]) -> date:
    return max(one.date for one in sessions if (one.market, one.run.index) == series_key)


def _rule(known: RegimeHistory | None, kind: str, day: date, regime: str) -> RegimeRule:
    return known.rule(kind, day, regime) if known else RegimeRule(kind, regime, note=UNREADABLE)
