"""Tick sizes and daily price limits: the prices at which an order can be placed.

A plan is exact (close x 1.05 is 8,137.5 won); an exchange takes orders on its grid alone. `order_price` moves a price
to the grid that was valid on a session, always to the side that keeps the plan's promise:

- target  down: it fills no later than planned
- stop    up: no loss becomes larger than planned
- entry   up: a buy stop triggers no earlier than planned

A grid is a table of bands: the lower bound belongs to its band, and every price of a band is a multiple of its tick.
All arithmetic is in Decimal. Grids are facts of a date, so every function takes the session.

Sources: KRX business regulations on quotation units (tables from 2023-01-25 and before it), confirmed on every close
of 2021 and 2024; SEC rule 612 of Regulation NMS (orders in 0.01 from 1 dollar on, below in 0.0001); Upbit's notices on
the tick sizes of its KRW market (2024-01-29, 2025-07-31). Bithumb publishes none that could be confirmed: its prices
have no grid here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Price = Decimal | int | float
Bands = Sequence[tuple[str, str]]

DIGITS = 12
"""Significant digits of a float that are read: digits beyond are rounding errors."""

ALWAYS = date.min
FUNDS = frozenset({"etf", "etn"})


class Side(StrEnum):
    """The purpose of a plan's order."""

    ENTRY = "entry"
    TARGET = "target"
    STOP = "stop"


LEVELS = tuple(map(str, Side))
"""The levels of a plan, each an order of its own."""


