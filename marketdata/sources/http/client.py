"""The HTTP client of all sources: asynchronous inside, a plain call outside.

The steps of an attempt: wait for the circuits of the host and the endpoint, take a permit, send the call, parse the
answer by the source's own `read`, which returns the value or raises:

- `SourceUnavailable`: the call is repeated after jitter, or after `retry_after` seconds
- `RateLimited`: the whole group is held, in every process, and slowed down a little; then the call is repeated
- `SourceRefused`, `SourceChanged`: raised at once

Several calls in a row without an answer, or with one without JSON, open the circuit of their endpoint, and with a
second endpoint that of their host (see `circuits`): then one call at a time is a trial, and all others wait for it. Any
JSON is a sign of life, an error too. `SourceGone` is raised by every waiting call where there was none for the
`patience` of the retry policy.

The network is swapped by passing a `transport` (httpx2.MockTransport, or one that misbehaves).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NoReturn, TypeVar

import httpx2

from caching.circuit_breaker import CircuitBreaker
from marketdata.sources.base import RateLimited, SourceError, SourceGone, SourceUnavailable
from marketdata.sources.http.call_log import CallLog
from marketdata.sources.http.circuits import HostCircuit, Silence
from marketdata.sources.http.event_loop import EventLoopThread
from marketdata.sources.http.exceptions import FOREIGN, NOT_SENT, translate
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.http.retry import LONGEST_REST, RetryPolicy, default_breaker, http_date, retry_after
from marketdata.spans import span

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a batch
LARGEST_BODY = 64 << 20
"""Bytes of an answer at most: a whole market's day has about 1 MB, a list of instruments about 4 MB."""
LOOK_AGAIN = 0.5  # seconds between two checks of an open circuit


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `rate`: the limit that it counts against."""

    url: str
    rate: Rate
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return httpx2.URL(self.url).netloc.decode("ascii", "replace")

    @property
    def endpoint(self) -> str:
        """Its path, without a query."""
        return httpx2.URL(self.url).path

    @property
    def what(self) -> str:
        """The call in messages: no query, no header, no body."""
        return f"{self.method} {self.host}{self.endpoint}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `sent_at`: seconds since 1970 UTC on our clock, before the call was sent; `seconds`: its round
    trip, which ended at `ended` of `time.monotonic`."""

    what: str
    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(repr=False)
    sent_at: float
    seconds: float = 0.0
    ended: float = 0.0

    def json(self) -> Any:
        """The decoded body; SourceUnavailable where it is no whole JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise SourceUnavailable(
                f"{self.what} answered status {self.status} without whole JSON.", retry_after=self.retry_after
            ) from None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the answer asks to wait, None where it does not."""
        return retry_after(self.headers.get("retry-after"), self.sent_at)

    @property
    def server_time(self) -> float:
        """The Date of the answer, seconds since 1970 UTC; our clock at sending where it has none."""
        date = http_date(self.headers.get("date"))
        return self.sent_at if date is None else date

    @property
    def is_sign_of_life(self) -> bool:
        """Whether the server itself answered: JSON with any status, or a refusal; a page of a gateway is none."""
        return self.body.lstrip()[:1] in (b"{", b"[") or 300 <= self.status < 500

    @property
    def answered_at(self) -> float:
        """The earlier of our clock (at sending) and the other side's Date: safe where one is ahead."""
        date = http_date(self.headers.get("date"))
        return self.sent_at if date is None else min(self.sent_at, date)


