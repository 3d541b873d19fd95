"""How much of a real market without a daily limit is suspected: 6,329 instruments of the United States over 503
sessions, adjusted for splits, so that what is left to suspect are splits and errors that the data have."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from marketdata import breaks
from marketdata.breaks import Moves
from tests import realdata

pytestmark = pytest.mark.slow


def test_few_bars_of_a_real_market_are_suspected() -> None:
    table = pq.read_table(realdata.path("us_yahoo_2022_2024.parquet"))
    days, day = np.unique(table["date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    names, code = np.unique(np.array(table["code"].to_pylist()), return_inverse=True)
    fields = {}
    for name in ("open", "high", "low", "close", "volume"):
        fields[name] = np.full((len(days), len(names)), np.nan)
        fields[name][day, code] = table[name].to_numpy()
    fields["volume"] = np.nan_to_num(fields["volume"])
    decided = np.zeros(fields["close"].shape, dtype=bool)
    seen = [
        (str(days[t]), str(names[i]), kind)
        for t, i, kind in breaks.find_suspicions(Moves(**fields, decided=decided), 1)
    ]
    assert len(seen) < 100  # of three million bars
    assert Counter(kind for _, _, kind in seen)["seam"] == 0
    # reverse splits that the vendor missed, and a bar that is wrong for a day
    for day_, name, kind in (
        ("2023-06-06", "APTO", "split"),
        ("2023-09-29", "CRIS", "split"),
        ("2023-06-09", "WETG", "jump"),
    ):
        assert (day_, name, kind) in seen
    # crashes and takeovers on volume are none: -57 %, -74 %, -86 %, +140 %, +101 %
    real = {("2023-12-15", "AADI"), ("2024-02-14", "AZTR"), ("2023-11-13", "ACRS")}
    real |= {("2022-09-13", "AKRO"), ("2024-01-08", "AMAM")}
    assert not real & {(session, name) for session, name, _ in seen}
