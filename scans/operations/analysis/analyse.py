"""A reading of one pick: where it ranks and why, what did not fire, the regime, the plan, and how such picks fared.

Everything but the narrative follows from the record, the published answer and its parameters; the same question has the
same answer. The narrative is told the same facts (`facts`) and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from marketdata.markets import Market
from scans.engines.base import Check
from scans.evaluation.statistics import Figures
from scans.models import ScannerVersion, ScanRank, ScanSession
from scans.narrative.client import Narrative
from scans.operations.analysis import narrate
from scans.operations.analysis.explain import Explanation, explain_instrument
from scans.operations.evaluation.base_rates import MIN_JUDGED, BaseRates, base_rates
from scans.operations.evaluation.evaluate import EvaluationLine
from scans.order_prices import pick_order_prices
from scans.queries import results

ALL = "all"


@dataclass(frozen=True, slots=True)
class BaseRate:
    """How picks of one kind fared over one horizon; `by` is "all", label, strategy or regime, `group` its value."""

    by: str
    group: str
    line: EvaluationLine

    @property
    def too_few(self) -> bool:
        """Whether so few could be judged that their figures say nothing."""
        return self.line.figures.judged < MIN_JUDGED


@dataclass(frozen=True, slots=True)
class Analysis:
    """`pick` is None where the version did not pick the instrument: then there are no base rates of such picks."""

    market: Market
    code: str
    name: str
    session: ScanSession
    pick: ScanRank | None
    explanation: Explanation
    rates: BaseRates
    such: list[BaseRate]

    @property
    def checks(self) -> list[Check]:
        """Every check in the order of the engine."""
        return self.explanation.explained.checks


def analyse_pick(
    *,
    market: Market,
    version: ScannerVersion,
    code: str,
    name: str,
    day: date | None,
    as_of: datetime,
) -> Analysis:
    """The reading of what the version published on `day` (None: its latest session); raises NoSession where that is
    nothing, and what `explain_instrument` and `base_rates` do."""
    session = results.published_session(market.name, version, day)
    found = explain_instrument(market=market.name, version=version, code=code, day=session.date, as_of=as_of)
    pick = results.session_ranks(session).filter(code=code).first()
    rates = base_rates(market.name, version, session.date)
    such = _such(rates, pick) if pick else []
    return Analysis(market, code, name, session, pick, found, rates, such)


def _such(rates: BaseRates, pick: ScanRank) -> list[BaseRate]:
    kinds = [
        ("", ""),
        ("label", pick.label),
        ("strategy", pick.strategy),
        ("regime", rates.regime),
    ]
    return [BaseRate(by or ALL, group, line) for by, group in kinds for line in rates.of(by, group)]


def pick_narrative(found: Analysis) -> Narrative | str | None:
    """What a server wrote of a pick, or why there is nothing; None where none is configured or nothing was picked."""
    if found.pick is None:
        return None
    return narrate.cached_narrative(
        code=found.code,
        day=found.session.date,
        version=found.session.version.slug,
        facts=facts(found, found.pick),
    )


def facts(found: Analysis, pick: ScanRank) -> Mapping[str, Any]:
    """What the narrative may say, as JSON types."""
    session = found.session
    return {
        "instrument": {"market": found.market.name, "code": found.code, "name": found.name},
        "currency": found.market.currency,
        "date": session.date.isoformat(),
        "scanner": {
            "version": session.version.slug,
            "engine": session.run.engine,
            "revision": session.run.revision,
            "input_digest": session.input_digest,
        },
        "market_day": {
            "regime_of_the_version": session.regime,
            "regime_of_the_market": found.rates.regime,
            "short_risk": session.short_risk,
            "instruments_scored": session.scored,
            "instruments_picked": session.ranked,
        },
        "pick": {
            name: getattr(pick, name)
            for name in ("rank", "score", "label", "strategy", "close", "change_pct", "amount")
        },
        "plan": {name: getattr(pick, name) for name in ("entry", "target", "stop", "holding_min", "holding_max")}
        | {"order": pick_order_prices(pick)},
        "held": [_said(one) for one in found.checks if one.holds],
        "did_not_hold": [_said(one) for one in found.checks if not one.holds],
        "base_rates": [_rate(one) for one in found.such],
    }


def _said(check: Check) -> str:
    return f"{check.group} {check.name}: {check.rule}"


RATE_FIGURES = ("hit_rate", "mean", "standard_error", "excess_equal", "excess_error")


def _rate(one: BaseRate) -> dict[str, Any]:
    figures = one.line.figures
    told: dict[str, Any] = {
        "picks_by": one.by,
        "group": one.group,
        "sessions_held": one.line.horizon,
        "picks_judged": figures.judged,
    }
    if one.too_few:
        return told | {"note": f"too few to say anything: fewer than {MIN_JUDGED}"}
    return told | {f"{name}_pct": _percent(figures, name) for name in RATE_FIGURES}


def _percent(figures: Figures, name: str) -> float | None:
    value = asdict(figures)[name]
    return round(100 * value, 2) if value == value else None
