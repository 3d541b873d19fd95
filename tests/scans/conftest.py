"""A small KRX market of 40 sessions, imported through the door, and the probe engine in two versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.prepared import Prepared
from tests.scans.probe import Probe

# Models cannot be imported here: pytest may load this file before it has set Django up.

AS_OF = datetime(2024, 6, 1, 9, 0, tzinfo=UTC)
CODES = ("000020", "0001A0", "005930", "035720", "068270", "247540")


def frame(days: list[date], seed: int = 1) -> pd.DataFrame:
    """Random bars of `CODES` on `days`; about half of them rise each day."""
    rng = np.random.default_rng(seed)
    rows = []
    for n, code in enumerate(CODES):
        price = 1_000 * (n + 5)
        for day in days:
            price = round(price * float(rng.uniform(0.97, 1.03)))
            volume = int(rng.integers(1_000, 90_000))
            segment = "KOSPI" if n % 2 else "KOSDAQ"
            rows.append((day, code, price, price + 5, price - 5, price, volume, segment))
    columns = ["date", "code", "open", "high", "low", "close", "volume", "segment"]
    return pd.DataFrame(rows, columns=columns)


def spring_file(folder: Path) -> tuple[list[date], Path]:
    """The 41 KRX sessions from 2024-03-04 to 2024-04-30, and a file in `folder` with bars of them."""
    days = [day for day in pd.bdate_range("2024-03-04", "2024-04-30").date if day != date(2024, 4, 10)]
    file = folder / "prices.csv"
    frame(days).to_csv(file, index=False)
    return days, file


@pytest.fixture
def sessions() -> list[date]:
    """Forty KRX sessions from 2024-03-04, without the holidays of April 10, May 1, 6 and 15."""
    closed = {date(2024, 4, 10), date(2024, 5, 1)}
    days = pd.bdate_range("2024-03-04", periods=42).date
    return [day for day in days if day not in closed]


Importer = Callable[..., Any]


@pytest.fixture
def bring(db: None, data_dir: Path, tmp_path: Path) -> Importer:
    """Imports a frame through the door."""

    def bring(rows: pd.DataFrame, at: datetime = AS_OF) -> Any:
        from marketdata.operations.imports.prices import import_prices

        file = tmp_path / "prices.csv"
        rows.to_csv(file, index=False)
        report = import_prices(files=[file], market="kr", as_of=at)
        assert not any(one.error for one in report.files)
        return report

    return bring


@pytest.fixture
def market(bring: Importer, sessions: list[date], prepared: Prepared, data_dir: Path) -> pd.DataFrame:
    """The market's bars, which are in the record."""
    rows = frame(sessions)
    prepared.state("market", data_dir, lambda: bring(rows))
    return rows


@pytest.fixture
def probe(db: None) -> Iterator[Probe]:
    """The probe engine; versions `rises` (active) and `rises-10` use it."""
    from scans.engines.registry import ENGINES
    from scans.models import ActiveVersion, ScannerVersion

    engine = Probe()
    ENGINES["probe"] = engine
    # Keys that no sequence reaches: prepared states refer to them.
    first = ScannerVersion.objects.create(pk=1_000_001, slug="rises", engine="probe")
    ScannerVersion.objects.create(pk=1_000_002, slug="rises-10", engine="probe", params={"scale": 10.0})
    ActiveVersion.objects.update_or_create(market="kr", defaults={"version": first})
    yield engine
    del ENGINES["probe"]
