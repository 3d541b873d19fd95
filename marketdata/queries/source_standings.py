"""Standing of each source of a market's bars: its recent bars, its quality, and whether its bars count."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Max

from marketdata import source_preference
from marketdata.joint_queries import Evaluate, evaluate_together
from marketdata.models import Instrument, StockPrice

REACH = timedelta(days=21)
"""Calendar days in which the last sessions lie, long holidays included."""


class SourceStanding(NamedTuple):
    """A source on the last recorded session: bars of that session, bars of the last sessions (the window of quality),
    its last session among them, `quality` 0..1, whether `SEISMO_SOURCE_ORDER` names it, and whether it is preferred."""

    source: str
    session_bars: int
    window_bars: int
    last_session: date
    quality: float
    is_ordered: bool
    is_preferred: bool


def source_standings(market: str, *, evaluate: Evaluate = evaluate_together) -> list[SourceStanding]:
    """The sources with bars in the last sessions, the preferred first; [] without bars. In two queries, by
    `evaluate`."""
    recorded = Instrument.objects.filter(market=market, last_bar__isnull=False).order_by().values_list("market")
    last_bars = recorded.annotate(last=Max("last_bar"))
    evaluate(last_bars)
    last: date | None = next((day for _, day in last_bars), None)
    if last is None:
        return []
    recent = StockPrice.objects.filter(market=market, date__gte=last - REACH, date__lte=last)
    rows = recent.order_by().values_list("date", "source").annotate(Count("pk"))
    evaluate(rows)
    counts: dict[date, dict[str, int]] = {}
    for day, source, number in rows:
        counts.setdefault(day, {})[source] = number
    order = settings.SOURCE_ORDER
    window = sorted(counts)[-source_preference.QUALITY_SESSIONS :]
    qualities = source_preference.source_qualities(counts, last)
    preferred = source_preference.preferred_sources(counts, [last], order)[last] if qualities else ()
    return [
        SourceStanding(
            source,
            counts[last].get(source, 0) if last in counts else 0,
            sum(counts[session].get(source, 0) for session in window),
            max(session for session in window if source in counts[session]),
            qualities[source],
            source in order,
            place == 0,
        )
        for place, source in enumerate(preferred)
    ]
