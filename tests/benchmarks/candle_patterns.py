"""candle-patterns: how often the pattern of a market is recognized from what a collection sees, as a confusion table.

Made-up markets: each slot trades after a traded one with a probability that is drawn within the bounds of its pattern.
Recorded ones: the truth is that of a whole day of the market, counted slot by slot; the pattern is that of a collection
of its last 600 rows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from marketdata.candles.collector.patterns import DENSE, SPARSE, Distances, Pattern
from marketdata.candles.collector.timeframes import Grid, get_timeframe
from tests import realdata
from tests.benchmarks.installations import Bench
from tests.benchmarks.report import Line, Table

ROWS = 600
PAGE = 200
BOUNDS = {
    Pattern.SEQUENTIAL: (1.0, 1.0),
    Pattern.DENSE: (DENSE, 0.99),
    Pattern.MIXED: (SPARSE, DENSE),
    Pattern.SPARSE: (0.02, SPARSE),
}
Confusion = Counter[tuple[str, str]]  # (truth, recognized)


def synthetic(markets: int = 200, seed: int = 11) -> Confusion:
    """`markets` of each pattern, drawn over its whole bounds."""
    draw = random.Random(seed)
    table: Confusion = Counter()
    for truth, (least, most) in BOUNDS.items():
        for _ in range(markets):
            table[truth, _recognized(_market(draw, draw.uniform(least, most)), 60)] += 1
    return table


def recorded() -> Confusion:
    """Each day of each recorded market."""
    table: Confusion = Counter()
    for opened, step in _histories():
        table[_truth(opened, step), _recognized(opened[-ROWS:], step)] += 1
    return table


def accuracy(table: Confusion) -> float:
    """The share of recognized ones."""
    return sum(number for (truth, label), number in table.items() if truth == label) / sum(table.values())


def section(bench: Bench) -> None:
    """Both tables."""
    tables = {"made up": synthetic()}
    if realdata.FOLDER.is_dir():
        tables["recorded days"] = recorded()
    for name, table in tables.items():
        lines = [Line(str(truth), note=_row(table, truth)) for truth in Pattern if _row(table, truth)]
        remark = f"{accuracy(table):.1%} of {sum(table.values())} recognized"
        bench.report.table(
            Table("candle-patterns", f"truth, and what was recognized: {name}", "Distances", lines, [remark])
        )


def _market(draw: random.Random, adjacent: float) -> list[int]:
    at, opened = 0, []
    for _ in range(ROWS):
        opened.append(at)
        at += 60 if draw.random() < adjacent else 60 * (2 + int(draw.expovariate(0.3)))
    return opened


def _recognized(opened: Sequence[int], step: int) -> str:
    """The pattern by the pages of a collection, newest first."""
    grid = Grid(get_timeframe("1m" if step == 60 else "1s"))
    distances, newer = Distances(), None
    for last in range(len(opened), 0, -PAGE):
        page = list(opened[max(0, last - PAGE) : last])
        distances += Distances.of(grid, np.array(page if newer is None else [*page, newer], np.int64))
        newer = page[0]
    return str(distances.pattern)


def _truth(opened: Sequence[int], step: int) -> str:
    """The pattern of a whole day, by looking at each pair of neighbours."""
    steps = [later - earlier for earlier, later in pairwise(opened)]
    share = sum(each == step for each in steps) / len(steps)
    if share == 1:
        return "sequential"
    return "dense" if share >= DENSE else "sparse" if share < SPARSE else "mixed"


def _histories() -> Iterator[tuple[list[int], int]]:
    """Openings of each day of each market of the recorded files, with the seconds of a slot."""
    for file in ("upbit_1m_2025-09.parquet", "upbit_1m_moc_2021-03-02.parquet"):
        frame: Any = pq.read_table(realdata.path(file)).to_pandas()
        times = frame["ts_utc"] if "ts_utc" in frame else frame["ts_kst"].dt.tz_convert("UTC")
        seconds = times.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
        yield from _days(frame["market"].to_numpy(str), seconds, 60)
    frame = pq.read_table(realdata.path("upbit_fields_2025.parquet")).to_pandas()
    for unit, step in (("1s", 1), ("1m", 60)):
        rows = frame[frame["unit"] == unit]
        seconds = rows["candle_date_time_utc"].to_numpy(str).astype("datetime64[s]").astype(np.int64)
        yield from _days(rows["market"].to_numpy(str), seconds, step)


def _days(markets: Any, seconds: Any, step: int) -> Iterator[tuple[list[int], int]]:
    for market in np.unique(markets):
        opened = np.unique(seconds[markets == market])
        for day in np.unique(opened // 86_400):
            rows = opened[opened // 86_400 == day].tolist()
            if len(rows) >= PAGE // 2:
                yield rows, step


def _row(table: Confusion, truth: str) -> str:
    return ", ".join(f"{label} {table[truth, label]}" for label in Pattern if table[truth, label])
