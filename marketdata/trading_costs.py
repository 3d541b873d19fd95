"""Trading costs of a round trip, as shares of the prices paid: fees, sell tax and one tick a side.

cost = fee + tick(entry) / entry  +  fee + tax(exit) + tick(exit) / exit

Each side's share is of its own traded price; the tick is that of the session's grid (`marketdata.ticks`) and stands for
the spread. Where a market has no tick table (Bithumb; Upbit before 2024-01-29) a tick costs nothing, so costs there are
too low.

Sell tax of KRX shares: securities transaction tax and, on KOSPI, the special tax for rural development; together alike
on KOSPI and KOSDAQ. The law counts the day of settlement, two sessions after the trade; here the day of the trade
counts. Funds are exempt and have no entry here.

Source: Enforcement Decree of the Securities Transaction Tax Act, article 5, as amended for 2019-06-03, 2021, 2023,
2024, 2025 and 2026. The rates from 2024 on are those of the scanner definitions, section 7; the earlier dates and the
rates of KONEX were not checked against the text of the decree.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Floats
from marketdata.ticks import tick_sizes

TaxTable = tuple[tuple[date, float], ...]

KRX_SELL_TAX: TaxTable = (
    (date.min, 0.0030),
    (date(2019, 6, 3), 0.0025),
    (date(2021, 1, 1), 0.0023),
    (date(2023, 1, 1), 0.0020),
    (date(2024, 1, 1), 0.0018),
    (date(2025, 1, 1), 0.0015),
    (date(2026, 1, 1), 0.0020),
)
"""KOSPI and KOSDAQ, from this day on, as a fraction of the proceeds."""
KONEX_SELL_TAX: TaxTable = ((date.min, 0.0030), (date(2019, 6, 3), 0.0010))

Sessions = NDArray[np.datetime64]
Segments = NDArray[np.str_] | str
"""The segment of each trade, or of all; it matters on KRX alone (KONEX; the tick tables before 2023-01-25)."""


def sell_tax(market: str, exits: Sessions, segments: Segments = "") -> Floats:
    """The tax on the proceeds of sales on the sessions `exits` (P,), as fractions; 0 outside KRX."""
    if market.partition("-")[0] != "kr":
        return np.zeros(len(exits))
    is_konex = np.strings.startswith(np.asarray(segments), "KONEX")
    taxes: Floats = np.where(is_konex, _rates(KONEX_SELL_TAX, exits), _rates(KRX_SELL_TAX, exits))
    return taxes


def _rates(table: TaxTable, days: Sessions) -> Floats:
    since, rates = zip(*table, strict=True)
    number = np.searchsorted(np.array(since, "datetime64[D]"), days.astype("datetime64[D]"), side="right") - 1
    of_day: Floats = np.array(rates)[number]
    return of_day


def round_trip_costs(
    market: str,
    *,
    entries: Sessions,
    exits: Sessions,
    entry_prices: Floats,
    exit_prices: Floats,
    fee: float,
    segments: Segments = "",
) -> Floats:
    """The costs of P round trips, (P,) fractions to be taken off their returns; NaN where a price is missing.

    `entries` and `exits` (P,) sessions; the prices (P,) as traded, not adjusted: an adjusted price has another tick.
    `fee`: of one side, as a fraction of the price. `market` as in `ticks.get_grid`.
    """
    spread = sum(
        _tick_share(market, sessions, prices, segments)
        for sessions, prices in ((entries, entry_prices), (exits, exit_prices))
    )
    costs: Floats = 2 * fee + sell_tax(market, exits, segments) + spread
    return costs


def _tick_share(market: str, sessions: Sessions, prices: Floats, segments: Segments) -> Any:
    ticks = tick_sizes(market, sessions, prices, segments)
    return np.where(np.isnan(ticks), 0.0, ticks) / prices
