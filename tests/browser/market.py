"""The small market that the browser looks at."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = [str(day) for day in pd.bdate_range("2025-02-03", "2025-02-28").date]
CODES = [f"{n:06d}" for n in range(100, 2500, 200)]
PASSWORD = "an operator's password"  # noqa: S105 - of a server that lives for one test

SETTING_UP = """
from datetime import datetime, timezone
from pathlib import Path
from django.contrib.auth.models import User
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.projection import project
from scans.operations import versions

now = datetime.now(timezone.utc)
import_prices(files=[Path("{folder}") / "prices.csv"], market="kr", as_of=now)
project.project_bars("kr")
settings = {{"match": "volume > 0", "score": "volume / sma(volume, 5)", "min_bars": 2}}
versions.create_version(slug="busiest", engine="formula", settings=settings, who="setup", at=now, title="Most traded")
User.objects.create_superuser("operator", password="an operator's password")
"""


def prices() -> pd.DataFrame:
    """Twelve instruments over the sessions of a month."""
    rng = np.random.default_rng(20250203)
    rows = []
    for n, code in enumerate(CODES):
        price = 5_000 * (n + 1)
        for day in DAYS:
            price = round(price * float(rng.uniform(0.98, 1.02)))
            volume = int(rng.integers(10_000, 900_000))
            rows.append((day, code, f"No. {n}", price, price + 9, price - 9, price, volume, "KOSPI"))
    columns = ["date", "code", "name", "open", "high", "low", "close", "volume", "segment"]
    return pd.DataFrame(rows, columns=columns)
