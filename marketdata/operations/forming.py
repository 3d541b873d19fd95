"""A session that still trades: quotes of the whole market in one sweep, and a record that ends with them.

1. Quotes are read in the hours of `SessionHours.quoted` alone, by our clock and by that of the source in every answer;
   one answer outside them, or older than `MAX_AGE`, refuses the sweep.
2. At least `COVERAGE` of the instruments with a bar on one of the last `RECENT` sessions have a whole quote.
3. The bars are added to the record in memory (`Record.with_forming`) and refused where the session is in doubt by the
   rule of recorded ones: quotes that repeat the session before, or an untraded market. Nothing is written.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

import numpy as np

from marketdata.errors import DataProblem
from marketdata.lake import digest
from marketdata.lake.forming import FIELDS, FormingBars
from marketdata.market_time import market_date, market_zone
from marketdata.markets import get_market
from marketdata.models import Instrument, StockPrice
from marketdata.number_format import format_number
from marketdata.operations import sources
from marketdata.operations.collect.batches import quote_bar
from marketdata.operations.collect.same_day import MARGIN
from marketdata.operations.projection.partitions import MarketStatuses
from marketdata.panel import Floats
from marketdata.queries.market_calendar import MarketCalendar, get_calendar
from marketdata.record import Record
from marketdata.session_activity import SessionCounts
from marketdata.sources.base import AccessRefused, SourceError, SourceGone, SourceUnavailable
from marketdata.sources.daily import Quote

COVERAGE = 0.95
RECENT = 20
MAX_AGE = timedelta(seconds=60)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class QuoteSweep:
    """The quotes of `session` so far, those that are whole, by code. `expected`: instruments that were requested;
    `read_from`, `read_at`: the source's clock at its first and its last answer."""

    market: str
    session: date
    source: str
    quotes: tuple[Quote, ...]
    expected: int
    read_from: datetime
    read_at: datetime
    calls: int = 0
    seconds: float = 0.0

    def pack(self) -> bytes:
        """The quotes as compressed JSON."""
        return zlib.compress(json.dumps(self.quotes, separators=(",", ":")).encode(), 9)


class ClosedDay(DataProblem):
    """Today is no session."""


class QuotesUnavailable(DataProblem):
    """No source has quotes of the market, or it fails."""


def unpacked_quotes(content: bytes) -> tuple[Quote, ...]:
    """The quotes of `QuoteSweep.pack`."""
    return tuple(Quote(*values) for values in json.loads(zlib.decompress(content)))


def sweep_quotes(market: str, *, clock: Clock) -> QuoteSweep:
    """The quotes of the market's forming session. DataProblem where it has none at this hour, or too few quotes;
    QuotesUnavailable where no source has quotes, where it fails or where its answers are old."""
    try:
        return _sweep(market, clock)
    except SourceError as error:
        raise QuotesUnavailable(str(error)) from error


def _sweep(market: str, clock: Clock) -> QuoteSweep:
    began, as_of = perf_counter(), clock()
    calendar = get_calendar(market)
    session = forming_session(calendar, as_of)
    codes = _expected_codes(calendar, session)
    quotes: dict[str, Quote] = {}
    times: list[datetime] = []
    failure: SourceError | None = None
    with closing(sources.get_quote_source(market)) as source:
        for _, answer in source.quotes_of(_groups(codes, source.quotes_a_call)):
            if isinstance(answer, AccessRefused | SourceGone):
                raise answer
            if isinstance(answer, SourceError):
                failure = answer
                continue
            times.append(datetime.fromtimestamp(answer.read_at or as_of.timestamp(), UTC))
            if as_of - times[-1] > MAX_AGE:
                raise SourceUnavailable(
                    f"{source.title} answered with quotes of {_local(times[-1], market)}, more than "
                    f"{MAX_AGE.seconds} s old: try again, and compare the clock of this machine."
                )
            forming_session(calendar, times[-1] + MARGIN)
            quotes |= {quote.code: quote for quote in answer.quotes if quote.is_whole}
        calls, title = source.calls_made, source.title
    if len(quotes) < max(COVERAGE * len(codes), 1):
        why = f" The last failure: {failure}" if failure else ""
        raise DataProblem(
            f"{title} has quotes of {len(quotes):,} of {len(codes):,} instruments of market {market}, fewer than "
            f"{COVERAGE:.0%}: nothing was scanned.{why}"
        )
    rows = tuple(quotes[code] for code in sorted(quotes))
    return QuoteSweep(
        market, session, source.name, rows, len(codes), min(times), max(times), calls, perf_counter() - began
    )


def forming_session(calendar: MarketCalendar, as_of: datetime) -> date:
    """The session whose quotes can be read at `as_of`; DataProblem says when they can."""
    market = calendar.market
    today = market_date(as_of, market)
    if np.datetime64(today) not in calendar.sessions:
        raise ClosedDay(f"Market {market.name} is closed on {today}: there is no session to scan before its close.")
    begins, ends = calendar.hours.quoted_hours(today)
    if begins <= as_of < ends:
        return today
    why = ""
    if as_of >= ends and ends < calendar.hours.closing(today):
        why = ", since in the closing auction the last price may be an expected one, and afterwards it is the close's"
    raise DataProblem(
        f"It is {_local(as_of, market.name)}: session {today} of market {market.name} can be scanned before its close "
        f"from {begins:%H:%M} to {ends:%H:%M}{why}."
    )


