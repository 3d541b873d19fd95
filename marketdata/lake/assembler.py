"""Assembles a panel: months are unpacked into arrays, which are filled and adjusted.

Each month's rows become a block (codes, days) by the roster's masks, so that no code or date column is read, and are
transposed into the (sessions, codes) arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import adjust, carried_caps
from marketdata.breaks import Break
from marketdata.context_threads import ContextThreadPool
from marketdata.lake import arrays, footers, schema
from marketdata.lake.forming import FormingBars
from marketdata.lake.lives import Lives
from marketdata.lake.window_plan import WindowPlan
from marketdata.panel import Floats, Panel
from marketdata.sealed_files import Footer, SealedFile
from marketdata.sorted_search import positions_in

ADJUSTED = ("open", "high", "low", "close")
FEW = 8
"""Requested instruments are few where so many times as many lie between them: their rows alone are unpacked."""


class PanelAssembler:
    """One read in progress: the arrays of a panel of the instruments `codes`."""

    def __init__(self, window: WindowPlan, codes: NDArray[np.bytes_]) -> None:
        self.window, self.codes = window, codes
        self.shape = (len(window.sessions), len(codes))
        self.state = np.zeros(self.shape, dtype=np.uint8)
        self.arrays: dict[str, Floats] = {"close": np.full(self.shape, np.nan)}
        rows = self.shape[0] - window.start
        self.segments: list[str] = []
        self._segment_lock = Lock()
        self.segment = np.full((rows, len(codes)), -1, dtype=np.int8)
        self.flags = np.zeros((rows, len(codes)), dtype=np.uint8)
        self.steps: list[tuple[NDArray[np.intp], Floats]] = []
        self.events: list[tuple[NDArray[np.intp], Floats]] = []
        self.lives: Lives | None = None

    def read(self, tails: Mapping[str, int], threads: int) -> None:
        for name, rows in tails.items():
            self.arrays[name] = np.full((self.shape[0] - self.window.start + rows, self.shape[1]), np.nan)
        survey = self.window.survey
        jobs = list(zip(survey.parts, survey.rosters, survey.footers, strict=True))
        if threads > 1:
            with ContextThreadPool(threads) as pool:
                list(pool.map(lambda job: self._month(*job), jobs))
        else:
            for job in jobs:
                self._month(*job)
        if window_bars := self.window.forming:
            self._append(window_bars)
        births = [one for one in self.window.breaks if not one.is_suspicion]
        if births:
            self._divide(births)

    def _month(self, part: footers.Part, roster: schema.Roster, footer: Footer) -> None:
        window = self.window
        first = np.datetime64(part.month)
        after = (first.astype("datetime64[M]") + 1).astype("datetime64[D]")
        low, high = np.searchsorted(window.sessions, [first, after])
        if not len(self.codes) or low == high:
            return
        begin = np.searchsorted(roster.codes, self.codes[0], side="left")
        end = np.searchsorted(roster.codes, self.codes[-1], side="right")
        kept, columns = footers.matches(self.codes, roster.codes[begin:end])
        if not len(columns):
            return
        codes: NDArray[np.intp] | slice = slice(int(begin), int(end))
        if not isinstance(kept, slice) and len(kept) * FEW < end - begin:
            codes, kept = begin + kept, slice(None)
        slot = MonthSlot(
            rows=slice(int(low), int(high)),
            days=(window.sessions[low:high] - first).astype(np.intp),
            codes=codes,
            kept=kept,
            columns=_slice(columns),
            present=schema.unpack_masks(roster.present[codes]),
        )
        self._state(roster, slot)
        self._sparse(roster, slot)
        wanted = [name for name, array in self.arrays.items() if high > self.shape[0] - len(array)]
        labelled = high > window.start
        if not slot.present.any():
            return
        rows = _rows_of(codes, np.bitwise_count(roster.present).astype(np.int64))
        with footers.open_file(window.lake, part.path, expected=footer) as file:
            table, at = _table(file, [*wanted, *(["segment", "flags"] if labelled else [])], rows)
        for name in wanted:
            self._put(name, arrays.floats(table.column(name))[at], slot)
        if labelled:
            self._label(table, at, slot)

    def _state(self, roster: schema.Roster, slot: MonthSlot) -> None:
        bits: NDArray[np.uint8] = slot.present[:, slot.days].view(np.uint8)
        bits |= schema.unpack_masks(roster.traded[slot.codes])[:, slot.days].view(np.uint8) << 1
        bits |= schema.unpack_masks(roster.based[slot.codes])[:, slot.days].view(np.uint8) << 2
        self.state[slot.rows, slot.columns] = bits[slot.kept].T

    def _sparse(self, roster: schema.Roster, slot: MonthSlot) -> None:
        row_of_day = np.full(32, -1)
        row_of_day[slot.days] = np.arange(slot.rows.start, slot.rows.stop)
        columns = np.full(len(roster.codes), -1)
        columns[np.arange(len(roster.codes))[slot.codes][slot.kept]] = np.arange(self.shape[1])[slot.columns]
        for entries, kept in ((roster.steps, self.steps), (roster.events, self.events)):
            code, row = entries["code"], row_of_day[entries["day"]]
            inside = (row >= 0) & (entries["value"] > 0)  # a base price of 0 was recorded for a missing one once
            column, value = columns[code[inside]], entries["value"][inside]
            chosen = column >= 0
            kept.append((row[inside][chosen] * self.shape[1] + column[chosen], value[chosen]))

    def _put(self, name: str, values: NDArray[np.float64], slot: MonthSlot) -> None:
        block = np.full(slot.present.shape, np.nan)
        block[slot.present] = values
        array = self.arrays[name]
        offset = self.shape[0] - len(array)
        skipped = max(offset - slot.rows.start, 0)
        rows = slice(slot.rows.start + skipped - offset, slot.rows.stop - offset)
        array[rows, slot.columns] = block[slot.kept][:, slot.days[skipped:]].T

    def _label(self, table: pa.Table, at: NDArray[np.intp] | slice, slot: MonthSlot) -> None:
        skipped = max(self.window.start - slot.rows.start, 0)
        rows = slice(slot.rows.start + skipped - self.window.start, slot.rows.stop - self.window.start)
        days = slot.days[skipped:]
        column: Any = table.column("segment").combine_chunks()
        names = np.array([self._segment(name) for name in column.dictionary.to_pylist()] or [-1], np.int8)
        segment = np.full(slot.present.shape, -1, dtype=np.int8)
        segment[slot.present] = names[np.from_dlpack(column.indices)[at]]
        self.segment[rows, slot.columns] = segment[slot.kept][:, days].T
        flags = np.zeros(slot.present.shape, dtype=np.uint8)
        flags[slot.present] = arrays.octets(table.column("flags"))[at]
        self.flags[rows, slot.columns] = flags[slot.kept][:, days].T

    def _append(self, bars: FormingBars) -> None:
        """Put the bars of the forming session into the last row, in place of what the lake has there."""
        begin = (self.shape[0] - 1) * self.shape[1]
        for entries in (self.steps, self.events):
            entries[:] = [(at[at < begin], values[at < begin]) for at, values in entries]
        columns, rows = bars.places(self.codes)
        self.state[-1] = 0
        self.state[-1, columns] = bars.state[rows]
        for name, array in self.arrays.items():
            array[-1] = np.nan
            if name in bars.values:
                array[-1, columns] = bars.values[name][rows]
        numbers = np.array([*(self._segment(name) for name in bars.segments), -1], dtype=np.int8)
        self.segment[-1], self.flags[-1] = -1, 0
        self.segment[-1, columns] = numbers[bars.segment[rows]]
        self.flags[-1, columns] = bars.flags[rows]
        base = bars.values["base_price"][rows]
        self.steps.append((begin + columns[base > 0], base[base > 0]))

    def _divide(self, births: Sequence[Break]) -> None:
        """Give each life of an instrument a column of its own (`lives`)."""
        lives = Lives.of(births, self.window.sessions, self.codes, self.state, self.window.start)
        if lives is None:
            return
        sessions, codes = self.shape
        if len(lives.source) > codes:
            take = lives.source
            self.codes, self.state = self.codes[take], self.state[:, take]
            self.arrays = {name: array[:, take] for name, array in self.arrays.items()}
            self.segment, self.flags = self.segment[:, take], self.flags[:, take]
            self.shape = (sessions, len(take))
        for column in lives.touched.tolist():
            outside = np.ones(sessions, dtype=bool)
            outside[lives.low[column] : lives.high[column]] = False
            self.state[outside, column] = 0
            for array in self.arrays.values():
                array[outside[sessions - len(array) :], column] = np.nan
            self.segment[outside[self.window.start :], column] = -1
            self.flags[outside[self.window.start :], column] = 0
        for kept in (self.steps, self.events):
            for n, (cells, values) in enumerate(kept):
                at, inside = lives.moved(cells, codes)
                kept[n] = at[inside], values[inside]
        self.lives = lives

    def _segment(self, name: str) -> int:
        with self._segment_lock:
            if name not in self.segments:
                self.segments.append(name)
            return self.segments.index(name)

    def suspects(self) -> list[tuple[np.datetime64, str, float, float]]:
        """The suspected corporate actions of the window: (session, code, raw close before, raw close)."""
        close, instruments = self.arrays["close"], self.shape[1]
        _, ratio, _, _ = self._completion
        suspects = []
        for cell in self._suspects(ratio, 0).tolist():
            t, i = divmod(cell, instruments)
            code = self.codes[i].decode()
            before = float(close[t - 1, i]) if t else np.nan
            suspects.append((self.window.sessions[t], code, before, float(close[t, i])))
        return suspects

    def panel(self, reach: Mapping[str, int], *, returns: bool) -> Panel:
        """The panel of the arrays, filled, adjusted and frozen."""
        start, (sessions, instruments) = self.window.start, self.shape
        close = self.arrays["close"]
        base, ratio, first, idle = self._completion
        suspect = self._suspects(ratio, start - adjust.SUSPECT_SESSIONS + 1)
        fields = self._tails(close, idle, reach)
        factors = adjust.factors(close, base, ratio)
        if "market_cap" in fields:
            caps = self._carried_caps(base, ratio, factors)
            fields["market_cap"] = caps[start - reach["market_cap"] - sessions :]
        if returns:
            fields["returns"] = adjust.returns(close, factors, start)
        columns, product = adjust.products(factors, sessions, instruments)
        for name, array in fields.items():
            if name in ADJUSTED:
                array[:, columns] *= product[sessions - len(array) :]
            elif name == "volume":
                array[:, columns] /= product[sessions - len(array) :]
            array.flags.writeable = False
        kept = {*reach, "returns"}
        return Panel(
            market=self.window.market,
            sessions=self.window.sessions,
            start=start,
            codes=self._texts(),
            first=first,
            fields={name: array for name, array in fields.items() if name in kept},
            segments=tuple(self.segments),
            segment=self.segment,
            flags=self.flags,
            suspect=adjust.suspect_mask(suspect, instruments, start, sessions),
        )

    @cached_property
    def _completion(self) -> tuple[adjust.Sparse, adjust.Sparse, NDArray[np.int32], NDArray[np.bool_]]:
        """Fill the closes; base prices, event ratios, first bars (N,) and the cells without a trade (T, N)."""
        closes = self.window.carry
        carry = np.full(self.shape[1], np.nan)
        if closes:
            carry[:] = [closes.get(str(code), np.nan) for code in self._texts()]
        if self.lives is not None:
            carry[self.lives.fresh] = np.nan
        base, ratio = _joined(self.steps), _joined(self.events)
        first = adjust.first_bars(self.state, np.isfinite(carry))
        idle = adjust.fill(self.arrays["close"], self.state, first, carry, base, ratio)
        return base, ratio, first, idle

    def _carried_caps(self, base: adjust.Sparse, ratio: adjust.Sparse, factors: adjust.Sparse) -> Floats:
        """The recorded caps with those of the sessions between carried; the closes are filled and raw."""
        caps, window = self.arrays["market_cap"], self.window
        row = self.shape[0] - len(caps)
        cap, expected = np.full((2, self.shape[1]), np.nan)
        columns, at = self._with_cap(row)
        cells = row * self.shape[1] + columns
        based = base.look_up(cells, np.nan)
        cap[columns], before = window.caps.cap[at], window.caps.close[at]
        expected[columns] = before * np.where(np.isnan(based), ratio.look_up(cells, 1.0), based / before)
        carried_caps.carry(caps, self.arrays["close"], factors, cap, expected)
        return caps

    def _with_cap(self, row: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The columns that have a carried cap before `row`, and their places in the window's state of caps."""
        at = positions_in(self.window.caps.codes, self.codes)
        inside = at >= 0
        if (lives := self.lives) is not None:
            inside &= (lives.low < max(row, 1)) & (lives.high > row) & ~(lives.fresh & (lives.low >= row))
        columns = np.flatnonzero(inside)
        return columns, at[columns]

    def _suspects(self, ratio: adjust.Sparse, start: int) -> NDArray[np.intp]:
        limit, from_breaks = self.window.suspect_move, self._broken()
        if limit is None:
            return from_breaks
        beyond_limit = adjust.suspects(self.arrays["close"], self.state, ratio, limit=limit, start=start)
        return np.union1d(beyond_limit, from_breaks) if len(from_breaks) else beyond_limit

    def _broken(self) -> NDArray[np.intp]:
        """The cells of the window's breaks that are suspicions, ascending."""
        cells = []
        for one in self.window.breaks:
            row = int(np.searchsorted(self.window.sessions, np.datetime64(one.session)))
            column = int(np.searchsorted(self.codes, one.code.encode()))
            if one.is_suspicion and row < self.shape[0]:
                while column < self.shape[1] and self.codes[column].decode() == one.code:
                    if self.state[row, column] & adjust.PRESENT:
                        cells.append(row * self.shape[1] + column)
                    column += 1
        return np.array(sorted(cells), dtype=np.intp)

    def _texts(self) -> NDArray[np.str_]:
        return np.char.decode(self.codes, "utf-8") if len(self.codes) else np.empty(0, "U1")

    def _tails(self, close: Floats, idle: NDArray[np.bool_], reach: Mapping[str, int]) -> dict[str, Floats]:
        """The fields with their sessions without a trade filled, still raw."""
        fields = dict(self.arrays)
        if "raw_close" in reach:
            fields["raw_close"] = close[self.window.start - reach["raw_close"] :].copy()
        for name, array in fields.items():
            quiet, level = idle[len(idle) - len(array) :], close[len(close) - len(array) :]
            if name in ("open", "high", "low"):
                array[array == 0] = np.nan
                np.copyto(array, level, where=np.isnan(array) | quiet)
            elif name == "volume":
                array[quiet] = 0.0
        if "amount" in fields:
            array = fields["amount"]
            rows = len(array)
            volume = fields["volume"][-rows:]
            unknown = np.isnan(array) | ((array == 0) & (volume > 0))  # nothing is traded for nothing
            np.copyto(array, close[-rows:] * volume, where=unknown)
            array[idle[len(idle) - rows :]] = 0.0
        return fields


