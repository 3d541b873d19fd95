"""A portfolio that holds a share when it is delisted, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from marketdata.queries.records import get_projected_record
from scans.models import ScannerVersion
from scans.operations.evaluation.evaluation_cache import EvaluationKey
from scans.operations.evaluation.portfolio import Rules, make_portfolio
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, Importer

PICKED, LAST, END = 20, 25, 38
CAPITAL = 1_000_000.0


def bars(sessions: list[date]) -> pd.DataFrame:
    """Two shares that do not move; the cheap one closes at 900 on its last session, having opened at 1,000."""
    rows = []
    for row, day in enumerate(sessions):
        rows.append((day, "000020", 5_000, 5_000, 5_000, 5_000, 1_000_000, "KOSPI"))
        if row < LAST:
            rows.append((day, "000030", 1_000, 1_000, 1_000, 1_000, 5_000_000, "KOSPI"))
        elif row == LAST:
            rows.append((day, "000030", 1_000, 1_000, 900, 900, 5_000_000, "KOSPI"))
    return pd.DataFrame(rows, columns=["date", "code", "open", "high", "low", "close", "volume", "segment"])


@pytest.mark.parametrize(
    ("stop", "status", "exit_row", "price"),
    [
        (0.3, "delisted", LAST, 900.0),  # 700 is not reached: the last traded close
        (0.05, "stop", LAST, 950.0),  # reached on the last session: sold by the plan before it is gone
    ],
)
def test_a_delisted_share_is_sold_at_its_last_traded_close(
    bring: Importer, sessions: list[date], stop: float, status: str, exit_row: int, price: float
) -> None:
    bring(bars(sessions))
    params = {"match": "raw_close < 2000", "min_bars": 2, "target": 0.5, "stop": stop, "holding": 60}
    ScannerVersion.objects.create(slug="cheap", engine="formula", params=params)
    day = sessions[PICKED]
    run_scan(RunRequest("kr", AS_OF, versions=["cheap"], first=day, last=day))
    key: Any = EvaluationKey("kr", ("cheap",), day, day, sessions[END], (1,), 0.0, 0.0, "", (), "")
    report = make_portfolio(key, Rules(slots=1, capital=CAPITAL), get_projected_record("kr"))
    (position,) = report.positions
    assert (position.code, position.entered_on, position.entry) == ("000030", sessions[PICKED + 1], 1_000.0)
    assert (position.status, position.exit_on, position.exit) == (status, sessions[exit_row], price)
    assert position.order == CAPITAL
    assert position.gain == pytest.approx(price / 1_000 - 1)
    assert (report.gone, report.instruments) == (1, 2)
    # flat until its last session, and cash afterwards: nothing is held at a price without a trade
    before = LAST - PICKED
    assert report.equity[:before] == pytest.approx([CAPITAL] * before)
    assert report.equity[before:] == pytest.approx([1_000 * price] * (len(report.equity) - before))
    assert report.invested[before:] == pytest.approx([0.0] * (len(report.equity) - before))
