"""The portfolio that trades the published picks of a version by stated rules (`scans.evaluation.slot_portfolio`).

1. The settled picks of the requested sessions that have a plan. Each is bought at the open of the next session or not
   at all: a buy stop only where that open reaches it, nothing that is locked at its limit or lapses.
2. Exits as the life of signals has them, by order prices and gaps (`scans.evaluation.trade_lifecycle`); after the last
   requested session positions run on to the end of their trades, nothing new is bought.
3. What ends without a price: a delisted share is sold at its last traded close, and where a suspected corporate action
   makes the levels of a plan meaningless, at the close before it. The moves of a liquidation are returns.
4. Beside it the market's own indexes, equal and cap weighted, bought at the close of the first session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Min

from caching.cached import cached
from marketdata.markets import OWN_CAP, OWN_EQUAL
from marketdata.panel import Bools, Floats
from marketdata.queries import index_series
from marketdata.queries.records import get_projected_record
from marketdata.record import Days, Record
from scans.evaluation.prices import Rows
from scans.evaluation.slot_portfolio import REASONS, SlotPortfolio, Trades, trade_slots
from scans.evaluation.statistics import worst_drawdown
from scans.evaluation.trade_lifecycle import OPEN, STATUSES, SUSPECT, Lifecycles, follow_plans
from scans.models import Reading, ScanRank, ScanSession
from scans.operations.evaluation.evaluation_cache import EvaluationKey, evaluation_lock
from scans.operations.evaluation.evidence import TURNOVER, holding_costs, mean_turnover
from scans.operations.plan_bars import PlanBars, pick_plans, read_plan_bars
from scans.operations.signals import REVISION
from scans.queries.settling import reading_filter

DELISTED = "delisted"
ENDINGS = ("open", "target", "stop", "expired", DELISTED, "suspect")
INDEXES = {"equal": OWN_EQUAL, "cap": OWN_CAP}
MOST_SLOTS = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of a portfolio: how many equal slots, the capital in currency, and the largest order as a share of the mean
    turnover of 20 sessions."""

    slots: int = 10
    capital: float = 100_000_000.0
    share: float = 0.01


@dataclass(frozen=True, slots=True)
class Position:
    """A trade that was made: prices raw of their sessions, `status` of `trade_lifecycle.STATUSES` or "delisted",
    `exit_on` None while it is open, `gain` after costs, a fraction."""

    code: str
    name: str
    picked_on: date
    rank: int
    entered_on: date
    entry: float
    exit_on: date | None
    exit: float | None
    status: str
    order: float
    gain: float


@dataclass(frozen=True, slots=True)
class PortfolioReport:
    """sessions with the equity and the invested part at each close, and the indexes of the same capital, None where the
    record has none for all sessions; counts: what became of the picks; gone: of the `instruments` picked from, how many
    have no bar at the end; exposure: the mean share that was invested; drawdowns: of the portfolio and the indexes."""

    rules: Rules
    first: date
    last: date
    sessions: tuple[date, ...]
    equity: tuple[float, ...]
    invested: tuple[float, ...]
    indexes: dict[str, tuple[float, ...] | None]
    drawdowns: dict[str, float | None]
    counts: dict[str, int]
    endings: dict[str, int]
    exposure: float
    paid: float
    instruments: int
    gone: int
    positions: tuple[Position, ...]

    @property
    def gain(self) -> float:
        """The return of the portfolio, a fraction."""
        return self.equity[-1] / self.rules.capital - 1

    @property
    def curves(self) -> list[tuple[float, ...] | None]:
        """The indexes, equal and cap weighted."""
        return [self.indexes[name] for name in INDEXES]


def cached_portfolio(key: EvaluationKey, rules: Rules) -> PortfolioReport:
    """The portfolio of the version and sessions of `key`, cached; Busy if an evaluation does not end in time."""
    return _cached_portfolio(**key.parts(), slots=rules.slots, capital=rules.capital, share=rules.share)


@cached("published", what="portfolio", version=1, holds=(PortfolioReport, Position, Rules))
def _cached_portfolio(slots: int, capital: float, share: float, **parts: Any) -> PortfolioReport:
    key = EvaluationKey(**parts)
    with evaluation_lock():
        return make_portfolio(key, Rules(slots, capital, share), get_projected_record(key.market, key.first, key.last))


def make_portfolio(key: EvaluationKey, rules: Rules, record: Record) -> PortfolioReport:
    """The portfolio of the only version of `key`."""
    first, ranks, picks = _planned_picks(key)
    sessions = record.between(first, key.end)
    bars = read_plan_bars(record, sessions, amounts=TURNOVER - 1, hindsight=True)
    plans = pick_plans(ranks, REVISION, bars)
    lives = follow_plans(bars.prices, plans, bars.fills)
    at_open = (lives.entered == plans.row + 1) & (
        lives.entry == bars.prices.open[np.maximum(lives.entered, 0), plans.column]
    )
    some = np.flatnonzero(at_open)
    trades, endings = _trades(key, bars, plans.row, plans.column, lives, some, rules)
    done = trade_slots(bars.prices.close, trades, slots=rules.slots, capital=rules.capital)
    indexes = {name: _index(record, sessions, index, rules.capital) for name, index in INDEXES.items()}
    curves = {"portfolio": tuple(done.equity.tolist()), **indexes}
    return PortfolioReport(
        rules=rules,
        first=first,
        last=key.last,
        sessions=tuple(sessions.tolist()),
        equity=tuple(done.equity.tolist()),
        invested=tuple(done.invested.tolist()),
        indexes=indexes,
        drawdowns={name: _drawdown(curve, rules.capital) for name, curve in curves.items()},
        counts={
            "picks": picks,
            "without_plan": picks - len(ranks),
            "not_at_the_open": len(ranks) - len(some),
            **{name: int((done.reason == n).sum()) for n, name in enumerate(REASONS)},
        },
        endings=_counts(endings[done.order > 0]),
        exposure=float((done.invested / done.equity).mean()),
        paid=done.paid,
        instruments=len(bars.prices.codes),
        gone=int((bars.panel.segment[-1] < 0).sum()),
        positions=tuple(
            _position(ranks[some[n]], n, trades, endings[n], done, bars) for n in np.flatnonzero(done.order).tolist()
        ),
    )


