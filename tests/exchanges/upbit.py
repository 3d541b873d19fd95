"""Imitations of Upbit and Bithumb: one candle API, two clocks.

Behaves as the exchange does: newest first, `to` exclusive and read in UTC (Bithumb: KST) where it
has no zone, one candle where no count is given, at most 200, no candle for a slot without trades,
a forming candle that changes, ten calls a second over all clients with the Remaining-Req header,
429 above that, and a growing 418 ban for who persists.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.exchanges.server import Exchange, Faults, FixedLimit, Request, Response, SlidingLimit

KST = timedelta(hours=9)
SECONDS_BACK = 89 * 86_400


class Tick(NamedTuple):
    """A base candle of a market: everything longer is made from these."""

    opened: int
    open: float
    high: float
    low: float
    close: float
    volume: float


Book = dict[str, list[Tick]]


def generated(start: int, slots: int, *, step: int = 60, density: float = 1.0, seed: int = 1) -> list[Tick]:
    """A market made up for tests: `slots` slots of `step` seconds, each traded with probability `density`."""
    draw = random.Random(seed)
    ticks, price = [], 1000.0
    for number in range(slots):
        if draw.random() >= density:
            continue
        close = max(1.0, round(price + draw.uniform(-5, 5), 1))
        high, low = max(price, close) + 1.0, max(0.5, min(price, close) - 0.4)
        volume = round(draw.uniform(0.1, 9), 6)
        ticks.append(Tick(start + number * step, price, high, low, close, volume))
        price = close
    return ticks


def opening(path: str, when: int, ahead: int) -> int:
    """Opening of the candle that holds a moment: by calendar, on a clock `ahead` seconds of UTC
    for days and longer.
    """
    unit, _, size = path.partition("/")
    if unit == "seconds":
        return when
    if unit == "minutes":
        return when - when % (60 * int(size))
    day = datetime.fromtimestamp(when + ahead, UTC).replace(hour=0, minute=0, second=0)
    if unit == "weeks":
        day -= timedelta(days=day.weekday())
    elif unit == "months":
        day = day.replace(day=1)
    elif unit == "years":
        day = day.replace(month=1, day=1)
    return int(day.timestamp()) - ahead


class QuotationExchange(Exchange):
    """`book` maps markets to ticks, oldest first. Limits can be lifted for tests that are about something else."""

    to_ahead = timedelta(0)  # clock of a `to` without a zone
    day_ahead = 0  # seconds the clock that opens days is ahead of UTC
    paths: tuple[str, ...] = (
        "seconds",
        *(f"minutes/{size}" for size in (1, 3, 5, 10, 15, 30, 60, 240)),
        *("days", "weeks", "months", "years"),
    )

    def __init__(
        self,
        book: Mapping[str, list[Tick]],
        *,
        per_second: int = 10,
        ban_after: int = 5,
        clock: Callable[[], float] = time.time,
        limit: SlidingLimit | FixedLimit | None = None,
        **options: Any,
    ) -> None:
        super().__init__(clock=clock, **options)
        self._limit = limit or SlidingLimit(per_second)
        self._ban_after = ban_after
        self._in_a_row = 0
        self._bans = 0
        self._banned_until = 0.0
        self._candles: dict[tuple[str, str], list[Tick]] = {}
        self._book = dict(book)
        self.tick_sizes: dict[str, str] | None = {}
        self.requests: list[tuple[str, int]] = []  # (to, count) of each candle call
        self.refused = Counter[int]()

    def candles(self, market: str, path: str) -> list[Tick]:
        """All finished candles of a market, oldest first, made from its ticks."""
        if (market, path) not in self._candles:
            made: list[Tick] = []
            for tick in self._book[market]:
                opened = opening(path, tick.opened, self.day_ahead)
                if made and made[-1].opened == opened:
                    old = made[-1]
                    made[-1] = Tick(
                        opened,
                        old.open,
                        max(old.high, tick.high),
                        min(old.low, tick.low),
                        tick.close,
                        old.volume + tick.volume,
                    )
                else:
                    made.append(tick._replace(opened=opened))
            self._candles[market, path] = made
        return self._candles[market, path]

    def answer(self, request: Request, fault: str | None) -> Response:
        refusal = self._refusal(fault)
        if refusal:
            self.refused[refusal.status] += 1
            return refusal
        if request.path == "/v1/market/all":
            return Response.json([{"market": market} for market in sorted(self._book)])
        if request.path == "/v1/orderbook/instruments" and self.tick_sizes is not None:
            names = request.params["markets"].split(",")
            rows = [{"market": name, "quote_currency": "KRW", "tick_size": self.tick_sizes.get(name)} for name in names]
            return Response.json([row for row in rows if row["tick_size"] is not None])
        path = request.path.removeprefix("/v1/candles/")
        if path not in self.paths:
            return Response.json({"error": {"name": 404, "message": "Not Found"}}, 404)
        market = request.params.get("market", "")
        if market not in self._book:
            return Response.json({"error": {"name": 404, "message": "Code not found"}}, 404)
        count = int(request.params.get("count", "1"))
        if not 1 <= count <= 200:
            return Response.json({"error": {"name": 400, "message": "count"}}, 400)
        rows = self._rows(market, path, request.params.get("to"), count)
        self.requests.append((request.params.get("to", ""), count))
        left = self._left
        return Response.json(_spoiled(rows, fault), Remaining_Req=f"group=candles; min=600; sec={left}")

    def _refusal(self, fault: str | None) -> Response | None:
        now = time.monotonic()
        if fault == "banned":
            return Response.json({"error": {"name": 418, "message": "Blocked for 1 seconds"}}, 418)
        if fault == "busy":
            return Response.json({"error": {"name": "too_many_requests"}}, 429)
        if now < self._banned_until:
            left = self._banned_until - now
            return Response.json({"error": {"message": f"Blocked for {left:.3f} seconds"}}, 418)
        self._left = self._limit.take(now)
        if self._left >= 0:
            self._in_a_row = 0
            return None
        self._in_a_row += 1
        if self._in_a_row >= self._ban_after:
            self._bans += 1
            self._banned_until = now + 2.0**self._bans
        return Response.json({"error": {"name": "too_many_requests"}}, 429)

    def _rows(self, market: str, path: str, to: str | None, count: int) -> list[dict[str, Any]]:
        now = int(self.clock())
        before = now + 1 if to is None else min(self._moment(to), now + 1)
        candles = self.candles(market, path)
        last = bisect_left(candles, (before,))
        oldest = now - SECONDS_BACK if path == "seconds" else 0
        chosen = [c for c in candles[max(0, last - count) : last] if c.opened >= oldest]
        return [self._row(market, path, candle, now) for candle in reversed(chosen)]

    def _moment(self, to: str) -> int:
        when = datetime.fromisoformat(to)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC) - self.to_ahead
        seconds = when.timestamp()
        return int(seconds) + (seconds % 1 > 0)

    def _row(self, market: str, path: str, candle: Tick, now: int) -> dict[str, Any]:
        if opening(path, now, self.day_ahead) == candle.opened:
            candle = _forming(candle, now)
        opened = datetime.fromtimestamp(candle.opened, UTC).replace(tzinfo=None)
        return {
            "market": market,
            "candle_date_time_utc": opened.isoformat(),
            "candle_date_time_kst": (opened + KST).isoformat(),
            "opening_price": candle.open,
            "high_price": candle.high,
            "low_price": candle.low,
            "trade_price": candle.close,
            # The last tick, somewhere after the opening: early in one slot, late in the next.
            "timestamp": candle.opened * 1000 + (candle.opened // 60 % 2) * 59_000 + 500,
            "candle_acc_trade_price": round(candle.close * candle.volume, 6),
            "candle_acc_trade_volume": candle.volume,
        }


def _forming(candle: Tick, now: int) -> Tick:
    """The candle as far as it has come: less volume, and a close that moves."""
    seen = candle.volume * (1 + (now - candle.opened) % 50) / 100
    return candle._replace(close=candle.open, volume=round(seen, 6))


def _spoiled(rows: list[dict[str, Any]], fault: str | None) -> list[dict[str, Any]]:
    if fault == "empty":
        return []
    if fault == "blank" and rows:
        # Another value of another candle each time, as the rows of a page are others.
        names = [name for name in rows[0] if name != "market"]
        at = rows[0]["timestamp"] // 1000 % len(rows)
        rows[at][names[rows[0]["timestamp"] // 60_000 % len(names)]] = None
    if fault == "duplicate" and len(rows) > 1:
        return [rows[0], *rows[:-1]]  # one twice, so that the oldest does not fit any more
    if fault == "disorder":
        return [*rows[1::2], *rows[::2]]
    return rows


class UpbitExchange(QuotationExchange):
    """The imitation of Upbit."""


class BithumbExchange(QuotationExchange):
    """The same API on Korean time."""

    to_ahead = KST
    day_ahead = int(KST.total_seconds())
    paths = tuple(p for p in QuotationExchange.paths if p not in ("seconds", "years"))


def small_book(now: float) -> Book:
    """Three markets up to `now` for starting the imitation by hand: busy, sparse, and listed a day ago."""
    start = int(now) // 86_400 * 86_400
    return {
        "KRW-BTC": generated(start - 10 * 86_400, 11 * 1440),
        "KRW-MOC": generated(start - 10 * 86_400, 11 * 1440, density=0.2, seed=2),
        "KRW-NEW": generated(start - 86_400, 2 * 1440, density=0.9, seed=3),
        "KRW-NIL": [],
    }


__all__ = ["BithumbExchange", "Faults", "QuotationExchange", "Tick", "UpbitExchange", "generated"]
