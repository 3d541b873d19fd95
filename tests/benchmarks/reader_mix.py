"""What readers of a market request, and how quickly they are answered: addresses whose shares of all requests follow
Zipf's law, at a fixed rate, each over one of a few connections.

A latency is counted from the moment at which the request was due, so that a server that falls behind does not hide it.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import itertools
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SEED = 20_261_130
SHARES = {"scan": 0.25, "chart": 0.30, "signals": 0.15, "page": 0.12, "stock page": 0.18}
"""Of all requests."""
EXPONENT = 1.0
"""The k-th of the shares is requested 1/k times as often as the first."""
PASSING = re.compile(rb"https?://[^/\"]+|csrfmiddlewaretoken\" value=\"\w+|nonce=\"[^\"]+")
"""What differs between two answers that say the same: the host, and what protects a form."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer: seconds of the clock at which the request was due, sent and answered; its body's digest."""

    address: str
    due: float
    sent: float
    answered: float
    status: int
    digest: str

    @property
    def latency(self) -> float:
        """Milliseconds since the request was due."""
        return 1000 * (self.answered - self.due)


def digest(body: bytes) -> str:
    """A digest of what an answer says."""
    return hashlib.blake2b(PASSING.sub(b"", body), digest_size=8).hexdigest()


def addresses(codes: Sequence[str], versions: Sequence[str], count: int) -> list[str]:
    """`count` addresses in the order of their requests, the same each time."""
    chance = np.random.default_rng(SEED)
    kinds = {
        "scan": [f"/api/kr/scans/latest?scanner_version={version}" for version in versions],
        "chart": [f"/api/kr/stocks/{code}/chart?indicators=ema20,ema60,rsi14" for code in codes],
        "signals": ["/api/kr/signals", *(f"/api/kr/signals?scanner_version={version}" for version in versions)],
        "page": ["/kr/", "/kr/signals"],
        "stock page": [f"/kr/s/{code}" for code in codes],
    }
    chosen = {name: iter(chance.choice(each, count, p=_zipf(len(each)))) for name, each in kinds.items()}
    return [str(next(chosen[name])) for name in chance.choice(list(SHARES), count, p=list(SHARES.values()))]


def kind_of(address: str) -> str:
    """The name in `SHARES` of what an address is."""
    kinds = {"/api/kr/scans/": "scan", "/api/kr/stocks/": "chart", "/api/kr/signals": "signals", "/kr/s/": "stock page"}
    return next((kind for start, kind in kinds.items() if address.startswith(start)), "page")


def _zipf(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    weights = np.arange(1, count + 1) ** -EXPONENT
    return np.asarray(weights / weights.sum())


def read(
    port: int,
    headers: Callable[[str], dict[str, str]],
    wanted: Sequence[str],
    rate: float,
    connections: int,
) -> list[Reading]:
    """Request the addresses, `rate` a second, each with its headers; a rate of 0 is as fast as they are answered."""
    turns, lock = itertools.count(), threading.Lock()
    readings: list[Reading] = []
    failures: list[Exception] = []
    began = time.perf_counter()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                turn = next(turns)
            if turn >= len(wanted) or failures:
                break
            due = began + turn / rate if rate else time.perf_counter()
            time.sleep(max(due - time.perf_counter(), 0.0))
            readings.append(_read(connection, wanted[turn], headers(wanted[turn]), due))
        connection.close()

    def guarded() -> None:
        try:
            ask()
        except (OSError, http.client.HTTPException) as error:
            failures.append(error)

    _together(guarded, connections)
    if failures:
        raise failures[0]
    return readings


def _read(connection: http.client.HTTPConnection, address: str, headers: dict[str, str], due: float) -> Reading:
    sent = time.perf_counter()
    connection.request("GET", address, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    answered = time.perf_counter()
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return Reading(address, due, sent, answered, answer.status, digest(body))


def _together(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
