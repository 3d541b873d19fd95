"""A small HTTP/1.1 server for imitation exchanges, with faults that can be switched on.

It listens on a local port in a thread of its own, counts its calls, and keeps connections open like the real
ones do. What is answered is up to `Exchange.answer`.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(slots=True)
class Response:
    """`faulty` names what the connection does to it: see `Faults`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Response:
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


# What can happen to any call, whatever it asks for.
TRANSPORT_FAULTS = ("timeout", "reset", "cut", "error", "html", "truncated", "skew", "redirect")
HUGE = 80 << 20
"""Bytes before the body of the fault `huge`, which is too slow to be among those that hit at a rate."""


class Faults:
    """Which fault hits the next call whose path ends with `only`: those queued with `next`, then each kind at its own
    rate."""

    def __init__(self, rates: Mapping[str, float] | None = None, *, seed: int = 0) -> None:
        self.rates = dict(rates or {})
        self.only = ""
        self.queue: deque[str | None] = deque()
        self.hit: Counter[str] = Counter()
        self._random = random.Random(seed)

    def next(self, *kinds: str | None) -> None:
        """These faults hit the next calls, in order; None lets one call pass."""
        self.queue.extend(kinds)

    def burst(self, kind: str, number: int) -> None:
        """So many calls in a row are hit by one kind."""
        self.queue.extend([kind] * number)

    def draw(self, path: str) -> str | None:
        if not path.endswith(self.only):
            return None
        if self.queue:
            kind = self.queue.popleft()
        else:
            at, kind = self._random.random(), None
            for each, rate in self.rates.items():
                if at < rate:
                    kind = each
                    break
                at -= rate
        if kind:
            self.hit[kind] += 1
        return kind


class SlidingLimit:
    """At most `number` calls in any `window` seconds, counted over all clients; refused calls do not count."""

    def __init__(self, number: int, window: float = 1.0) -> None:
        self.number = number
        self.window = window
        self._accepted: deque[float] = deque()

    def take(self, now: float) -> int:
        """Calls left after this one; -1 where it is refused."""
        while self._accepted and self._accepted[0] <= now - self.window:
            self._accepted.popleft()
        if len(self._accepted) >= self.number:
            return -1
        self._accepted.append(now)
        return self.number - len(self._accepted)


class FixedLimit:
    """At most `number` calls in each whole second of a clock that is `phase` seconds ahead."""

    def __init__(self, number: int, phase: float = 0.0) -> None:
        self.number = number
        self.phase = phase
        self._second, self._accepted = -1, 0

    def take(self, now: float) -> int:
        """Calls left after this one; -1 where it is refused."""
        second = int(now + self.phase)
        if second != self._second:
            self._second, self._accepted = second, 0
        if self._accepted >= self.number:
            return -1
        self._accepted += 1
        return self.number - self._accepted


class Exchange:
    """Base of the imitation exchanges. Use as a context manager; `url` is where it listens.

    `clock` is the exchange's wall clock (seconds since 1970 UTC): it decides what is the newest candle and what the
    Date header says. Limits count real time. `latency` seconds pass before each answer.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
        latency: float = 0.0,
        hang: float = 0.5,
        port: int = 0,
    ) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.latency = latency
        self.hang = hang
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.port = port
        self._death: tuple[int, float] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="exchange", daemon=True)
        self._ready = threading.Event()

    def die(self, seconds: float, *, after: int = 0) -> None:
        """Be gone for `seconds` (infinity: for good) once so many more calls have come: the port is closed, and open
        connections are reset."""
        self._death = (sum(self.calls.values()) + after, seconds)

    def answer(self, request: Request, fault: str | None) -> Response:
        """The answer to a call; faults that concern the content are the subclass's to apply."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _be_gone(self, seconds: float) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if seconds != float("inf"):
            await asyncio.sleep(seconds)
            await self._listen()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while request := await _read(reader):
                if not await self._respond(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or the exchange closes
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; False where the connection ends with it."""
        fault = self.faults.draw(request.path)
        self.calls[request.path] += 1
        if self._death is not None and sum(self.calls.values()) > self._death[0]:
            seconds, self._death = self._death[1], None
            self._dying = asyncio.create_task(self._be_gone(seconds))
            return False
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault == "timeout":
            await asyncio.sleep(self.hang)
            return False
        response = self.answer(request, fault)
        if fault == "error":
            response = Response(500, b"", kind="text/plain")
        elif fault == "html":
            response = Response(200, b"<html><body>Maintenance</body></html>", kind="text/html")
        elif fault == "redirect":
            response = Response(302, b"", {"Location": f"{self.url}/moved"})
        elif fault == "huge":
            response.body = b" " * HUGE + response.body
        elif fault == "truncated":
            response.body = response.body[: max(1, len(response.body) * 2 // 3)]
        self.statuses[response.status] += 1
        declared = len(response.body) + (10 if fault == "cut" else 0)
        now = self.clock() + (3600.0 if fault == "skew" else 0.0)
        head = [
            f"HTTP/1.1 {response.status} X",
            f"Date: {formatdate(now, usegmt=True)}",
            f"Content-Type: {response.kind}",
            f"Content-Length: {declared}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + response.body)
        await writer.drain()
        return fault != "cut"


async def _read(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
