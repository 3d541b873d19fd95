"""The Open API of the Korea Exchange: every instrument of a segment on one day in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from marketdata.sources.base import Capability, SourceError, SourceRefused
from marketdata.sources.http.account_source import AccountSource
from marketdata.sources.http.client import Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.krx import parse
from marketdata.sources.krx.settings import INDICES, SERVICES, KrxSettings
from marketdata.sources.sessions import IndexLevels, SessionAnswer

AT_ONCE = 4
PUBLISHED = time(8, 10)
"""On the market's clock, of the business day after the session: the exchange says 08:00, and clients saw it later."""
FEWER_BEFORE = date(2018, 1, 1)
LEAST = {"KOSPI": 700, "KOSDAQ": 1_200, "KONEX": 1}
LEAST_BEFORE = {**LEAST, "KOSDAQ": 900}
"""The fewest rows of a whole session, since 2018 and before: KOSDAQ had about 1,000 companies in 2010."""


class KrxSource(AccountSource[KrxSettings]):
    """The source of whole sessions of KRX."""

    name = "krx"
    title = "Korea Exchange Open API"
    daily_market = "kr"
    first_session = date(2010, 1, 4)

    def __init__(self, settings: KrxSettings, http: HttpClient) -> None:
        super().__init__(settings, http)
        self._rate = Rate(settings.account, settings.rate)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.SESSIONS, Capability.INDICES})

    @property
    def calls_a_session(self) -> int:
        return len(self._settings.segments)

    @property
    def calls_a_day(self) -> int:
        return self._settings.daily_calls

    def published_at(self, session: date, following: date) -> datetime:
        return datetime.combine(following, PUBLISHED, ZoneInfo("Asia/Seoul"))

    def sessions_of(self, days: Iterable[date]) -> Iterator[tuple[date, SessionAnswer | SourceError]]:
        """The bars of each day, in the order of arrival, or the day's error."""
        return self._http.run_many(days, self.session_async, at_once=AT_ONCE)

    async def session_async(self, session: date) -> SessionAnswer:
        """All segments of one day."""
        if self.missing_settings():
            raise SourceRefused(f"{self.title} is not configured: set {' and '.join(self.missing_settings())}.")
        rows = {segment: await self._rows(SERVICES[segment], session) for segment in self._settings.segments}
        least = LEAST if session >= FEWER_BEFORE else LEAST_BEFORE
        return SessionAnswer(
            session,
            parse.bar_batch(session, rows),
            {segment: len(segment_rows) for segment, segment_rows in rows.items()},
            {segment: least[segment] for segment in rows},
        )

    @property
    def indices(self) -> tuple[str, ...]:
        return tuple(INDICES)

    def index_levels_of(self, days: Iterable[date]) -> Iterator[tuple[date, IndexLevels | SourceError]]:
        """Series -> open, high, low and close of each day, in the order of arrival; a series without a row is left
        out."""
        return self._http.run_many(days, self._index_levels, at_once=AT_ONCE)

    async def _index_levels(self, session: date) -> IndexLevels:
        services = dict.fromkeys(service for service, _ in INDICES.values())
        rows = {service: await self._rows(service, session, parse.INDEX_COLUMNS) for service in services}
        levels = {series: parse.index_levels(rows[service], name) for series, (service, name) in INDICES.items()}
        return {series: values for series, values in levels.items() if values}

    async def _rows(self, service: str, session: date, columns: Sequence[str] = parse.COLUMNS) -> parse.Rows:
        call = Call(
            f"{self._settings.url}/svc/apis/{service}",
            self._rate,
            params={"basDd": f"{session:%Y%m%d}"},
            headers={"AUTH_KEY": self._settings.api_key},
        )
        fetched = await self._http.fetch_async(call, lambda answer: parse.rows_of(answer, service, session, columns))
        return fetched.value
