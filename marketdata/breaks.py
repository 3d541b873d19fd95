"""Breaks: sessions from which on an instrument's bars do not continue those before, detected from the bars alone.

A *suspicion* keeps its instrument out of scans and out of the market's index for 252 sessions, that session included,
until a person decides (a factor event; 1 says that the move was real) or the bars are replaced. A *life* begins a new
history: another company under an old code.

Markets with a daily limit find moves without a base price while they are read (`adjust.suspects`), and what the limit
does not allow otherwise by `price_limits`; here they are checked for events alone. Where there is no limit, a jump is
suspected that no real move looks like:

1. `jump`: the session before lies outside the day's range by at least 60 % of the move, the range is at most 40 % of
   the move, the move is at least five times what the instrument moved a day over its last 20 sessions, and the volume
   does not answer: at most three times what the move itself explains for a fall (a split of 1 to n trades n times the
   shares), at most three times the usual for a rise. (Logarithms throughout. Real crashes and takeovers trade 10 to
   1,000 times the usual.) Of these are suspected
   - `split`: the open within 6 % and the close within 15 % of a simple ratio, from 3:2 on, either way;
   - `scale`: the close within 25 % of ten, a hundred, a thousand ... times the close before, or that part of it;
   - `jump`: a move of five times or more, whatever the ratio;
   - `seam`: any jump on a session on which at least 3 and 2 % of the instruments that traded jump.
2. A move of twenty times is always suspected (`scale` or `jump`).
3. `range`: a high more than eight times above, or a low more than eight times below, all of open, close and the close
   before: one field of the bar is wrong.

In every market
4. `event`: a factor event that the bars contradict, as an inverted ratio does (`contradicts`).
5. `life`: more than 60 sessions without a bar.

Measured on 6,329 instruments of the United States over 503 sessions, adjusted for splits (`tests/marketdata/
test_breaks_real.py`): the rest are splits and errors of the data. Everything is causal: the breaks of a
session depend on no later bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.panel import Bools, Floats
from marketdata.price_limits import BASE, REACH, STEP

RULES_VERSION = "breaks 1"
"""Part of every digest of a session on which a rule holds: another rule is another digest."""

LIMIT = "limit"
"""The kind of a move beyond the daily limit, which `adjust.suspects` finds."""
LIFE, SPLIT, SCALE, JUMP, SEAM, RANGE, EVENT = ("life", "split", "scale", "jump", "seam", "range", "event")
USUAL_SESSIONS = 20
"""Sessions before a move from which its instrument's usual move and volume are computed."""
MIN_USUAL = 3
LEAST_MOVE = math.log(1.35)
SUGGEST_NEAR = 0.10
GAP, RANGE_SHARE, TIMES_USUAL, VOLUME = 0.6, 0.4, 5.0, 3.0
OPEN_NEAR, CLOSE_NEAR, SCALE_NEAR = 0.06, 0.15, math.log(1.25)
LARGE, HUGE, WICK = math.log(5), math.log(20), math.log(8)
SEAM_LEAST, SEAM_SHARE = 3, 0.02
EVENT_MOVE = 0.31
REOPENING = (0.35, 2.6)
"""After a corporate action the opening auction of KRX may end at half to double the base price, and the day 30 % beyond
its opening."""
LIFE_SESSIONS = 60

