"""Endpoints and hosts that do not answer, in virtual time: which calls are stopped, and the cost for others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from caching.circuit_breaker import CircuitBreaker
from marketdata.sources.base import SourceError, SourceGone, SourceUnavailable
from marketdata.sources.http.circuits import HostCircuit
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.http.retry import LONGEST_REST, RetryPolicy
from tests.marketdata.sources.http.virtual import Virtual, VirtualLoop

HOST = "https://exchange.example"
BEGIN = 1_000_000.0
RATE = Rate("exchange", 1_000.0)
PATIENCE = 90.0
Result = str | SourceError
Fetch = Callable[..., Coroutine[Any, Any, list[Result]]]
Fault = Callable[[httpx2.Request], httpx2.Response]


def breaking(kind: type[httpx2.TransportError]) -> Fault:
    def fault(request: httpx2.Request) -> httpx2.Response:
        raise kind("dead", request=request)

    return fault


FAULTS: dict[str, Fault] = {
    "500": lambda request: httpx2.Response(500),
    "502": lambda request: httpx2.Response(502, text="<html>Bad Gateway</html>"),
    "503": lambda request: httpx2.Response(503),
    "reset": breaking(httpx2.ReadError),
    "refused": breaking(httpx2.ConnectError),
    "timeout": breaking(httpx2.ReadTimeout),
}


@dataclass
class Exchange:
    """A host that answers each call after `latency` seconds, with `faults` of a path until the second they end at."""

    virtual: Virtual
    faults: dict[str, tuple[Fault, float]]
    latency: float = 0.05
    sent: list[tuple[str, float]] = field(default_factory=list)
    reached: int = 0
    under_way: int = 0
    crowds: list[tuple[float, int]] = field(default_factory=list)

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.sent.append((path, self.seconds))
        self.under_way += 1
        self.crowds.append((self.seconds, self.under_way))
        fault, until = self.faults.get(path, self.faults.get("*", (None, 0.0)))
        is_faulty = self.seconds < until
        await asyncio.sleep(self.latency)
        self.under_way -= 1
        self.reached += not (is_faulty and fault is FAULTS["refused"])
        return fault(request) if fault and is_faulty else httpx2.Response(200, text="fine")

    @property
    def seconds(self) -> float:
        return self.virtual.now - BEGIN

    def calls(self, path: str = "") -> int:
        return sum(not path or each == path for each, _ in self.sent)


def read(answer: Answer) -> str:
    if answer.status != 200:
        raise SourceUnavailable(f"status {answer.status}")
    return answer.body.decode()


def run(faults: dict[str, tuple[Fault, float]], work: Callable[..., Coroutine[Any, Any, Any]]) -> tuple[Any, Exchange]:
    """What `work(fetch, exchange)` returns in virtual time, and the exchange afterwards."""
    virtual = Virtual(BEGIN)
    exchange = Exchange(virtual, faults)
    client = HttpClient(
        limiter=Limiter(ProcessRateLimits(virtual.clock), pause=asyncio.sleep, clock=virtual.clock),
        breaker=lambda: CircuitBreaker(threshold=5, rest=1.0, longest=LONGEST_REST, clock=virtual.clock),
        retry=RetryPolicy(patience=PATIENCE, draw=lambda low, high: high / 2),
        transport=httpx2.MockTransport(exchange),
        clock=virtual.clock,
        wall_clock=virtual.clock,
    )

    async def fetch(path: str, number: int = 1, at_once: int = 12) -> list[Result]:
        """The values or errors of so many calls of one path."""
        permits = asyncio.Semaphore(at_once)

        async def one() -> Result:
            async with permits:
                try:
                    return (await client.fetch_async(Call(HOST + path, RATE), read)).value
                except SourceError as error:
                    return error

        return await asyncio.gather(*(one() for _ in range(number)))

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(virtual)) as runner:
        result = runner.run(work(fetch, exchange))
    assert client.sent == exchange.reached
    return result, exchange


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("paths", [["/a"], ["/a", "/b", "/c"]], ids=["one endpoint", "three"])
def test_a_host_gone_for_16_seconds_gets_one_trial_at_a_time_and_answers_everything_after(
    kind: str, paths: list[str]
) -> None:
    async def work(fetch: Fetch, exchange: Exchange) -> list[list[Result]]:
        return await asyncio.gather(*(fetch(path, 40) for path in paths))

    results, exchange = run({"*": (FAULTS[kind], 16.0)}, work)
    assert results == [["fine"] * 40 for _ in paths]
    gone = [(at, crowd) for at, crowd in exchange.crowds if 0.5 < at < 16.0]
    assert all(crowd == 1 for _, crowd in gone)
    assert len(gone) <= 7  # after rests of 1, 2 and 3 seconds
    in_vain = sum(at < 16.0 for _, at in exchange.sent)
    assert in_vain <= 12 * len(paths) + len(gone)
    assert exchange.calls() == 40 * len(paths) + in_vain
    assert exchange.seconds <= 16.0 + 2 * LONGEST_REST


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.slow
def test_an_endpoint_dead_for_good_costs_the_others_of_its_host_nothing(kind: str) -> None:
    async def work(fetch: Fetch, exchange: Exchange) -> Any:
        async def busy(path: str) -> list[Result]:
            return [(await fetch(path))[0] for _ in range(2_000)]

        async def late() -> tuple[list[Result], float]:
            await asyncio.sleep(60.0)
            began = exchange.seconds
            return await fetch("/late"), exchange.seconds - began

        return await asyncio.gather(fetch("/dead", 100), busy("/busy"), late())

    (dead, busy, (late, seconds)), exchange = run({"/dead": (FAULTS[kind], float("inf"))}, work)
    assert busy == ["fine"] * 2_000
    assert exchange.calls("/busy") == 2_000
    assert (late, exchange.calls("/late")) == (["fine"], 1)
    assert seconds == pytest.approx(exchange.latency, abs=0.01)
    assert all(isinstance(each, SourceGone) for each in dead)
    assert str(dead[0]).startswith("GET exchange.example/dead has not answered for 9")
    assert "though exchange.example answers other calls" in str(dead[0])
    assert exchange.calls("/dead") <= 12 + exchange.seconds / LONGEST_REST + 3


def test_after_an_endpoint_that_died_alone_the_next_one_is_called_at_once() -> None:
    """As lists of instruments are requested: one after the other."""

    async def work(fetch: Fetch, exchange: Exchange) -> tuple[list[Result], list[Result], float]:
        dead = await fetch("/kospi")
        began = exchange.seconds
        return dead, await fetch("/kosdaq"), exchange.seconds - began

    (dead, other, seconds), exchange = run({"/kospi": (FAULTS["500"], float("inf"))}, work)
    assert isinstance(dead[0], SourceGone)
    assert str(dead[0]).startswith("exchange.example has not answered for 9")
    assert (other, exchange.calls("/kosdaq")) == (["fine"], 1)
    assert seconds == pytest.approx(exchange.latency, abs=0.01)


def test_two_dead_endpoints_leave_the_next_trial_to_a_third() -> None:
    """Their host has been silent for longer than calls are patient when the third is called for the first time."""

    async def work(fetch: Fetch, exchange: Exchange) -> tuple[list[Result], float]:
        dead = asyncio.gather(*(fetch(path, 400) for path in ("/one", "/two")))
        await asyncio.sleep(PATIENCE + 5.0)
        began = exchange.seconds
        results = await fetch("/three", 50)
        seconds = exchange.seconds - began
        await dead
        return results, seconds

    fault = (FAULTS["timeout"], float("inf"))
    (results, seconds), exchange = run({"/one": fault, "/two": fault}, work)
    assert results == ["fine"] * 50
    assert exchange.calls("/three") == 50
    assert seconds <= LONGEST_REST + 1.0


def test_a_host_gone_for_good_ends_what_is_queued_on_every_endpoint() -> None:
    async def work(fetch: Fetch, exchange: Exchange) -> list[list[Result]]:
        return [await fetch(path, 3) for path in ("/a", "/b", "/c")]

    results, exchange = run({"*": (FAULTS["reset"], float("inf"))}, work)
    assert all(isinstance(each, SourceGone) for outcomes in results for each in outcomes)
    assert all("exchange.example has not answered" in str(e) for outcomes in results for e in outcomes)
    assert exchange.seconds <= PATIENCE + 5 * LONGEST_REST
    assert exchange.calls() <= 5 + PATIENCE / LONGEST_REST + 3 * 3


def test_a_path_of_its_own_for_each_call_raises_no_storm() -> None:
    async def work(fetch: Fetch, exchange: Exchange) -> list[Result]:
        permits = asyncio.Semaphore(12)

        async def one(number: int) -> Result:
            async with permits:
                return (await fetch(f"/bars/{number}"))[0]

        return await asyncio.gather(*(one(number) for number in range(100)))

    results, exchange = run({"*": (FAULTS["reset"], 16.0)}, work)
    assert results == ["fine"] * 100
    assert sum(at < 16.0 for _, at in exchange.sent) <= 12 + 7


def test_an_answer_of_another_endpoint_closes_the_circuit_of_the_host_alone() -> None:
    virtual = Virtual()
    circuit = HostCircuit(lambda: CircuitBreaker(threshold=5, rest=1.0, longest=3.0, clock=virtual.clock))
    for _ in range(5):
        circuit.failed("/dead")
    assert circuit.is_open("/dead")
    assert not circuit.is_open("/other")
    circuit.failed("/other")
    assert circuit.is_open("/third")
    assert circuit.delay("/third") == 1.0
    circuit.succeeded("/third")
    assert not circuit.is_open("/third")
    assert circuit.delay("/other") == 0.0
    assert circuit.delay("/dead") == 1.0
    virtual.now += 1.0
    assert [circuit.delay("/dead"), circuit.delay("/dead")] == [0.0, 2.0]


def test_trials_of_a_silent_host_go_to_its_endpoints_in_turn() -> None:
    virtual = Virtual()
    circuit = HostCircuit(lambda: CircuitBreaker(threshold=2, rest=1.0, clock=virtual.clock))
    circuit.failed("/a")
    circuit.failed("/b")
    tried = []
    with circuit.waiting("/a"), circuit.waiting("/b"), circuit.waiting("/new"):
        for _ in range(7):
            virtual.now += 1.0
            (path,) = [one for one in ("/a", "/b", "/new") if circuit.delay(one) == 0.0]
            circuit.failed(path)
            tried.append(path)
    assert tried == ["/new", "/a", "/b", "/new", "/a", "/b", "/new"]
    virtual.now += 1.0
    assert circuit.delay("/new") == 0.0  # no other endpoint waits