def record_with_quotes(record: Record, sweep: QuoteSweep, *, volume_share: float = 1.0) -> Record:
    """The record up to the session before the sweep's, and its quotes as the last session: in memory alone. Volumes and
    amounts are divided by `volume_share`. DataProblem where the session before is not recorded, or the quotes cannot be
    those of a session."""
    bars = _bars(sweep)
    at = int(np.searchsorted(record.calendar, bars.session))
    counts = _counts(record, bars, record.calendar[at - 1].item())
    scaled = {name: bars.values[name] / volume_share for name in ("volume", "amount")}
    bars = replace(bars, values={**bars.values, **scaled})
    parts = [bars.codes, *(bars.values[name] for name in FIELDS), bars.segment, bars.flags]
    state = digest.text([*(part.tobytes() for part in parts), *(name.encode() for name in bars.segments)])
    extended = record.with_forming(bars, counts, state)
    if why := extended.doubt(len(extended.sessions) - 1):
        raise DataProblem(f"The quotes of {sweep.session} are not those of a session, {why}: nothing was scanned.")
    return extended


def differing_bases(sweep: QuoteSweep, record: Record) -> str:
    """A sentence on base prices that are not the recorded closes before, "" where all are: corporate actions, or closes
    that are not settled yet."""
    before = record.sessions[(record.sessions < np.datetime64(sweep.session)) & (record.bars > 0)][-1].item()
    rows = StockPrice.objects.filter(market=sweep.market, date=before).values_list("stock_code", "close")
    closes: dict[str, set[float]] = {}
    for code, close in rows:
        closes.setdefault(code, set()).add(close)
    codes = [
        quote.code for quote in sweep.quotes if quote.code in closes and quote.base_price not in closes[quote.code]
    ]
    if not codes:
        return ""
    named = ", ".join(codes[:3]) + (" ..." if len(codes) > 3 else "")
    return f"{format_number(len(codes), 0)} base prices are not the recorded closes of {before} ({named})"


def _groups(codes: Sequence[str], size: int) -> list[Sequence[str]]:
    return [codes[at : at + size] for at in range(0, len(codes), size)]


def _expected_codes(calendar: MarketCalendar, session: date) -> list[str]:
    """The codes of instruments that traded lately and are still listed, ascending."""
    at = int(np.searchsorted(calendar.sessions, np.datetime64(session)))
    since = calendar.sessions[max(at - RECENT, 0)].item()
    rows = Instrument.objects.filter(market=calendar.market.name, last_bar__gte=since)
    codes = rows.exclude(gone_on__lte=session).order_by("code").values_list("code", flat=True)
    if not codes:
        raise DataProblem(
            f"Market {calendar.market.name} has no bars since {since}: collect or import its last sessions first."
        )
    return list(codes)


def _bars(sweep: QuoteSweep) -> FormingBars:
    """The quotes as bars, each with what is known of its instrument on that day."""
    codes = np.array([quote.code for quote in sweep.quotes], dtype=str)
    day = np.full(len(codes), np.datetime64(sweep.session))
    statuses = MarketStatuses(sweep.market)
    segment, flags = statuses.at(codes, np.arange(len(codes), dtype=np.int32), day)
    rows = [quote_bar(quote, sweep.session) for quote in sweep.quotes]
    values = {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in FIELDS}
    return FormingBars(
        session=np.datetime64(sweep.session),
        codes=np.char.encode(codes, "utf-8"),
        values=values,
        segments=statuses.segments,
        segment=segment,
        flags=flags,
    )


def _counts(record: Record, bars: FormingBars, before: date) -> SessionCounts:
    """The counts of the bars beside those of the session before, as the lake counts a session."""
    own = np.array([*(name in get_market(record.market.name).segments for name in bars.segments), False])
    good = own[bars.segment] & (bars.flags == 0)
    fields = ("open", "high", "low", "close", "volume")
    recorded = set(StockPrice.objects.filter(market=record.market.name, date=before).values_list("stock_code", *fields))
    columns: Sequence[Floats] = [bars.values[name] for name in fields]
    rows = zip(bars.codes.tolist(), *(column.tolist() for column in columns), strict=True)
    repeated = sum((code.decode(), *values) in recorded for code, *values in rows if values[-1] > 0)
    return SessionCounts(
        bars=len(bars.codes),
        good=int(good.sum()),
        trading=int((good & bars.traded).sum()),
        traded=int(bars.traded.sum()),
        repeated=repeated,
    )


def _local(moment: datetime, market: str) -> str:
    return f"{moment.astimezone(market_zone(market)):%Y-%m-%d %H:%M:%S}"
