"""Records what the naive reference picks on real KRX data: tests/answers/krx_*.csv.

    SEISMO_DATA_DIR=... python -m tests.answers.record_krx [v1 v2 ...]

The data directory must hold a lake into which the files of tests/scans/test_krx.py were imported. Rows are read with
pandas straight from its files; everything after that (filling, adjustment, index, regimes, indicators, ranking) is
tests/reference, which knows nothing of Seismo's code. About a minute a version and core.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.reference import bars, index

HERE = Path(__file__).parent
FIRST = "2023-07-07"
SESSIONS = [
    "2024-07-01",
    "2024-08-05",
    "2024-08-06",
    "2024-09-13",
    "2024-10-22",
    "2024-11-15",
    "2024-12-09",
    "2024-12-30",
    "2025-01-20",
    "2025-02-28",
    "2025-04-07",
    "2025-04-10",
    "2025-05-14",
    "2025-06-05",
    "2025-06-24",
    "2025-07-31",
    "2025-09-15",
    "2025-10-27",
    "2025-11-21",
    "2025-12-30",
    "2026-01-02",
    "2026-02-20",
    "2026-03-04",
    "2026-04-15",
    "2026-05-29",
    "2026-06-04",
    "2026-07-16",
    "2026-07-20",
    "2026-08-20",
    "2026-08-21",
]
COLUMNS = (
    "version",
    "date",
    "regime",
    "step",
    "status",
    "matched",
    "rank",
    "code",
    "score",
    "strategy",
    "label",
)


def market(lake: Path) -> pd.DataFrame:
    """The bars of the lake from `FIRST` on as the reference reads them."""
    files = sorted(lake.glob("market=kr/year=*/month=*/bars.parquet"))
    raw = pd.concat([pd.read_parquet(file, partitioning=None) for file in files])
    raw = raw.assign(date=pd.to_datetime(raw["date"]), eligible_kind=raw["flags"] == 0)
    raw["segment"], raw["code"] = raw["segment"].astype(str), raw["code"].astype(str)
    return raw[raw["date"] >= FIRST].drop(columns=["flags", "shares"])


def main(names: list[str]) -> None:
    raw = market(Path(os.environ["SEISMO_DATA_DIR"]) / "lake")
    axis = np.sort(raw["date"].unique())
    frames = bars.build(raw, axis)
    regimes_of_market = index.regimes(index.market_index(frames, axis))
    for name in names:
        rows: list[Mapping[str, Any]] = []
        with Pool(2, initializer=_share, initargs=(name, frames, regimes_of_market)) as pool:
            for answer in pool.imap(_scan, SESSIONS):
                rows += answer
                sys.stderr.write(f"{name} {answer[0]['date']} {len(answer)}\n")
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(HERE / f"krx_{name}.csv", index=False)


_shared: tuple[Any, Any, Any]


def _share(*arguments: Any) -> None:
    global _shared
    _shared = arguments


def _scan(day: str) -> list[dict[str, Any]]:
    name, frames, regimes_of_market = _shared
    result = importlib.import_module(f"tests.reference.{name}").scan(frames, regimes_of_market, pd.Timestamp(day))
    head = {
        "version": name,
        "date": day,
        "regime": result.regime,
        "step": result.step,
        "status": result.status,
        "matched": result.matched,
    }
    kept = ("rank", "code", "score", "strategy", "label")
    rows = [{**head, **{key: row.get(key, "") for key in kept}} for row in result.rows]
    return rows or [head]


if __name__ == "__main__":
    main(sys.argv[1:] or ["v1", "v2"])
