"""The trap of momentum screens: shares that close locked at the upper limit look harmless where every open counts as
bought, and lose where only opens count that had a seller."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command

from marketdata.ticks import get_price_limits
from scans.evaluation.holding_periods import PickSet, holding_periods
from scans.evaluation.tradability import DailyBars, tradability
from scans.models import ScannerVersion
from tests.scans.conftest import Importer, frame
from tests.scans.evaluation import krx_bars

HORIZON = 20
SEGMENTS = ("KOSPI",)
LOCKED_ON = 12
"""The session of the record on which the shares close locked."""

Bars = list[tuple[int, int, int, int]]
"""open, high, low, close in won."""


def locked_again() -> Bars:
    """Locked at 1,300 after 1,000, and locked again at 1,690: bought at 2,000 on the next session at the earliest. Its
    close is 1,859 on the 20th session after the pick and 1,784 on the 21st."""
    bars: Bars = [(1_000,) * 4, (1_300,) * 4, (1_690,) * 4, (2_000, 2_000, 1_900, 1_900)]
    return [*bars, *[(1_880, 1_900, 1_850, 1_859)] * 18, (1_859, 1_860, 1_780, 1_784), *[(1_784,) * 4] * 3]


def sold_off() -> Bars:
    """Locked at 1,300 after 1,000; then it can be bought at 1,300 and ends the 20th session at 1,154."""
    bars: Bars = [(1_000,) * 4, (1_300,) * 4, (1_300, 1_310, 1_190, 1_200)]
    return [*bars, *[(1_200, 1_210, 1_140, 1_154)] * 23]


def market(*shares: Bars) -> tuple[DailyBars, Any]:
    """The bars of shares from 2026-03-02 on, each alike long, and their opens."""
    table = np.array(shares, dtype=float).transpose(1, 0, 2)
    opened, high, low, close = (table[:, :, n] for n in range(4))
    shape = close.shape
    bars = DailyBars(
        sessions=np.datetime64("2026-03-02") + np.arange(shape[0]),
        low=low,
        high=high,
        close=close,
        raw_close=close,
        traded=np.ones(shape, dtype=bool),
        segment=np.zeros(shape, dtype=np.int8),
        segments=SEGMENTS,
    )
    return bars, opened


def locked_closes(bars: DailyBars) -> PickSet:
    """The picks of the formula `low = upper limit`: shares that closed locked after a session without a seller."""
    with np.errstate(invalid="ignore"):
        rises = bars.traded[1:] & (bars.low[1:] > 1.1 * bars.close[:-1])
    picks = []
    for t, i in np.argwhere(rises).tolist():
        base = round(bars.close[t, i] * bars.raw_close[t + 1, i] / bars.close[t + 1, i])
        day: date = bars.sessions[t + 1].astype("datetime64[D]").item()
        limits = get_price_limits(base, day, bars.segments[bars.segment[t + 1, i]])
        low = bars.low[t + 1, i] * bars.raw_close[t + 1, i] / bars.close[t + 1, i]
        if limits is not None and low == pytest.approx(float(limits.upper), rel=1e-9):
            picks.append((t + 1, i))
    day_, column = np.array(picks).T
    return PickSet(day_, column)


def both_judgements(
    bars: DailyBars, opened: Any, picks: PickSet, actions: Any
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The returns over 20 sessions, of holdings without a suspected action: bought at the very next open, and bought
    and sold only where a bar had the other side."""
    fills = tradability(bars, limited=True)
    last = len(bars.traded) - 1 - (bars.segment >= 0)[::-1].argmax(axis=0)
    periods = holding_periods(picks, (HORIZON,), fills, bars.traded, last)
    naive_exit = np.minimum(picks.day + HORIZON, len(bars.traded) - 1)
    judgements = []
    for entry, end, ended in (
        (np.minimum(picks.day + 1, naive_exit), naive_exit, picks.day + HORIZON < len(bars.traded)),
        (periods.entry, periods.exit[:, 0], periods.exit[:, 0] >= 0),
    ):
        kept = ended & (actions[np.maximum(entry, 0), picks.column] == actions[end, picks.column])
        some = picks.column[kept]
        judgements.append(bars.close[end[kept], some] / opened[entry[kept], some] - 1)
    return judgements[0], judgements[1]


def test_shares_that_close_locked_lose_eleven_percent_where_they_can_be_bought() -> None:
    """By hand: bought at once (1,859 / 1,690 - 1 + 1,154 / 1,300 - 1) / 2 = (0.1 - 0.1123) / 2 = -0.6 %; where possible
    (1,784 / 2,000 - 1 - 0.1123) / 2 = -11.0 %."""
    bars, opened = market(locked_again(), sold_off())
    picks = locked_closes(bars)
    first = picks.day == 1
    assert picks.column[first].tolist() == [0, 1]
    chosen = PickSet(picks.day[first], picks.column[first])
    naive, fillable = both_judgements(bars, opened, chosen, np.zeros(bars.close.shape, dtype=np.int16))
    assert naive.tolist() == pytest.approx([0.1, -146 / 1_300])
    assert fillable.tolist() == pytest.approx([-0.108, -146 / 1_300])
    assert naive.mean() == pytest.approx(-0.006, abs=0.0005)
    assert fillable.mean() == pytest.approx(-0.11, abs=0.0005)


def test_a_formula_that_picks_locked_closes_is_judged_where_they_can_be_bought(
    bring: Importer, sessions: list[date]
) -> None:
    """The same two shares, scanned and judged from the door to the terminal."""
    rows = frame(sessions)
    for code, course in (("100000", locked_again()), ("200000", sold_off())):
        before = [(1_000,) * 4] * LOCKED_ON
        prices = [*before, *course[1:], *course[-1:] * len(sessions)][: len(sessions)]
        bars = pd.DataFrame(prices, columns=["open", "high", "low", "close"])
        bars = bars.assign(date=sessions, code=code, volume=1_000, segment="KOSPI")
        rows = pd.concat([rows, bars[rows.columns]])
    bring(rows)
    params = {"match": "change(close, 1) >= 0.29 and low >= high", "score": "change(close, 1)", "min_bars": 2}
    ScannerVersion.objects.create(slug="locked", engine="formula", params=params)
    day, out = sessions[LOCKED_ON], io.StringIO()
    order = ["--versions=locked", f"--from={day}", f"--to={day}", "--source=fly", "--horizons=20", "--costs=0"]
    call_command("evaluate_scans", *order, "--format=json", stdout=out)
    line = json.loads(out.getvalue())
    assert (line["picks"], line["judged"], line["locked"]) == (2, 2, 0)
    assert line["mean_pct"] == pytest.approx(100 * (-0.108 - 146 / 1_300) / 2)


@pytest.mark.slow
def test_locked_closes_of_krx_lose_more_where_they_can_be_bought() -> None:
    """Shares without one seller in a whole session, 2023-07 to 2026-08."""
    bars, prices = krx_bars.daily_bars()
    naive, fillable = both_judgements(bars, prices.open, locked_closes(bars), prices.actions)
    assert (len(naive), len(fillable)) == (327, 315)
    assert naive.mean() == pytest.approx(-0.027, abs=0.001)
    assert fillable.mean() == pytest.approx(-0.094, abs=0.001)
