"""Instruments and bars that the imitation of KIS serves, and markets made up for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple


class Bar(NamedTuple):
    session: date
    open: int
    high: int
    low: int
    close: int
    volume: int
    base: int


@dataclass
class Instrument:
    """`bars` oldest first; `flows` rows of (session, nets in shares: person, foreign, institution)."""

    name: str
    bars: list[Bar]
    segment: str = "KOSPI"
    listed: date = date(2000, 1, 4)
    shares: int = 1_000_000
    preferred: bool = False
    halted: bool = False
    managed: bool = False
    caution: bool = False
    warning: str = "00"
    group: str = "ST"
    spac: bool = False
    flows: list[tuple[date, int | None, int | None, int | None]] = field(default_factory=list)


Market = Mapping[str, Instrument]


def generated_bars(sessions: list[date], seed: int) -> list[Bar]:
    """Bars made up for tests; every 50th session is halted."""
    bars, close = [], 10_000 + seed * 7
    for number, session in enumerate(sessions):
        base = close
        if number % 50 == 49:
            bars.append(Bar(session, 0, 0, 0, close, 0, base))
            continue
        close = max(100, base + (number * 37 + seed * 11) % 301 - 150)
        low, high = min(base, close) - 10, max(base, close) + 10
        bars.append(Bar(session, base, high, low, close, 1000 + (number * seed) % 977, base))
    return bars


def weekdays(first: date, number: int) -> list[date]:
    days = (first + timedelta(days=n) for n in range(number * 7 // 5 + 7))
    return [day for day in days if day.weekday() < 5][:number]


def small_market(size: int = 20, sessions: int = 250) -> Market:
    """A made-up market for starting the imitation by hand."""
    days = weekdays(date(2025, 1, 2), sessions)
    return {
        f"{number:05d}0": Instrument(f"종목{number}", generated_bars(days, number)) for number in range(1, size + 1)
    }
