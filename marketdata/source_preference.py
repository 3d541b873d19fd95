"""Preference among several sources of a session's bars, by their recent quality.

Quality = 0.6 completeness + 0.4 freshness over the last 7 recorded sessions up to the one in question: completeness is
its share of the bars of the source with most of them, from the first of those sessions on which it has any (a source
whose record begins is not behind), freshness 1 with a bar in that very session and a seventh less for each
session since the last one. Preferred is the first of the configured order whose quality is at least 0.8,
else the best. The preference depends on the bars up to the session alone: a later bar changes no earlier
session's data, and a repeated scan reads the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from marketdata import membership

QUALITY_SESSIONS = 7
MIN_QUALITY = 0.8

SourceCounts = Mapping[date, Mapping[str, int]]
"""Session -> source -> how many bars it has."""


def source_qualities(counts: SourceCounts, day: date) -> dict[str, float]:
    """The quality of each source with a bar in the window that ends with `day`, 0..1."""
    window = [session for session in sorted(counts) if session <= day][-QUALITY_SESSIONS:]
    most = [max(counts[session].values(), default=0) for session in window]
    qualities = {}
    for source in sorted({source for session in window for source in counts[session]}):
        there = [n for n, session in enumerate(window) if source in counts[session]]
        bars = sum(counts[window[n]][source] for n in there)
        complete = bars / sum(most[there[0] :])
        fresh = 1 - (len(window) - 1 - there[-1]) / QUALITY_SESSIONS
        qualities[source] = 0.6 * complete + 0.4 * fresh
    return qualities


def preferred_sources(counts: SourceCounts, days: Sequence[date], order: Sequence[str]) -> dict[date, tuple[str, ...]]:
    """For each of `days` its sources, the preferred first and the others in the configured order."""
    preferred = {}
    for day in days:
        quality = source_qualities(counts, day)
        ranks = membership.rank_sources(list(quality), order)
        ranked = sorted(ranks, key=lambda source: ranks[source])
        good = [source for source in ranked if quality[source] >= MIN_QUALITY]
        first = good[0] if good else max(ranked, key=lambda source: quality[source])
        preferred[day] = (first, *(source for source in ranked if source != first))
    return preferred