@dataclass(frozen=True, slots=True)
class TickGrid:
    """The prices at which orders can be placed: `bounds` ascending from 0, each with the tick of its band, `sizes`.
    Every bound above 0 is a price of the band below it, too, so rounding never steps over one."""

    bounds: tuple[Decimal, ...]
    sizes: tuple[Decimal, ...]

    @classmethod
    def of(cls, bands: Bands) -> TickGrid:
        """From pairs (from this price on, tick), as text."""
        bounds, sizes = zip(*bands, strict=True)
        return cls(tuple(map(Decimal, bounds)), tuple(map(Decimal, sizes)))

    def tick(self, price: Decimal) -> Decimal:
        """The tick of the band that contains `price`."""
        return self.sizes[bisect_right(self.bounds, price) - 1]

    def floor(self, price: Decimal) -> Decimal:
        """The highest price of the grid that is not above `price`."""
        return self._multiple(price, ROUND_FLOOR)

    def ceil(self, price: Decimal) -> Decimal:
        """The lowest price of the grid that is not below `price`."""
        return self._multiple(price, ROUND_CEILING)

    def with_tick(self, price: Decimal, tick: Decimal) -> TickGrid:
        """The grid with another tick in the band that contains `price`; unchanged where it is the tick of a band beside
        it, across whose border the instrument may have traded when the tick was read."""
        band = bisect_right(self.bounds, price) - 1
        if tick in self.sizes[max(band - 1, 0) : band + 2]:
            return self
        return replace(self, sizes=(*self.sizes[:band], tick, *self.sizes[band + 1 :]))

    def order(self, price: Price | None, side: Side | str) -> Decimal | None:
        """The order that keeps a plan's exact `price`; see `order_price`."""
        down, exact = Side(side) is Side.TARGET, to_decimal(price)
        if exact is None or exact <= 0:
            return None
        rounded = self.floor(exact) if down else self.ceil(exact)
        return rounded if rounded > 0 else None

    def has(self, price: Decimal) -> bool:
        """Whether `price` lies on the grid."""
        return price % self.tick(price) == 0

    def ticks(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """The tick at each of many prices, as floats: for generated markets, not for orders."""
        band = np.searchsorted(np.array(self.bounds, np.float64), prices, side="right") - 1
        sizes: NDArray[np.float64] = np.array(self.sizes, np.float64)[np.maximum(band, 0)]
        return sizes

    def _multiple(self, price: Decimal, rounding: str) -> Decimal:
        tick = self.tick(price)
        return (price / tick).to_integral_value(rounding) * tick


# --- tables: (from this session on, grid), the latest first -------------------------------------------

GridHistory = tuple[tuple[date, TickGrid], ...]

KRX_UNIFIED = date(2023, 1, 25)
KRX_GRID = TickGrid.of([
    ("0", "1"), ("2000", "5"), ("5000", "10"), ("20000", "50"), ("50000", "100"), ("200000", "500"),
    ("500000", "1000"),
])  # fmt: skip
_OLD = [("0", "1"), ("1000", "5"), ("5000", "10"), ("10000", "50"), ("50000", "100")]
KOSPI: GridHistory = ((KRX_UNIFIED, KRX_GRID), (ALWAYS, TickGrid.of([*_OLD, ("100000", "500"), ("500000", "1000")])))
KOSDAQ: GridHistory = ((KRX_UNIFIED, KRX_GRID), (ALWAYS, TickGrid.of(_OLD)))

# 5 won flat, finer below 2,000 from a day in December 2023 that sources give differently (8, 11 or 18): orders keep to
# the coarser grid, which lies on both, until the month is over.
_WON = TickGrid.of([("0", "1")])
KRX_FUNDS: GridHistory = (
    (date(2024, 1, 1), TickGrid.of([("0", "1"), ("2000", "5")])),
    (ALWAYS, TickGrid.of([("0", "5")])),
)

US: GridHistory = ((ALWAYS, TickGrid.of([("0", "0.0001"), ("1", "0.01")])),)

UPBIT: GridHistory = (
    (
        date(2025, 7, 31),
        TickGrid.of([
            ("0", "0.0000001"), ("0.0001", "0.000001"), ("0.001", "0.00001"), ("0.01", "0.0001"), ("0.1", "0.001"),
            ("1", "0.01"), ("10", "0.1"), ("100", "1"), ("1000", "1"), ("5000", "5"), ("10000", "10"), ("50000", "50"),
            ("100000", "100"), ("500000", "500"), ("1000000", "1000"),
        ]),
    ),
    (
        date(2024, 1, 29),
        TickGrid.of([
            ("0", "0.00000001"), ("0.0001", "0.0000001"), ("0.001", "0.000001"), ("0.01", "0.00001"), ("0.1", "0.0001"),
            ("1", "0.001"), ("10", "0.01"), ("100", "0.1"), ("1000", "1"), ("10000", "10"), ("100000", "50"),
            ("500000", "100"), ("1000000", "500"), ("2000000", "1000"),
        ]),
    ),
)  # fmt: skip


@lru_cache(maxsize=1024)
def get_grid(market: str, session: date, segment: str = "", kind: str = "stock") -> TickGrid | None:
    """The grid of a market's instruments on a session; None where there is none (see `missing_grid_reason`).

    `market` is a name such as kr, us, upbit, bithumb or kr-adj, which has the grid of kr. `segment` matters on KRX
    before 2023-01-25: without one the grid of KOSPI, which every segment's grid contains. `kind`: etf and etn have a
    grid of their own on KRX.
    """
    for since, grid in _tables(market.partition("-")[0], segment, kind):
        if session >= since:
            return grid
    return None


def _tables(market: str, segment: str, kind: str) -> GridHistory:
    if market == "kr":
        if kind in FUNDS:
            return KRX_FUNDS
        return KOSDAQ if segment.startswith(("KOSDAQ", "KONEX")) else KOSPI
    if market == "us":
        return US
    return UPBIT if market == "upbit" and segment in ("", "KRW") else ()


def tick_sizes(
    market: str, sessions: NDArray[np.datetime64], prices: NDArray[np.float64], segments: NDArray[np.str_] | str = ""
) -> NDArray[np.float64]:
    """The tick (P,) of shares or coins at each of `prices` (P,) on its session (P,), as floats; NaN without a grid.
    `segments`: of each or of all; `market` as in `get_grid`."""
    names = np.broadcast_to(np.asarray(segments), sessions.shape)
    sizes = np.full(len(prices), np.nan)
    for segment in np.unique(names):
        rest = names == segment
        for since, grid in _tables(market.partition("-")[0], str(segment), "stock"):
            some = rest & (sessions >= np.datetime64(since))
            sizes[some] = grid.ticks(prices[some])
            rest &= ~some
    return sizes


def missing_grid_reason(market: str, session: date, segment: str = "", kind: str = "stock") -> str:
    """Why `get_grid` is None, one sentence; "" where it is not."""
    if get_grid(market, session, segment, kind) is not None:
        return ""
    if market.partition("-")[0] == "bithumb":
        return (
            "Bithumb publishes no tick table, so there are no order prices: take the tick from its order book and "
            "round a target down, a stop and an entry up."
        )
    if market.partition("-")[0] == "upbit":
        first = UPBIT[-1][0]
        return f"No tick table of Upbit {segment or 'KRW'} is known for {session} (KRW since {first}): no order prices."
    return f"No tick table of market {market} is known: no order prices."


def order_price(
    price: Price | None, side: Side | str, session: date, market: str, *, segment: str = "", kind: str = "stock"
) -> Decimal | None:
    """The order that keeps a plan's exact `price`: a target rounded down to the grid, a stop or an entry rounded up.

    None where there is no price (None, NaN, not above 0), no grid, or nothing above 0 to round down to. A float is read
    to 12 significant digits, so that 10500.000000000002 is 10,500 and does not become 10,510. ValueError for a side
    that does not exist. `market`, `segment` and `kind` as in `get_grid`.
    """
    grid = get_grid(market, session, segment, kind)
    return None if grid is None else grid.order(price, side)


def is_on_grid(price: Price, session: date, market: str, *, segment: str = "", kind: str = "stock") -> bool | None:
    """Whether a raw trade price lies on the grid; None where there is no grid.

    A finding about KRX shares at most, never a reason to reject a bar: block trades, closes of halted issues and prices
    that a vendor restated lie off it. SPACs trade in whole won since 2026, funds on either of their grids through
    December 2023. US trades may print at any price, and orders of coins may rest from before a change.
    """
    exact, grid = to_decimal(price), get_grid(market, session, segment, kind)
    if exact is None or grid is None:
        return None
    if grid.has(exact):
        return True
    is_krx = market.partition("-")[0] == "kr"
    if is_krx and kind == "spac" and session >= date(2026, 1, 1):
        return _WON.has(exact)
    if is_krx and kind in FUNDS and (session.year, session.month) == (2023, 12):
        return KRX_FUNDS[0][1].has(exact)
    return False


def to_decimal(price: Price | None) -> Decimal | None:
    """A price as an exact number; None where it is missing (None, NaN, infinite)."""
    if price is None:
        return None
    exact = Decimal(f"{price:.{DIGITS}g}") if isinstance(price, float) else Decimal(price)
    return exact if exact.is_finite() else None


# --- daily limits of KRX --------------------------------------------------------------------------------

LIMIT, NARROW_LIMIT = 30, 15
"""Percent of the base price; the narrow one on KONEX, and elsewhere before `WIDER_SINCE`."""
WIDER_SINCE = date(2015, 6, 15)
FREE_FIRST_DAY_SINCE = date(2023, 6, 26)  # 60 to 400 % of the offer price, all day


@dataclass(frozen=True, slots=True)
class PriceLimits:
    """The lowest and the highest price of a session, in won; both can be traded at."""

    lower: Decimal
    upper: Decimal


def get_price_limits(
    base: Price,
    session: date,
    segment: str,
    *,
    kind: str = "stock",
    leverage: int = 1,
    first_day: bool = False,
    liquidation: bool = False,
) -> PriceLimits | None:
    """The daily limits of a KRX instrument whose base price is `base` (the close less the change of the exchange's
    row, which is not the close before after splits, rights or halts).

    30 % on KOSPI and KOSDAQ since 2015-06-15, 15 % before and on KONEX; `leverage` times as much for a leveraged
    fund. The width is truncated to the tick of the base price, base + width to the tick of the band it falls in.

    On the `first_day` of a listing on KOSPI or KOSDAQ since 2023-06-26, `base` is the offer price and the range 60 to
    400 % of it. None where there is no limit, or none that follows from the base: in `liquidation` trading, on other
    first days, and where `base` is missing or not above 0.
    """
    exact = to_decimal(base)
    grid = get_grid("kr", session, segment, kind)
    if exact is None or grid is None or exact <= 0 or liquidation:
        return None
    konex = segment.startswith("KONEX")
    if first_day:
        if konex or session < FREE_FIRST_DAY_SINCE:
            return None
        return PriceLimits(grid.ceil(exact * 60 / 100), grid.floor(exact * 4))
    percent = (NARROW_LIMIT if konex or session < WIDER_SINCE else LIMIT) * leverage
    tick = grid.tick(exact)
    width = exact * percent // 100 // tick * tick
    lower = max(exact - width, grid.sizes[0])
    return PriceLimits(grid.ceil(lower), grid.floor(exact + width))


def get_share_limits(
    bases: NDArray[np.float64], sessions: NDArray[np.datetime64], segments: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(lower, upper), (P,) each: `get_price_limits` of many shares. `bases` (P,) are whole won above 0, which floats
    hold exactly; `sessions` and `segments` (P,)."""
    konex = np.char.startswith(segments, "KONEX")
    percent = np.where(konex | (sessions < np.datetime64(WIDER_SINCE)), NARROW_LIMIT, LIMIT)
    ticks = tick_sizes("kr", sessions, bases, segments)
    width = bases * percent // 100 // ticks * ticks
    lower = np.maximum(bases - width, float(KRX_GRID.sizes[0]))
    upper = bases + width
    low_ticks = tick_sizes("kr", sessions, lower, segments)
    high_ticks = tick_sizes("kr", sessions, upper, segments)
    return np.ceil(lower / low_ticks) * low_ticks, upper // high_ticks * high_ticks