_WHOLE = (*range(2, 11), 12, 15, 16, 18, 20, 24, 25, 28, 30, 35, 40, 45, 50, 60, 70, 75, 80, 100)
SPLIT_RATIOS = np.array(sorted({*(float(n) for n in _WHOLE), 1.5, 2.5, 120, 150, 200, 250, 500, 1000}))
"""Ratios of splits, n:1; their reciprocals are meant too."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Adjusted bars over consecutive sessions, (T, N) each, filled where there is no trade, NaN before an instrument's
    first; `decided` cells are confirmed as real moves."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    decided: Bools


def nearest_split(ratio: float) -> float | None:
    """The simple ratio (a split's factor, such as 0.25 or 1.5) within 10 % of `ratio`; None where none is."""
    both = np.concatenate([1 / SPLIT_RATIOS, SPLIT_RATIOS])
    distance = np.abs(np.log(both / ratio))
    at = int(distance.argmin())
    return float(both[at]) if distance[at] <= SUGGEST_NEAR else None


def find_suspicions(moves: Moves, start: int) -> list[tuple[int, int, str]]:
    """(row, column, kind) of every suspicion from row `start` on, ascending; needs `USUAL_SESSIONS` + 1 rows before."""
    kinds = dict(_jumps(moves, max(start, 1)))
    for cell in _wicks(moves, start):
        kinds.setdefault(cell, RANGE)
    return [(row, column, kind) for (row, column), kind in sorted(kinds.items())]


def _jumps(moves: Moves, start: int) -> list[tuple[tuple[int, int], str]]:
    close = moves.close
    with np.errstate(invalid="ignore", divide="ignore"):
        move = np.log(close[start:] / close[start - 1 : -1])
        row, column = np.nonzero((np.abs(move) >= LEAST_MOVE) & (moves.volume[start:] > 0))
    if not len(row):
        return []
    size = move[row, column]
    row = row + start
    open_moves = ~moves.decided[row, column] & np.isfinite(size)
    row, column, size = row[open_moves], column[open_moves], size[open_moves]
    length = np.abs(size)
    jumps = _is_jump(moves, row, column, size)
    before = close[row - 1, column]
    opened = np.log(moves.open[row, column] / before)
    near_open, near_close = _distance(opened, size)
    split = jumps & (near_open <= OPEN_NEAR) & (near_close <= CLOSE_NEAR)
    tens = np.maximum(np.round(length / np.log(10)), 1) * np.log(10)
    scale = (jumps | (length >= HUGE)) & (np.abs(length - tens) <= SCALE_NEAR)
    large = (jumps & (length >= LARGE)) | (length >= HUGE)
    many = np.bincount(row[jumps], minlength=len(close))
    trading = (moves.volume > 0).sum(axis=1)
    seam = jumps & (many >= np.maximum(SEAM_LEAST, SEAM_SHARE * trading))[row]
    kind = np.select([scale, split, large, seam], [SCALE, SPLIT, JUMP, SEAM], "")
    return [((int(t), int(i)), str(what)) for t, i, what in zip(row, column, kind, strict=True) if what]


def _is_jump(moves: Moves, row: NDArray[np.intp], column: NDArray[np.intp], size: Floats) -> Bools:
    """Mask of the moves that no real move looks like (step 1), (M,)."""
    before = moves.close[row - 1, column]
    high, low = moves.high[row, column], moves.low[row, column]
    length = np.abs(size)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(size > 0, np.log(low / before), -np.log(high / before))
        spread = np.log(high / low)
        usual_move, usual_volume = _usual(moves, row, column)
        answer = moves.volume[row, column] / usual_volume * np.where(size < 0, np.exp(size), 1.0)
    jumps: Bools = (
        (gap >= GAP * length)
        & (spread <= RANGE_SHARE * length)
        & ~(length < TIMES_USUAL * usual_move)
        & ~(answer > VOLUME)
    )
    return jumps


def _usual(moves: Moves, row: NDArray[np.intp], column: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The mean absolute move a day and the median volume of the sessions that traded among the `USUAL_SESSIONS` before,
    (M,) each; NaN where fewer than `MIN_USUAL` did."""
    rows = row[:, None] - np.arange(USUAL_SESSIONS, 0, -1)[None, :]
    inside = rows >= 0
    rows = np.maximum(rows, 0)
    volume = np.where(inside, moves.volume[rows, column[:, None]], np.nan)
    traded = volume > 0
    earlier = moves.close[np.maximum(rows - 1, 0), column[:, None]]
    with np.errstate(invalid="ignore", divide="ignore"):
        move = np.abs(np.log(moves.close[rows, column[:, None]] / earlier))
    usable = traded & np.isfinite(move) & (rows > 0)
    count = usable.sum(axis=1)
    mean = np.where(usable, move, 0.0).sum(axis=1) / np.maximum(count, 1)
    ordered = np.sort(np.where(traded, volume, np.nan), axis=1)  # NaN last
    number = traded.sum(axis=1)
    each = np.arange(len(row))
    low, high = np.maximum(number - 1, 0) // 2, number // 2
    median = (ordered[each, low] + ordered[each, np.minimum(high, USUAL_SESSIONS - 1)]) / 2
    return (np.where(count >= MIN_USUAL, mean, np.nan), np.where(number >= MIN_USUAL, median, np.nan))


def _distance(opened: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Distances of the open and the close from the simple ratio nearest to the open, (M,) each."""
    simple = np.log(np.concatenate([1 / SPLIT_RATIOS[::-1], SPLIT_RATIOS]))
    nearest = simple[np.abs(opened[:, None] - simple[None, :]).argmin(axis=1)]
    return np.abs(opened - nearest), np.abs(size - nearest)


def _wicks(moves: Moves, start: int) -> list[tuple[int, int]]:
    """Cells whose high or low alone lies far from all other prices."""
    low = max(start, 1)
    before = moves.close[low - 1 : -1]
    body = np.stack([moves.open[low:], moves.close[low:], before])
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.log(moves.high[low:] / np.fmax.reduce(body)) > WICK
        far |= np.log(np.fmin.reduce(body) / moves.low[low:]) > WICK
    far &= (moves.volume[low:] > 0) & ~moves.decided[low:]
    return [(int(t) + low, int(i)) for t, i in np.argwhere(far)]


def contradicts(move: float, ratio: float, limit: float | None) -> bool:
    """Whether an event's `ratio` cannot be that of a `move` (close / close before, both raw). A ratio of 1 (the move
    was real) never contradicts.

    With a daily `limit`: what the event leaves lies beyond it, and either the move itself does too, so that the event
    does not explain it, or the inverted ratio would leave less than there was, or more is left than any reopening
    allows (`REOPENING`). Without one: the event leaves more than 31 %, and more than there was without it (of an event
    of a fifth and more: a real move may have gone against a small one)."""
    if ratio == 1.0:
        return False
    left = move / ratio
    if limit is None:
        is_large = abs(math.log(ratio)) >= math.log(1.2)
        return is_large and abs(left - 1) > EVENT_MOVE and _length(left) > _length(move)
    if abs(left - 1) <= limit:
        return False
    is_inverted = _length(move * ratio) < _length(move)
    return abs(move - 1) > limit or is_inverted or not REOPENING[0] <= left <= REOPENING[1]


def _length(move: float) -> float:
    return abs(math.log(move))


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """One break: the session (ISO) from which on the bars do not continue those before, the instrument, the kind, the
    raw close before and that of the session; `ratio` is that of the factor event of an `event`, base price / close
    before of what `price_limits` suspects, else 0; `since` the last day (ISO) with a bar before a new `life`, else "".
    """

    session: str
    code: str
    kind: str
    before: float
    close: float
    ratio: float = 0.0
    since: str = ""

    @property
    def is_suspicion(self) -> bool:
        return self.kind != LIFE

    def nearest_split(self) -> float | None:
        """The factor of the simple split that is near the move, None where none is, or where it is no split."""
        if self.kind in (LIFE, RANGE, BASE, REACH, STEP) or not self.before > 0:
            return None
        return nearest_split(self.close / self.before)

    def sentence(self) -> str:
        """The reason in words, with its numbers."""
        move = f"{self.before:g} -> {self.close:g}"
        if self.kind == EVENT:
            without, left = self.close / self.before, self.close / (self.before * self.ratio)
            return (
                f"the event's ratio {self.ratio:g} leaves a move of {left:.4g} times, {without:.4g} times without it "
                f"({move}): is it inverted ({1 / self.ratio:g})?"
            )
        if self.kind == LIFE:
            return f"no bar since {self.since}: another instrument under an old code, its age counts from here"
        if self.kind in (BASE, REACH, STEP):
            return self._limit_sentence()
        split = self.nearest_split()
        near = f", near {format_ratio(split)}" if split else ""
        sentences = {
            LIMIT: f"{move} without a base price or an event, beyond the daily limit{near}",
            SPLIT: f"{move} without an event{near}: a split?",
            SCALE: f"{move}{near}: off by a power of ten?",
            JUMP: f"{move}{near}: a move without trades",
            SEAM: f"{move} together with many others: a seam between two downloads?",
            RANGE: f"{move}: the high or the low lies far from everything else",
        }
        return sentences[self.kind]

    def _limit_sentence(self) -> str:
        base = self.before * self.ratio
        if self.kind == STEP:
            step = f"a base price of {base:,.10g} after a close of {self.before:,.10g}"
            return f"{step}: is one of them off by a power of ten?"
        if self.kind == REACH:
            fine = f"the close {self.close:,.10g} does not"
            return f"the open, high or low lies beyond the daily limit around {base:,.10g}, {fine}"
        times = self.close / base
        return f"{self.close:,.10g} is {times:.4g} times its base price {base:,.10g}, beyond the daily limit"


def format_ratio(factor: float) -> str:
    """A price factor as splits are written: 0.25 is 4:1, 30 is 1:30, 2/3 is 3:2."""
    for low in (1, 2, 3):
        new, old = (low / factor, float(low)) if factor < 1 else (float(low), low * factor)
        if abs(new - round(new)) < 1e-6 and abs(old - round(old)) < 1e-6:
            return f"{round(new)}:{round(old)}"
    return f"{factor:g}"
