"""How long to wait where an answer says that no calls are left (`Remaining-Req: ...; sec=0`).

An exchange counts calls in whole seconds of its clock, or in the second before each call; its answers show which:

- fixed: the number left rises though the calls of the last second have used it up. The rises are the beginnings of its
  seconds: the next call is due at the next one.
  Without a new proof for `PROOF` seconds it is unknown again: a call that was late proved it wrongly.
- sliding: for longer than a second no such rise. The next call is due when the oldest call of this process in the last
  second is a second old; those of others may end earlier, which cannot be known.
- unknown at first: as if sliding where this process made all calls of the second, else at the next second of our clock.

Where others have used a part of the quota lately, the last call of it is left to them.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from math import ceil
from typing import NamedTuple

SECOND = 1.0
EVIDENCE = 3  # calls in the second before one, without which it does not show whether they still count
MOST_CALLS = 1_000  # of one second
OTHERS = 10.0  # seconds for which others are expected again after they used a part of the quota
RESERVE = 1  # calls left to them meanwhile
PROOF = 3.0  # seconds after the last proof of whole seconds; an exchange that counts in them gives one a second
MARGIN = 0.001  # seconds: clocks are read a little early or late


class QuotaWindow(StrEnum):
    """How an exchange counts its calls a second."""

    UNKNOWN = "unknown"
    FIXED = "fixed"
    SLIDING = "sliding"


class CountedCall(NamedTuple):
    """A call, counted by the exchange between `sent` and `answered`, with the number of calls `left` after it."""

    sent: float
    answered: float
    left: int


class Quota:
    """The quota of one process at an exchange that takes `limit` calls a second; times in seconds on one clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: deque[CountedCall] = deque(maxlen=MOST_CALLS)
        self._sliding_since: float | None = None
        self._rise = self._proven = 0.0
        self._others_until = 0.0
        self.window = QuotaWindow.UNKNOWN

    def wait(self, call: CountedCall, to_next_second: float) -> float:
        """Seconds from its answer until the next call is due, after this one; `to_next_second` by our own clock."""
        self._learn(call)
        reserve = RESERVE if call.answered < self._others_until else 0
        if call.left > reserve:
            return 0.0
        if self.window is QuotaWindow.FIXED:
            return self._rise + ceil((call.answered - self._rise) / SECOND) * SECOND - call.answered + MARGIN
        if self.window is QuotaWindow.SLIDING or not reserve:
            oldest = self._calls[min(reserve, len(self._calls) - 1)]
            return max(0.0, oldest.answered + SECOND + MARGIN - call.answered)
        return to_next_second if call.left == 0 else 0.0

    def _learn(self, call: CountedCall) -> None:
        last = self._calls[-1] if self._calls else None
        self._calls.append(call)
        while self._calls[0].answered < call.sent - SECOND:
            self._calls.popleft()
        self._limit = max(self._limit, call.left + 1)
        # Answers may overtake each other: only calls that were answered before this one was sent were counted before.
        certain = sum(call.answered - SECOND <= each.sent and each.answered <= call.sent for each in self._calls)
        if self.window is QuotaWindow.FIXED and call.answered - self._proven > PROOF:
            self.window, self._sliding_since = QuotaWindow.UNKNOWN, None
        rises = last is not None and last.answered <= call.sent and call.left > last.left
        if rises and call.left + certain + 1 > self._limit:
            self._note_rise(call.answered)
        elif certain < EVIDENCE:
            self._sliding_since = None
        elif self._sliding_since is None:
            self._sliding_since = call.answered
        elif call.answered - self._sliding_since > SECOND + MARGIN:
            self.window = QuotaWindow.SLIDING
        if call.left + len(self._calls) < self._limit:
            self._others_until = call.answered + OTHERS

    def _note_rise(self, at: float) -> None:
        """A second of the exchange began before `at`; the earliest such moment, carried on by whole seconds, counts."""
        self._proven = at
        if self.window is QuotaWindow.FIXED:
            expected = self._rise + round((at - self._rise) / SECOND) * SECOND
            at = min(at, expected)
        self.window, self._rise, self._sliding_since = QuotaWindow.FIXED, at, None