def _planned_picks(key: EvaluationKey) -> tuple[date, list[ScanRank], int]:
    """The first published session, the settled picks that have a plan, in the order of session and rank, and how many
    picks there are."""
    chosen: dict[str, Any] = {
        "scanner_version__slug": key.versions[0],
        "market": key.market,
        "published": True,
        "date__range": (key.first, key.last),
    }
    answers = ScanSession.objects.filter(**chosen)
    provisional = list(answers.filter(reading_filter(Reading.PROVISIONAL)).values_list("date", flat=True))
    first = answers.exclude(date__in=provisional).aggregate(first=Min("date"))["first"]
    rows = list(ScanRank.objects.filter(**chosen).exclude(date__in=provisional).order_by("date", "rank"))
    planned = [rank for rank in rows if rank.target is not None or rank.stop is not None or rank.holding_max]
    return first, planned, len(rows)


def _trades(
    key: EvaluationKey, bars: PlanBars, row: Rows, column: Rows, lives: Lifecycles, some: Rows, rules: Rules
) -> tuple[Trades, Any]:
    """The trades of the picks `some`, and how each ends."""
    prices, column = bars.prices, column[some]
    entered, left, status = lives.entered[some], lives.left[some].copy(), lives.status[some]
    price = lives.exit[some].copy()
    acted = status == SUSPECT
    left[acted] = np.maximum(left[acted] - 1, entered[acted])
    last_trade = _last_row(prices.traded)[column]
    gone = (status == OPEN) & (bars.panel.segment[-1, column] < 0) & (last_trade < len(prices.sessions) - 1)
    left[gone] = last_trade[gone]
    without = acted | gone
    price[without] = prices.close[left[without], column[without]]
    sold = np.where(left >= 0, left, len(prices.sessions) - 1)
    costs = holding_costs(key.market, key.costs, bars.panel, prices)
    turnover = mean_turnover(bars.panel)[row[some], column]
    endings = np.where(gone, DELISTED, np.array(STATUSES)[status])
    trades = Trades(
        column=column,
        entered=entered,
        entry=lives.entry[some],
        left=left,
        exit=price,
        costs=costs(entered, sold, column),
        limit=np.nan_to_num(turnover) * rules.share,
    )
    return trades, endings


def _last_row(traded: Bools) -> Rows:
    """(N,): the last row on which each instrument traded."""
    rows: Rows = len(traded) - 1 - traded[::-1].argmax(axis=0)
    return rows


def _index(record: Record, sessions: Days, name: str, capital: float) -> tuple[float, ...] | None:
    """The worth of `capital` in an index on each session, bought at the close of the first."""
    index = index_series.get_index(record, sessions, name)
    move = index.m[np.isin(index.sessions, sessions)]
    if len(move) != len(sessions) or not np.isfinite(move[1:]).all():
        return None
    worth: Floats = capital * np.cumprod(np.concatenate([[1.0], 1 + move[1:]]))
    return tuple(worth.tolist())


def _drawdown(curve: Sequence[float] | None, capital: float) -> float | None:
    if curve is None:
        return None
    values = np.array([capital, *curve])
    return worst_drawdown(values[1:] / values[:-1] - 1)


def _counts(names: Any) -> dict[str, int]:
    distinct, counts = np.unique(names, return_counts=True)
    return dict(zip(distinct.tolist(), counts.tolist(), strict=True))


def _position(rank: ScanRank, n: int, trades: Trades, ending: str, done: SlotPortfolio, bars: PlanBars) -> Position:
    column, entered, left = int(trades.column[n]), int(trades.entered[n]), int(trades.left[n])
    prices, end = bars.prices, left if left >= 0 else len(bars.prices.sessions) - 1

    def raw(row: int, adjusted: float) -> float:
        return float(f"{adjusted * bars.raw[row, column] / prices.close[row, column]:.10g}")

    worth = float(trades.exit[n]) if left >= 0 else float(prices.close[end, column])
    paid = float(trades.costs[n]) * (1.0 if left >= 0 else 0.5)
    return Position(
        code=rank.code,
        name=rank.name,
        picked_on=rank.date,
        rank=rank.rank,
        entered_on=prices.sessions[entered].item(),
        entry=raw(entered, float(trades.entry[n])),
        exit_on=prices.sessions[left].item() if left >= 0 else None,
        exit=raw(left, float(trades.exit[n])) if left >= 0 else None,
        status=str(ending),
        order=float(done.order[n]),
        gain=worth / float(trades.entry[n]) - 1 - paid,
    )
