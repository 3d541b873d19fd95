"""An external index with fixed regimes over the sessions of the small market: +0.5 % every session, -2.9 % on the
last.

By hand, of the last session: its move is -2.9 %; over 20 sessions 1.005^19 * 0.971 = 1.099399 * 0.971 = 1.067516; over
5 sessions 1.005^4 * 0.971 = 1.020151 * 0.971 = 0.990566; the mean of 10 sessions (9 * 0.5 - 2.9) / 10 = 0.16 %. The
trend entered bull before (1.005^20 is +10.5 %) and keeps it.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from tests.scans.conftest import AS_OF

DAILY = "daily: crash, the index moved -2.9 % on the day (below -2.5 %)"
TREND = "trend: bull kept, +6.8 % over 20 sessions (above 2 %), mean of 10 sessions +0.16 % (above -0.05 %)"


def levels(sessions: list[date], last: float = -0.029) -> pd.DataFrame:
    """The series; `last` is the move of its last session."""
    close = [1000 * 1.005**n for n in range(len(sessions) - 1)]
    close.append(close[-1] * (1 + last))
    return pd.DataFrame({"date": sessions, "high": close, "low": close, "close": close})


def record_index(rows: pd.DataFrame, folder: Path) -> None:
    """Record the frame as the series KS11 of market kr, a day after the bars, and choose it."""
    from marketdata.operations.imports.index_series import choose_index, import_index

    rows.to_csv(folder / "index.csv", index=False)
    later = AS_OF + timedelta(days=1)
    import_index(file=folder / "index.csv", market="kr", name="KS11", as_of=later)
    choose_index(market="kr", name="KS11")
