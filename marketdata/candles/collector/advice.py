"""How efficiently candles were collected, and the settings that would make it cheaper.

The score is 100 x (calls that its rows need at a whole page a call) / (calls made). A suggestion names a setting, its
change and the gain to expect: a share of the calls or of the seconds, by the figures of the collection itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from marketdata.candles.collector.features import Feature

LEAST_CALLS = 10  # of a collection that gives advice
WORTH = 0.05  # share of calls or seconds that makes a suggestion


@dataclass(frozen=True, slots=True)
class CollectionFigures:
    """The figures of one collection.

    `partial`: calls for a part of a page; `page`: rows of a call at most; `per_second`: the pace by its `setting`, 0
    for `usual_pace`; `off`: features turned off.
    """

    rows: int
    calls: int
    retries: int
    partial: int
    seconds_overlap: float
    seconds_api: float
    seconds_total: float
    page: int
    per_second: float
    usual_pace: float
    setting: str
    off: frozenset[Feature] = frozenset()

    @property
    def least_calls(self) -> int:
        """Calls that its rows need."""
        return max(1, ceil(self.rows / self.page))

    @property
    def score(self) -> float:
        """0..100; 100 without a call."""
        return 100.0 * min(1.0, self.least_calls / self.calls) if self.calls else 100.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A change of a setting; `gain`: the share of the `unit` (calls or seconds) that it saves; `pace`: the calls a
    second that it asks for, 0 where it is about something else."""

    setting: str
    change: str
    gain: float
    unit: str
    pace: float = 0.0

    def __str__(self) -> str:
        return f"{self.setting}: {self.change}; saves about {self.gain:.0%} of the {self.unit}"


def advise(figures: CollectionFigures) -> list[Suggestion]:
    """The suggestions that are worth it, the largest gain first."""
    if figures.calls < LEAST_CALLS or figures.seconds_total <= 0:
        return []
    calls, seconds = figures.calls, figures.seconds_total
    lower = 0.9 * (figures.per_second or figures.usual_pace)
    suggestions = [
        Suggestion(
            figures.setting,
            f"a lower pace, such as {lower:.1f}: calls had to be repeated",
            figures.retries / calls,
            "calls",
            lower,
        ),
        Suggestion(
            "--from and --to",
            "one range instead of several that touch: pieces of a page were requested",
            max(0, figures.partial - 1) / 2 / calls,
            "calls",
        ),
    ]
    if 0 < figures.per_second < figures.usual_pace and not figures.retries:
        slower = 1 - figures.per_second / figures.usual_pace
        gain = slower * figures.seconds_api / seconds
        suggestions.append(
            Suggestion(
                figures.setting, f"0, which is {figures.usual_pace:.1f} a second", gain, "seconds", figures.usual_pace
            )
        )
    if Feature.LOOK_AHEAD in figures.off:
        gain = figures.seconds_overlap / seconds
        suggestions.append(Suggestion("look_ahead", "turn the flag on in the admin", gain, "seconds"))
    return sorted((each for each in suggestions if each.gain >= WORTH), key=lambda each: -each.gain)