@dataclass(frozen=True, slots=True)
class MonthSlot:
    """The position of a month in the arrays: its rows of the window, their days of the month; `codes` of its roster
    from the first requested one to the last, or where few are requested these alone, which of them have a bar on which
    day (codes, 32), which of them are requested (`kept`), and the columns of these."""

    rows: slice
    days: NDArray[np.intp]
    codes: NDArray[np.intp] | slice
    kept: NDArray[np.intp] | slice
    columns: NDArray[np.intp] | slice
    present: NDArray[np.bool_]


def _slice(at: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Consecutive positions as a slice: assignment to it copies, to an index array it scatters."""
    if len(at) and at[-1] - at[0] + 1 == len(at):
        return slice(int(at[0]), int(at[-1]) + 1)
    return at


def _rows_of(codes: NDArray[np.intp] | slice, counts: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    """The rows in the file, ascending, of `codes`, which are ascending: `counts` are those of every code of it."""
    ends = np.cumsum(counts)
    if isinstance(codes, slice):
        return slice(int(ends[codes.start] - counts[codes.start]), int(ends[codes.stop - 1]))
    own = counts[codes]
    rows: NDArray[np.int64] = np.repeat(ends[codes] - np.cumsum(own), own) + np.arange(own.sum())
    return rows


def _table(
    file: SealedFile, columns: list[str], rows: NDArray[np.int64] | slice
) -> tuple[pa.Table, NDArray[np.int64] | slice]:
    """The row groups that the `rows` of the file lie in, and where in these rows they are."""
    sizes = np.array([file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)])
    ends = np.cumsum(sizes)
    if isinstance(rows, slice):
        low, high = np.searchsorted(ends, [rows.start, rows.stop - 1], side="right").tolist()
        skipped = int(ends[low] - sizes[low])
        return file.table(columns, range(low, high + 1)), slice(rows.start - skipped, rows.stop - skipped)
    group = np.searchsorted(ends, rows, side="right")
    groups = np.unique(group)
    skips = ends[groups] - np.cumsum(sizes[groups])
    return file.table(columns, groups.tolist()), rows - skips[np.searchsorted(groups, group)]


def _joined(parts: list[tuple[NDArray[np.intp], Floats]]) -> adjust.Sparse:
    if not parts:
        return adjust.Sparse(np.empty(0, np.intp), np.empty(0))
    at, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    return adjust.Sparse(at[order], value[order])
