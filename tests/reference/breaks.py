"""Which sessions of one instrument do not continue those before (`marketdata.breaks`), one session after the other, in
plain Python. A day is (open, high, low, close, volume), adjusted, or None before the first bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

Day = tuple[float, float, float, float, float] | None

WHOLE = (*range(2, 11), 12, 15, 16, 18, 20, 24, 25, 28, 30, 35, 40, 45, 50, 60, 70, 75, 80, 100)
RATIOS = (1.5, 2.5, *WHOLE, 120, 150, 200, 250, 500, 1000)


def is_jump(days: Sequence[Day], t: int) -> bool:
    """Whether no real move looks like that of day t."""
    now, before = days[t], days[t - 1] if t else None
    if now is None or before is None or now[4] <= 0:
        return False
    _, high, low, close, volume = now
    move = math.log(close / before[3])
    size = abs(move)
    if size < math.log(1.35):
        return False
    gap = math.log(low / before[3]) if move > 0 else math.log(before[3] / high)
    if gap < 0.6 * size or math.log(high / low) > 0.4 * size:
        return False
    volumes, moves = [], []
    for s in range(max(t - 20, 0), t):
        day, earlier = days[s], days[s - 1] if s else None
        if day is None or day[4] <= 0:
            continue
        volumes.append(day[4])
        if earlier is not None:
            moves.append(abs(math.log(day[3] / earlier[3])))
    if len(moves) >= 3 and size < 5 * sum(moves) / len(moves):
        return False
    if len(volumes) < 3:
        return True
    answer = volume / median(volumes) * (close / before[3] if move < 0 else 1.0)
    return answer <= 3


def kind(days: Sequence[Day], t: int, *, many: bool) -> str:
    """The kind of suspicion of day t, "" for none; `many` instruments jump on that day."""
    now, before = days[t], days[t - 1] if t else None
    if now is None or before is None or now[4] <= 0:
        return ""
    opened, high, low, close, _ = now
    move = math.log(close / before[3])
    size, jump = abs(move), is_jump(days, t)
    if jump or size >= math.log(20):
        tens = max(round(size / math.log(10)), 1)
        if abs(size - tens * math.log(10)) <= math.log(1.25):
            return "scale"
    if jump:
        both = [float(n) for n in RATIOS] + [1 / n for n in RATIOS]
        gap = math.log(opened / before[3])
        nearest = min(both, key=lambda ratio: abs(math.log(ratio) - gap))
        if abs(gap - math.log(nearest)) <= 0.06 and abs(move - math.log(nearest)) <= 0.15:
            return "split"
    if (jump and size >= math.log(5)) or size >= math.log(20):
        return "jump"
    if jump and many:
        return "seam"
    body = [opened, close, before[3]]
    if high > 8 * max(body) or low < min(body) / 8:
        return "range"
    return ""
