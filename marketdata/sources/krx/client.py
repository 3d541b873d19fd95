"""The Open API of the Korea Exchange: every instrument of a segment on one day in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time

from marketdata.market_time import market_zone
from marketdata.sources.base import (
    AccessRefused,
    Capability,
    ListedInstrument,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.http.account_source import AccountSource
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.krx import base_info, parse
from marketdata.sources.krx.settings import BASE_INFO, BEGINNINGS, INDICES, SERVICES, KrxSettings
from marketdata.sources.sessions import IndexLevels, SessionAnswer

AT_ONCE = 4
PUBLISHED = time(8, 10)
"""On the market's clock, of the business day after the session: the exchange says 08:00, and clients saw it later."""
ARCHIVE = date(2010, 1, 4)
"""The first session of KOSPI and KOSDAQ in the archive."""
FEWER_BEFORE = date(2018, 1, 1)
LEAST = {"KOSPI": 700, "KOSDAQ": 1_200, "KONEX": 1}
LEAST_BEFORE = {**LEAST, "KOSDAQ": 900}
"""The fewest rows of a whole session, since 2018 and before: KOSDAQ had about 1,000 companies in 2010."""


class KrxSource(AccountSource[KrxSettings]):
    """The source of whole sessions of KRX."""

    name = "krx"
    title = "Korea Exchange Open API"
    daily_market = "kr"

    def __init__(self, settings: KrxSettings, http: HttpClient) -> None:
        super().__init__(settings, http)
        self._rate = Rate(settings.account, settings.rate)
        self.refusals: dict[str, str] = {}

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.SESSIONS, Capability.INDICES, Capability.INSTRUMENTS})

    @property
    def first_session(self) -> date:
        """The first session of the archive with one of the segments."""
        return max(ARCHIVE, min(BEGINNINGS.get(segment, date.min) for segment in self._settings.segments))

    @property
    def calls_a_session(self) -> int:
        return len(self._settings.segments)

    @property
    def calls_a_day(self) -> int:
        return self._settings.daily_calls

    def published_at(self, session: date, following: date) -> datetime:
        return datetime.combine(following, PUBLISHED, market_zone("kr"))

    def sessions_of(self, days: Iterable[date]) -> Iterator[tuple[date, SessionAnswer | SourceError]]:
        """The bars of each day, in the order of arrival, or the day's error."""
        return self._http.run_many(days, self.session_async, at_once=AT_ONCE)

    async def session_async(self, session: date) -> SessionAnswer:
        """All segments of one day."""
        if self.missing_settings():
            raise SourceRefused(f"{self.title} is not configured: set {' and '.join(self.missing_settings())}.")
        segments = self._settings.segments_of(session)
        rows = {segment: await self._rows(SERVICES[segment], session) for segment in segments}
        least = _least(session)
        return SessionAnswer(
            session,
            parse.bar_batch(session, rows),
            {segment: len(segment_rows) for segment, segment_rows in rows.items()},
            {segment: least[segment] for segment in rows},
            parse.unpriced_codes(rows),
        )

    @property
    def segments(self) -> tuple[str, ...]:
        return self._settings.segments

    def listed_instruments(self, segment: str, session: date) -> list[ListedInstrument]:
        """Every issue of a segment as listed on `session`. SourceUnavailable where that is not published, or not
        whole."""
        call, read = self._call(BASE_INFO[segment], session, base_info.COLUMNS)
        rows = self._http.fetch(call, read).value
        if len(rows) < (least := _least(session)[segment]):
            raise SourceUnavailable(f"The list of {segment} of {session} has {len(rows):,} rows, fewer than {least:,}.")
        return base_info.listed_instruments(rows, segment)

    @property
    def index_calls_a_session(self) -> int:
        return len({service for service, *_ in INDICES.values()})

    @property
    def indices(self) -> tuple[str, ...]:
        return tuple(INDICES)

    def index_levels_of(self, days: Iterable[date]) -> Iterator[tuple[date, IndexLevels | SourceError]]:
        """Series -> open, high, low and close of each day, in the order of arrival; a series without a row is left
        out."""
        return self._http.run_many(days, self._index_levels, at_once=AT_ONCE)

    async def _index_levels(self, session: date) -> IndexLevels:
        services = dict.fromkeys(service for service, *_ in INDICES.values())
        rows: dict[str, parse.Rows] = {}
        for service in services:
            try:
                rows[service] = await self._rows(service, session, parse.INDEX_COLUMNS)
            except AccessRefused as refusal:  # of this service, unless the others refuse, too
                self.refusals[service] = str(refusal)
                if self.refusals.keys() >= services.keys():
                    raise AccessRefused(" ".join(self.refusals.values())) from refusal
        levels = {
            series: parse.index_levels(rows.get(service, []), *key) for series, (service, *key) in INDICES.items()
        }
        return {series: values for series, values in levels.items() if values}

    async def _rows(self, service: str, session: date, columns: Sequence[str] = parse.COLUMNS) -> parse.Rows:
        call, read = self._call(service, session, columns)
        return (await self._http.fetch_async(call, read)).value

    def _call(self, service: str, session: date, columns: Sequence[str]) -> tuple[Call, Callable[[Answer], parse.Rows]]:
        """The call of one service and the parser of its answer."""
        call = Call(
            f"{self._settings.url}/svc/apis/{service}",
            self._rate,
            params={"basDd": f"{session:%Y%m%d}"},
            headers={"AUTH_KEY": self._settings.api_key},
        )
        return call, lambda answer: parse.rows_of(answer, service, session, columns)


def _least(session: date) -> dict[str, int]:
    return LEAST if session >= FEWER_BEFORE else LEAST_BEFORE
