"""The periods of the page of evidence: markets with the data that they were imported from."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from scans.operations.evaluation.evidence import HORIZONS, EvaluationRequest


class Period(NamedTuple):
    """A market and its period, with the title of its chapter."""

    market: str
    first: date
    last: date
    title: str
    data: str


PERIODS = (
    Period(
        "kr",
        date(2024, 7, 1),
        date(2026, 8, 21),
        "KRX, raw",
        "2,537 common shares still listed on 2026-08-21: raw bars, 520 price-factor events up to 2025-12-30, "
        "and the exchange's complete files of 29 sessions of 2024 and 33 of 2026.",
    ),
    Period(
        "kr-adj",
        date(2020, 2, 3),
        date(2024, 6, 28),
        "KRX, adjusted",
        "2,731 codes as adjusted in 2026, without market caps: what is cheap in it is not what was cheap then, and a "
        "tick is that of the adjusted price. It lacks delisted shares. With 187 of them the excess over equal and "
        "matched moves by at most 0.10 points over 20 sessions and 0.11 over 60, and one verdict of 25 changes, to "
        "behind ([measured](explanation/measurements.md#what-delisted-shares-change) from 2023-07 to 2025-06): "
        "survivorship is not what makes a version look good here.",
    ),
    Period(
        "us",
        date(2022, 3, 9),
        date(2024, 3, 8),
        "US",
        "6,329 tickers, split-adjusted, without market caps and without ETFs.",
    ),
)


def period(text: str) -> Period:
    """A period as MARKET:FROM:TO; one of `PERIODS` with its title."""
    parts = text.split(":")
    try:
        market, first, last = parts
        ends = market, date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a period; write it as kr:2024-07-01:2026-08-21") from None
    return next((one for one in PERIODS if one[:3] == ends), Period(*ends, title=market, data=""))


def period_request(period: Period, versions: Sequence[str], source: str, as_of: datetime) -> EvaluationRequest:
    """The request of one period."""
    return EvaluationRequest(
        market=period.market,
        as_of=as_of,
        versions=versions,
        first=period.first,
        last=period.last,
        horizons=HORIZONS,
        source=source,
    )
