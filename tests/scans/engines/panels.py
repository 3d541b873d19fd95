"""Small random markets for the engines' tests: prices in ticks (so that exact ties occur), halts, late listings,
splits, investor flow with gaps, a market index with shocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import FIELDS, FLOW_FIELDS, INVESTORS, Floats, Panel
from scans.engines.base import MarketIndex, Universe

SEGMENTS = ("KOSPI", "KOSDAQ", "KONEX")
PRICES = ("open", "high", "low", "close", "volume")


def panel(
    seed: int = 0,
    *,
    sessions: int = 130,
    instruments: int = 12,
    span: int = 30,
    dirty: bool = True,
) -> Panel:
    """A random market: the last `span` of `sessions` are scored; a clean one has neither halts, late listings,
    splits nor flags."""
    rng = np.random.default_rng(seed)
    shape = (sessions, instruments)
    fields = _bars(rng, shape)
    first = np.zeros(instruments, dtype=np.int32)
    flags = np.zeros((span, instruments), dtype=np.uint8)
    suspect = np.zeros((span, instruments), dtype=bool)
    if dirty:
        _halt(rng, fields)
        _split(rng, fields)
        late = rng.random(instruments) < 0.25
        first[late] = rng.integers(1, sessions + 1, late.sum())
        before = np.arange(sessions)[:, None] < first
        for values in fields.values():
            values[before] = np.nan
        flags[:, rng.random(instruments) < 0.05] = 2
        suspect[: span // 2, rng.random(instruments) < 0.05] = True
    segment = np.broadcast_to(rng.integers(0, 2, instruments), (span, instruments)).astype(np.int8)
    fields |= _flows(np.random.default_rng(seed + 1), fields)
    fields["market_cap"] = _caps(fields["raw_close"])
    return _read_only(
        Panel(
            market="kr",
            sessions=np.datetime64("2024-01-02") + np.arange(sessions),
            start=sessions - span,
            codes=np.array([f"{at:06d}" for at in range(instruments)], dtype="U6"),
            first=first,
            fields=fields,
            segments=SEGMENTS,
            segment=segment,
            flags=flags,
            suspect=suspect,
        )
    )


def _bars(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, Floats]:
    """Bars whose prices are whole ticks; each instrument has its own volatility, drift and liquidity."""
    sessions, instruments = shape
    calm = rng.uniform(0.003, 0.025, instruments)
    wave = np.sin(np.arange(sessions)[:, None] / rng.uniform(4, 25, instruments) + rng.uniform(0, 6, instruments))
    moves = rng.normal(0.0004, 1, shape) * calm + 0.4 * calm * wave
    moves[rng.random(shape) < 0.15] = 0
    price = rng.choice([1_500, 2_500, 4_000, 30_000], instruments) * np.exp(np.cumsum(moves, axis=0))
    tick = np.where(price < 5_000, 5, 50)
    close = np.maximum(np.round(price / tick), 1) * tick
    spread = np.round(np.abs(rng.normal(0, 1, shape)) * calm * close / tick) * tick
    open_ = np.maximum(close + np.round(rng.normal(0, 0.7, shape) * calm * close / tick) * tick, tick)
    high = np.maximum(open_, close) + spread
    low = np.maximum(np.minimum(open_, close) - spread, tick)
    volume = np.round(np.exp(rng.normal(0, 0.5, shape)) * rng.choice([50, 4e5, 2e6], instruments))
    volume *= np.where(rng.random(shape) < 0.08, 6, 1)
    volume = np.maximum(volume, 1)
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "amount": close * volume,
        "raw_close": close.copy(),
    }


def _halt(rng: np.random.Generator, fields: dict[str, Floats]) -> None:
    """Runs without trade: the close before stays, volume and amount are 0."""
    sessions, instruments = fields["close"].shape
    for column in np.flatnonzero(rng.random(instruments) < 0.3):
        begin = int(rng.integers(1, sessions))
        end = min(sessions, begin + int(rng.integers(1, 30)))
        for name in ("open", "high", "low", "close"):
            fields[name][begin:end, column] = fields["close"][begin - 1, column]
        fields["raw_close"][begin:end, column] = fields["close"][begin - 1, column]
        fields["volume"][begin:end, column] = 0
        fields["amount"][begin:end, column] = 0


def _split(rng: np.random.Generator, fields: dict[str, Floats]) -> None:
    """One corporate action: before it raw closes stood at another level than the adjusted ones."""
    sessions, instruments = fields["close"].shape
    for column in np.flatnonzero(rng.random(instruments) < 0.3):
        at = int(rng.integers(1, sessions))
        fields["raw_close"][:at, column] *= float(rng.choice([0.2, 0.7, 3.0]))


def _caps(raw_close: Floats) -> Floats:
    """Market caps, which some instruments have from a later session on, and some never."""
    sessions, instruments = raw_close.shape
    column = np.arange(instruments)
    caps: Floats = raw_close * 1e6 * (1 + column)
    caps[np.arange(sessions)[:, None] < np.where(column % 3 == 1, sessions * (column % 4) // 3, 0)] = np.nan
    return caps


def _flows(rng: np.random.Generator, fields: dict[str, Floats]) -> dict[str, Floats]:
    """Net buying of a few percent of the volume: as a quantity here, as a value there, as both, and on one session in a
    hundred as neither."""
    result: dict[str, Floats] = {}
    shares = fields["volume"] * fields["close"] / fields["raw_close"]
    for who in INVESTORS:
        quantity = shares * rng.normal(0.01, 0.06, shares.shape)
        value = quantity * fields["raw_close"] * rng.uniform(0.98, 1.02, shares.shape)
        kind = rng.choice(4, shares.shape, p=[0.4, 0.4, 0.19, 0.01])
        quantity[(kind == 1) | (kind == 3)] = np.nan
        value[(kind == 0) | (kind == 3)] = np.nan
        result |= {f"{who}_net_quantity": quantity, f"{who}_net_value": value}
    return result


def _read_only(made: Panel) -> Panel:
    for values in (
        *made.fields.values(),
        made.sessions,
        made.codes,
        made.first,
        made.segment,
        made.flags,
        made.suspect,
    ):
        values.flags.writeable = False
    return made


def index(made: Panel, seed: int = 0, *, before: int = 40, unknown: bool = True) -> MarketIndex:
    """A market index over the panel's sessions and `before` earlier ones, calm and wild stretches in turn."""
    rng = np.random.default_rng(seed)
    sessions = np.concatenate([made.sessions[0] - np.arange(before, 0, -1), made.sessions])
    count = len(sessions)
    wild = np.repeat(rng.uniform(0.002, 0.012, count // 15 + 1), 15)[:count]
    drift = np.repeat(rng.normal(0, 0.003, count // 15 + 1), 15)[:count]
    m = rng.normal(0, 1, count) * wild + drift
    ranges = rng.uniform(0.01, 0.05, count)
    m[0] = np.nan
    if unknown:
        at = int(rng.integers(1, count - 1))
        m[at : at + 2] = np.nan
        ranges[at] = np.nan
    return MarketIndex(sessions=sessions, m=m, range=ranges)


def universe(made: Panel, min_bars: int, segments: tuple[str, ...] = ("KOSPI", "KOSDAQ")) -> Universe:
    """The universe of the scored sessions."""
    close = made["close"]
    before = np.vstack([np.full((1, close.shape[1]), np.nan), close])[made.start : -1]
    return Universe(
        sessions=made.output_sessions,
        codes=made.codes,
        eligible=made.eligible(segments=segments, min_bars=min_bars),
        amount=made["amount"][made.start :],
        close=made["raw_close"][made.start :],
        change_pct=100 * (close[made.start :] / before - 1),
        segment=made.segment,
        segments=made.segments,
    )


def bare_universe(sessions: int, instruments: int, amount: Floats) -> Universe:
    """A universe of which only the turnover matters."""
    shape = (sessions, instruments)
    return Universe(
        sessions=np.datetime64("2024-01-02") + np.arange(sessions),
        codes=np.array([f"{at:06d}" for at in range(instruments)]),
        eligible=np.ones(shape, dtype=bool),
        amount=amount,
        close=np.ones(shape),
        change_pct=np.zeros(shape),
        segment=np.zeros(shape, dtype=np.int8),
        segments=SEGMENTS,
    )


def columns(made: Panel, kept: NDArray[Any], codes: NDArray[np.str_] | None = None) -> Panel:
    """The panel with only the columns `kept`, in that order, under their own or other (ascending) codes."""
    return _read_only(
        replace(
            made,
            codes=made.codes[kept] if codes is None else codes,
            first=made.first[kept],
            fields={name: values[:, kept] for name, values in made.fields.items()},
            segment=made.segment[:, kept],
            flags=made.flags[:, kept],
            suspect=made.suspect[:, kept],
        )
    )


def until(made: Panel, end: int) -> Panel:
    """The panel cut off after session number `end - 1`."""
    span = end - made.start
    return _read_only(
        replace(
            made,
            sessions=made.sessions[:end],
            first=np.minimum(made.first, end).astype(np.int32),
            fields={name: values[: end - len(made.sessions) or None] for name, values in made.fields.items()},
            segment=made.segment[:span],
            flags=made.flags[:span],
            suspect=made.suspect[:span],
        )
    )


def since(made: Panel, begin: int) -> Panel:
    """The panel without its first `begin` sessions."""
    return _read_only(
        replace(
            made,
            sessions=made.sessions[begin:],
            start=made.start - begin,
            first=np.maximum(made.first - begin, 0).astype(np.int32),
            fields={name: values[-(len(made.sessions) - begin) :] for name, values in made.fields.items()},
        )
    )


def changed(made: Panel, **fields: Floats) -> Panel:
    """The panel with other values in some fields."""
    assert set(fields) <= {*FIELDS, *FLOW_FIELDS}
    return _read_only(replace(made, fields={**made.fields, **fields}))


def rescaled(made: Panel, column: int, factor: float) -> Panel:
    """The panel with one instrument's adjusted prices times `factor` and its volume divided by it."""
    fields = {name: values.copy() for name, values in made.fields.items()}
    for name in ("open", "high", "low", "close"):
        fields[name][:, column] *= factor
    fields["volume"][:, column] /= factor
    return _read_only(replace(made, fields=fields))


def asking_last(made: Panel, span: int) -> Panel:
    """The same bars, with only the last `span` sessions scored."""
    return _read_only(
        replace(
            made,
            start=len(made.sessions) - span,
            segment=made.segment[-span:],
            flags=made.flags[-span:],
            suspect=made.suspect[-span:],
        )
    )


def index_until(series: MarketIndex, last: np.datetime64) -> MarketIndex:
    """The index cut off after the session `last`."""
    end = int(np.searchsorted(series.sessions, last, side="right"))
    return MarketIndex(series.sessions[:end], series.m[:end], series.range[:end])