@dataclass(frozen=True, slots=True)
class FetchResult(Generic[T]):
    """The value of `read` and its cost: calls sent, seconds, bytes of all answers."""

    value: T
    calls: int
    seconds: float
    bytes: int

    @property
    def retries(self) -> int:
        return self.calls - 1


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total` bounds a whole attempt: an answer that drips in can keep `read` alive for ever."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0


@cache
def ssl_context() -> ssl.SSLContext:
    """The certificates that this process trusts, read once: reading them takes longer than many a collection."""
    return httpx2.create_ssl_context()


class HttpClient:
    """Shared by the calls of one source; create it once and close it at the end."""

    def __init__(
        self,
        *,
        limiter: Limiter | None = None,
        breaker: Callable[[], CircuitBreaker] = default_breaker,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        connections: int = 32,
        on_close: Callable[[HttpClient], None] = lambda http: None,
    ) -> None:
        self.limiter = limiter or Limiter()
        self.log = CallLog()
        self._sent_before = 0  # until it was closed last
        self._on_close = on_close
        self._breaker = breaker
        self._circuits: dict[str, HostCircuit] = {}
        self._retry = retry or RetryPolicy()
        self._timeouts = timeouts or Timeouts()
        self._transport = transport
        self._pause = pause
        self._clock = clock
        self._wall_clock = wall_clock
        self._connections = connections
        self._loop_thread = EventLoopThread()
        self._session: httpx2.AsyncClient | None = None
        self._session_of: int | None = None

    @property
    def sent(self) -> int:
        """The calls of its logs: those since it was made."""
        return self._sent_before + self.log.sent

    # --- plain calls ------------------------------------------------------------------------------

    def fetch(self, call: Call, read: Callable[[Answer], T]) -> FetchResult[T]:
        """The result of a call; raises a SourceError. Safe from any thread, also beside a running event loop."""
        return self.run(self.fetch_async(call, read))

    def run(self, work: Awaitable[T]) -> T:
        """The result of asynchronous work that uses this client."""
        return self._loop_thread.run(work)

    def run_many(
        self, items: Iterable[I], work: Callable[[I], Awaitable[T]], *, at_once: int = 16
    ) -> Iterator[tuple[I, T | SourceError]]:
        """The results in the order they arrive, one for each item: the value, or the item's SourceError."""
        return self._loop_thread.run_many(items, work, at_once=at_once, isolated=SourceError)

    def close(self) -> None:
        """Close connections and stop the event loop of the plain calls."""
        session, self._session = self._session, None
        if session is not None and self._loop_thread.is_running:
            self._loop_thread.run(session.aclose())
        self._loop_thread.stop()
        self.limiter.close()
        self._on_close(self)
        self._sent_before, self.log = self.sent, CallLog()

    # --- asynchronous -----------------------------------------------------------------------------

    async def fetch_async(self, call: Call, read: Callable[[Answer], T]) -> FetchResult[T]:
        """`fetch` for callers within an event loop."""
        began, attempt, received = time.perf_counter(), 0, 0
        failing_since: float | None = None
        while True:
            try:
                await self._turn(call)
            except SourceGone as error:
                error.attempts = attempt
                raise
            attempt += 1
            try:
                answer = await self._attempt(call)
                received += len(answer.body)
                value = self._parse(call, answer, read)
            except RateLimited as error:
                requested = error.retry_after or 0.0
                await self.limiter.refused(call.rate, requested, adapt=error.adapt)
                # The hold makes all calls wait, this one too: jitter alone remains.
                wait = None if requested <= self._retry.longest else requested
                failing_since = self._clock() if failing_since is None else failing_since
                await self._wait_or_raise(call, attempt, error, wait, failing_since)
            except SourceUnavailable as error:
                failing_since = self._clock() if failing_since is None else failing_since
                await self._wait_or_raise(call, attempt, error, error.retry_after, failing_since)
            except SourceError as error:
                error.attempts = attempt
                raise
            else:
                return FetchResult(value, attempt, time.perf_counter() - began, received)

    async def _attempt(self, call: Call) -> Answer:
        try:
            async with self.limiter.permit(call.rate, longest=self._retry.longest):
                sent_at, began = self._wall_clock(), time.monotonic()
                self.log.sending(sent_at)
                with span(f"source {call.what}", **{"server.address": call.host}):
                    async with asyncio.timeout(self._timeouts.total):
                        response, body = await self._send(call)
        except FOREIGN as error:
            if isinstance(error, NOT_SENT):
                self.log.not_sent()
            self._failed(call, translate(error, call.what), error)
        ended = time.monotonic()
        answer = Answer(call.what, response.status_code, response.headers, body, sent_at, ended - began, ended)
        if len(body) > LARGEST_BODY:
            self._failed(call, SourceUnavailable(f"{call.what} answered more than {LARGEST_BODY:,} bytes."), None)
        if response.is_redirect:
            moved = f"{call.what} was redirected: check the address in the settings, for keys are sent there alone."
            self._failed(call, SourceUnavailable(moved), None)
        return answer

    async def _send(self, call: Call) -> tuple[httpx2.Response, bytes]:
        """The response and its body, at most one part more than `LARGEST_BODY` bytes of it."""
        body = bytearray()
        async with self._client().stream(
            call.method, call.url, params=dict(call.params) or None, headers=dict(call.headers), json=call.json
        ) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST_BODY:
                    break
        return response, bytes(body)

    def _parse(self, call: Call, answer: Answer, read: Callable[[Answer], T]) -> T:
        """The value of `read`; the circuits learn whether the answer is a sign of life."""
        try:
            value = read(answer)
        except SourceUnavailable as error:
            if not answer.is_sign_of_life and not isinstance(error, RateLimited):
                self._failed(call, error, None)
            self.log.refused(error, self._wall_clock())
            self._circuit(call).succeeded(call.endpoint)
            raise
        except SourceError as error:
            self.log.refused(error, self._wall_clock())
            self._circuit(call).succeeded(call.endpoint)
            raise
        self.log.answered_at = self._wall_clock()
        self._circuit(call).succeeded(call.endpoint)
        return value

    async def _turn(self, call: Call) -> None:
        """Wait until the circuits let this call through; SourceGone where one stayed open too long, trials included."""
        circuit, endpoint, began = self._circuit(call), call.endpoint, self._clock()
        with circuit.waiting(endpoint):
            while (delay := circuit.delay(endpoint)) > 0.0:
                silence = circuit.silence(endpoint, self._retry.patience)
                if silence and self._clock() - began > LONGEST_REST:
                    raise _gone(call, silence)
                await self._pause(min(delay, LOOK_AGAIN))

    def _failed(self, call: Call, error: SourceError, cause: Exception | None) -> NoReturn:
        """Note a call without a sign of life and raise `error`; SourceGone where there have been too many."""
        circuit = self._circuit(call)
        circuit.failed(call.endpoint)
        silence = circuit.silence(call.endpoint, self._retry.patience)
        if silence:
            raise _gone(call, silence) from cause
        raise error from cause

    def _circuit(self, call: Call) -> HostCircuit:
        circuit = self._circuits.get(call.host)
        if circuit is None:
            circuit = self._circuits.setdefault(call.host, HostCircuit(self._breaker))
        return circuit

    async def _wait_or_raise(
        self, call: Call, attempt: int, error: SourceUnavailable, requested: float | None, failing_since: float
    ) -> None:
        """Wait before the next attempt; where the circuit is open, `_turn` waits instead."""
        is_open = self._circuit(call).is_open(call.endpoint)
        wait = self._retry.wait(attempt, requested)
        spent = self._clock() - failing_since
        too_long = wait is not None and spent + wait > self._retry.patience and not is_open
        if isinstance(error, SourceGone) or wait is None or too_long:
            error.attempts = attempt
            raise error
        if not is_open or requested is not None:
            await self._pause(wait)

    def _client(self) -> httpx2.AsyncClient:
        loop = id(asyncio.get_running_loop())
        if self._session is None or self._session_of != loop:
            timeouts = self._timeouts
            self._session = httpx2.AsyncClient(
                transport=self._transport,
                verify=ssl_context(),
                timeout=httpx2.Timeout(timeouts.read, connect=timeouts.connect),
                limits=httpx2.Limits(max_connections=self._connections),
                headers={"accept": "application/json", "user-agent": "seismo"},
            )
            self._session_of = loop
        return self._session


def _gone(call: Call, silence: Silence) -> SourceGone:
    lasting = f"has not answered for {silence.seconds:.0f} s ({silence.calls} calls in a row)"
    if silence.of_host:
        return SourceGone(f"{call.host} {lasting}: check the network and the address, then run this again.")
    return SourceGone(f"{call.what} {lasting}, though {call.host} answers other calls: run this again later.")
