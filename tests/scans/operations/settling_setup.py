"""Sessions of KRX with a clock that tests set: KIS, whose bars of the day move from 16:00 on, and the exchange's own
list of the next morning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from marketdata.operations.projection import current_lake
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.window import open_window
from scans.models import ScanRank
from scans.operations.evening import evening, settle
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.report import EveningReport
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.kis_market import generated_bars
from tests.exchanges.krx_open_api import KEY, KST, KrxOpenApi, daily_row
from tests.marketdata.operations.kis_setup import KisSetup

OTHERS = {"KOSPI": ("9", 690), "KOSDAQ": ("8", 1_200)}
"""Segment -> first digit and number of the rows without a price that fill the exchange's list."""
CLOSED = (date(2026, 6, 3), date(2026, 7, 17), date(2026, 12, 31))


def trading_days(last: str, count: int) -> list[date]:
    days = get_sessions("kr")
    result: list[date] = days[days <= np.datetime64(last)][-count:].tolist()
    return result


class Lists(dict[date, Mapping[str, list[dict[str, str]]]]):
    """The exchange's lists by session, made when they are read."""

    def __init__(self, desk: SettlingDesk) -> None:
        self._desk = desk

    def get(self, day: date, default: Any = None) -> Any:
        return self._desk.rows(day) if day in self._desk.days else default


class SettlingDesk:
    """`size` shares with bars on `days`; `krx`: whether the exchange's list may be read. `closes`: session -> code ->
    the close of that list in the place of the broker's."""

    def __init__(self, settings: Any, data_dir: Path, days: list[date], size: int = 12, *, krx: bool = True) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=KST)
        self.days, self.settings, self.has_krx = days, settings, krx
        self.closes: dict[date, dict[str, int]] = {}
        market = {f"{n:05d}0": Listed(f"종목{n}", generated_bars(days, n)) for n in range(1, size + 1)}
        self.kis = KisSetup(market, drift=True, clock=lambda: self.now.timestamp(), closed=frozenset(CLOSED))
        self.krx = KrxOpenApi({})
        settings.TOKEN_DIR, settings.COLLECT_HISTORY, settings.COLLECT_CHECK = data_dir / "tokens", 30, 0

    def __enter__(self) -> Self:
        self.kis.__enter__()
        self.krx.__enter__()
        kis = {"app_key": "PSimitationkey", "app_secret": "imitation-secret", "base_url": self.kis.exchange.url}
        kis |= {"master_url": f"{self.kis.exchange.url}/common/master"}
        own = self.settings.SOURCES["kis"] | kis | {"per_second": 1_000.0, "token_every": 0.001}
        krx = {"api_key": KEY if self.has_krx else "", "base_url": self.krx.url, "per_second": 1_000}
        self.settings.SOURCES = self.settings.SOURCES | {"kis": own, "krx": krx}
        return self

    def __exit__(self, *raised: object) -> None:
        self.krx.__exit__()
        self.kis.__exit__()

    def at(self, moment: str) -> datetime:
        """Set every clock; what the exchanges have is what they have then."""
        self.now = datetime.fromisoformat(moment).replace(tzinfo=KST)
        self.kis.exchange.today = self.now.date()
        self.krx.now = self.now
        self.krx.days = Lists(self)
        return self.now

    def evening(self, moment: str, **options: Any) -> EveningReport:
        self.at(moment)
        request = EveningRequest("kr", versions=["rises"], started_by="test", **options)
        return evening.run_evening(request, clock=lambda: self.now, warm_up=lambda *_: None)

    def morning(self, moment: str) -> settle.SettleReport:
        self.at(moment)
        return settle.settle(
            "kr", clock=lambda: self.now, executor="inline", started_by="test", warm_up=lambda *_: None
        )

    def official(self, day: date) -> dict[str, int]:
        """Code -> the close of the exchange's own list."""
        return {row["ISU_CD"]: int(row["TDD_CLSPRC"]) for row in self.rows(day)["KOSPI"] if row["ISU_CD"][0] == "0"}

    def rows(self, day: date) -> Mapping[str, list[dict[str, str]]]:
        rows = []
        for code, share in self.kis.market.items():
            bar = next((bar for bar in share.bars if bar.session == day), None)
            if bar is None:
                continue
            close = self.closes.get(day, {}).get(code, bar.close)
            prices = (bar.open, max(bar.high, close), min(bar.low, close) if bar.volume else 0)
            amount = bar.close * bar.volume
            rows.append(
                daily_row(
                    day, code, share.name, close=close, change=close - bar.base, prices=prices, volume=bar.volume,
                    amount=amount,
                )
            )  # fmt: skip
        if not rows:
            return {"KOSPI": [], "KOSDAQ": []}
        lists: dict[str, list[dict[str, str]]] = {"KOSPI": rows, "KOSDAQ": []}
        for segment, (digit, count) in OTHERS.items():
            department = "" if segment == "KOSPI" else "벤처기업부"
            lists[segment] += [
                daily_row(
                    day, f"{digit}{n:04d}0", close=1_000, volume=0, prices=(0, 0, 0), market=segment,
                    department=department, TDD_CLSPRC="-",
                )
                for n in range(count)
            ]  # fmt: skip
        return lists


def picks(day: date, *, published: bool = True) -> set[str]:
    rows = ScanRank.objects.filter(date=day, published=published)
    return set(rows.values_list("code", flat=True))


def closes(day: date) -> dict[str, int]:
    """Code -> the raw close that scans read."""
    record = current_lake.current_record("kr")
    window = open_window(record, np.array([day], dtype="datetime64[D]"), 0)
    panel = window.read({"raw_close": 0}, threads=1)
    row = panel.tail("raw_close", 0)[-1]
    return {
        str(code, "ascii") if isinstance(code, bytes) else str(code): int(close)
        for code, close in zip(panel.codes, row, strict=True)
        if close == close and str(code)[:1] == "0"
    }
