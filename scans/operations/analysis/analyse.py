"""Analysis of one pick: its rank and checks, the regime, the plan, and the base rates of similar picks.

All of it but the narrative is a function of the record, the published answer and its parameters. The narrative gets the
same facts (`facts`) and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketdata.markets import Market
from scans.engines.base import Check
from scans.models import ScannerVersion, ScanRank, ScanSession
from scans.narrative.client import Narrative
from scans.operations.analysis import narrate
from scans.operations.analysis.explain import Explanation, explain_instrument
from scans.operations.evaluation.base_rates import MIN_JUDGED, BaseRates, base_rates
from scans.operations.evaluation.evaluate import EvaluationLine
from scans.queries import results
from scans.queries.order_prices import pick_order_prices

ALL = "all"


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The base rate of picks of one group over one horizon; `by` is "all", label, strategy or regime, `group` its
    value."""

    by: str
    group: str
    line: EvaluationLine

    @property
    def too_few(self) -> bool:
        """Whether the group has fewer than `MIN_JUDGED` judged picks."""
        return self.line.figures.judged < MIN_JUDGED

    @property
    def computed_afterwards(self) -> int:
        """How many of the picks were made by a run that began after the open of their entry."""
        return self.line.figures.picks - self.line.live


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of an instrument on a session; `pick` None: the version did not pick it, and there are no base
    rates."""

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
        """Every check, in the order of the engine."""
        return self.explanation.checks.checks


def analyse_pick(
    *, market: Market, version: ScannerVersion, code: str, name: str, day: date | None, as_of: datetime
) -> Analysis:
    """The analysis of an instrument by the version's published session of `day` (None: its latest). Raises NoSession if
    there is none, and the errors of `explain_instrument` and `base_rates`."""
    session = results.published_session(market.name, version, day)
    explanation = explain_instrument(market=market.name, version=version, code=code, day=session.date, as_of=as_of)
    pick = results.session_ranks(session).filter(code=code).first()
    rates = base_rates(market.name, version, session.date)
    such = _base_rates(rates, pick) if pick else []
    return Analysis(market, code, name, session, pick, explanation, rates, such)


def such_rates(
    *, market: str, version: ScannerVersion, code: str, day: date | None
) -> tuple[BaseRates, list[BaseRate]]:
    """The base rates of the version's published session of `day` (None: its latest), and those of such picks as the
    instrument's, none where the version did not pick it. Raises NoSession, and the errors of `base_rates`."""
    session = results.published_session(market, version, day)
    pick = results.session_ranks(session).filter(code=code).first()
    rates = base_rates(market, version, session.date)
    return rates, _base_rates(rates, pick) if pick else []


def _base_rates(rates: BaseRates, pick: ScanRank) -> list[BaseRate]:
    kinds = [("label", pick.label), ("strategy", pick.strategy), ("regime", rates.regime)]
    shown = [("", ""), *((by, group) for by, group in kinds if group)]  # group "" of a kind would be all picks again
    return [BaseRate(by or ALL, group, line) for by, group in shown for line in rates.of(by, group)]


def pick_narrative(analysis: Analysis) -> Narrative | str | None:
    """The narrative of a pick, or the reason why there is none; None if no server is configured or there is no pick."""
    if analysis.pick is None:
        return None
    return narrate.cached_narrative(
        code=analysis.code,
        day=analysis.session.date,
        version=analysis.session.scanner_version.slug,
        facts=facts(analysis, analysis.pick),
    )


def facts(analysis: Analysis, pick: ScanRank) -> Mapping[str, Any]:
    """The facts for the narrative, as JSON types."""
    session = analysis.session
    return {
        "instrument": {"market": analysis.market.name, "code": analysis.code, "name": analysis.name},
        "currency": analysis.market.currency,
        "date": session.date.isoformat(),
        "scanner": {
            "version": session.scanner_version.slug,
            "engine": session.run.engine,
            "revision": session.run.revision,
            "input_digest": session.input_digest,
        },
        "market_day": {
            "regime_of_the_version": session.regime,
            "regime_of_the_market": analysis.rates.regime,
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
        "held": [_check_text(one) for one in analysis.checks if one.holds],
        "did_not_hold": [_check_text(one) for one in analysis.checks if not one.holds],
        "base_rates": [_rate(analysis.rates, one) for one in analysis.such],
    }


def _check_text(check: Check) -> str:
    return f"{check.group} {check.name}: {check.rule}"


RATE_FIGURES = ("hit_rate", "universe_hit_rate", "mean", "costs", "detectable")


def _rate(rates: BaseRates, one: BaseRate) -> dict[str, Any]:
    figures = one.line.figures
    rate: dict[str, Any] = {
        "picks_by": one.by,
        "group": one.group,
        "from": rates.first.isoformat(),
        "to": rates.last.isoformat(),
        "sessions_held": one.line.horizon,
        "picks_judged": figures.judged,
        "picks_computed_afterwards": one.computed_afterwards,
        "instruments": rates.instruments,
        "instruments_delisted": rates.gone,
    }
    if one.too_few:
        return rate | {"note": f"too few to say anything: fewer than {MIN_JUDGED}"}
    for name in ("equal", "matched"):
        excess = getattr(figures, name)
        values = {"excess": excess.by_date, "excess_low": excess.interval.low, "excess_high": excess.interval.high}
        rate |= {f"{what}_{name}_pct": _percent(value) for what, value in values.items()}
    rate |= {f"{name}_pct": _percent(getattr(figures, name)) for name in RATE_FIGURES}
    return rate | {"standing": figures.standing or "not distinguishable"}


def _percent(value: float) -> float | None:
    return round(100 * value, 2) if value == value else None
