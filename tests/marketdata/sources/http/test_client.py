"""The client against transports that misbehave, in virtual time."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.circuit_breaker import CircuitBreaker
from marketdata.sources.base import (
    RateLimited,
    SourceChanged,
    SourceError,
    SourceGone,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.http.retry import RetryPolicy, retry_after
from tests.marketdata.sources.http.virtual import Virtual

RATE = Rate("exchange", 10.0)
CALL = Call("https://exchange.example/v1/candles", RATE, params={"market": "KRW-BTC"})
Handler = Callable[[httpx2.Request], httpx2.Response]


def read(answer: Answer) -> object:
    """How a source judges: a busy group, a passing failure, a refusal, or the value."""
    if answer.status == 429:
        raise RateLimited("too many", retry_after=1.0)
    if answer.status >= 500:
        requested = retry_after(answer.headers.get("retry-after"), answer.sent_at)
        raise SourceUnavailable(f"status {answer.status}", retry_after=requested)
    if answer.status >= 400:
        raise SourceRefused(f"status {answer.status}")
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise SourceChanged("no JSON", expected="JSON", actual=answer.body[:20].decode()) from error


def client(virtual: Virtual, handler: Handler, **options: object) -> HttpClient:
    return HttpClient(
        limiter=Limiter(ProcessRateLimits(virtual.clock), pause=virtual.pause, clock=virtual.clock),
        breaker=lambda: CircuitBreaker(threshold=5, rest=1.0, longest=5.0, clock=virtual.clock),
        retry=RetryPolicy(draw=lambda low, high: high),  # the longest a jitter can be
        transport=httpx2.MockTransport(handler),
        pause=virtual.pause,
        clock=virtual.clock,
        wall_clock=virtual.clock,
        **options,  # type: ignore[arg-type]
    )


def script(*steps: httpx2.Response | Exception) -> tuple[Handler, list[httpx2.Request]]:
    """A handler that answers one step after the other, the last one for ever."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        step = steps[min(len(seen), len(steps) - 1)]
        seen.append(request)
        if isinstance(step, Exception):
            raise step
        return httpx2.Response(step.status_code, headers=step.headers, content=step.content)

    return handler, seen


OK = httpx2.Response(200, json={"fine": True})


@pytest.mark.parametrize(
    "fault",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.ConnectError("reset"),
        httpx2.RemoteProtocolError("closed"),
        httpx2.Response(500),
        httpx2.Response(429),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status_code", "")),
)
def test_what_passes_is_tried_again_and_counted(fault: httpx2.Response | Exception) -> None:
    handler, seen = script(fault, fault, OK)
    fetched = client(Virtual(), handler).fetch(CALL, read)
    assert fetched.value == {"fine": True}
    assert (fetched.calls, fetched.retries, len(seen)) == (3, 2, 3)


@pytest.mark.parametrize(
    ("answer", "family"),
    [(httpx2.Response(404), SourceRefused), (httpx2.Response(200, text="<html>"), SourceChanged)],
)
def test_a_permanent_error_is_requested_once(answer: httpx2.Response, family: type[SourceError]) -> None:
    handler, seen = script(answer)
    with pytest.raises(family):
        client(Virtual(), handler).fetch(CALL, read)
    assert len(seen) == 1


def test_every_attempt_takes_a_permit_and_settles_it() -> None:
    virtual = Virtual()
    store = ProcessRateLimits(virtual.clock)
    handler, seen = script(httpx2.Response(503), httpx2.ReadTimeout("slow"), OK)
    work = client(virtual, handler)
    work.limiter = Limiter(store, pause=virtual.pause, clock=virtual.clock)
    rate = Rate("exchange", 0.1)  # nothing is forgotten within so short a time
    work.fetch(Call(CALL.url, rate), read)
    assert len(seen) == 3
    assert virtual.now >= 1_000_000.0 + 20.0
    assert all(slot.answered is not None for slot in store.read(rate.group).state.slots)


def test_the_wait_between_attempts_grows_to_a_cap() -> None:
    virtual = Virtual()
    handler, seen = script(httpx2.Response(503, json={"error": "busy"}))  # a sign of life
    with pytest.raises(SourceUnavailable) as gone:
        client(virtual, handler).fetch(CALL, read)
    assert gone.value.attempts == len(seen) == 40
    assert [wait for wait in virtual.waits if wait > 0.1] == [0.5, 1.0, *[2.0] * 37]


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (httpx2.ConnectError("reset"), 12),
        (httpx2.ReadTimeout("slow"), 6),
        (httpx2.Response(500, json={"rt_cd": "1", "msg_cd": "EGW00316"}), 20),
        (httpx2.Response(500, json={"rt_cd": "1", "msg_cd": "OPSQ1002"}), 30),
        (httpx2.Response(502, text="<html>Bad Gateway</html>"), 12),
    ],
)
def test_a_burst_on_a_single_call_is_waited_out(fault: httpx2.Response | Exception, number: int) -> None:
    virtual = Virtual()
    handler, seen = script(*[fault] * number, OK)
    assert client(virtual, handler).fetch(CALL, read).calls == len(seen) == number + 1
    assert virtual.now - 1_000_000.0 <= 90.0


def test_a_source_that_is_gone_for_good_is_reported_in_a_bounded_time() -> None:
    virtual = Virtual()
    handler, seen = script(httpx2.ReadError("dead"))
    work = client(virtual, handler)
    with pytest.raises(SourceGone, match=r"has not answered for 9\d s \(\d\d calls in a row\)"):
        work.fetch(CALL, read)
    assert 90.0 <= virtual.now - 1_000_000.0 <= 97.0
    tried, began = len(seen), virtual.now
    with pytest.raises(SourceGone):  # what is queued tries once more, and ends
        work.fetch(CALL, read)
    assert len(seen) == tried + 1
    assert virtual.now - began <= 6.0
    assert work.sent == len(seen)


def test_while_a_host_is_gone_one_call_tries_and_all_others_wait() -> None:
    """Gone for 16 seconds; all fifty calls end well, and few were spent on it."""
    virtual, sent = Virtual(), []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(virtual.now)
        if virtual.now < 1_000_016.0:
            raise httpx2.ReadError("dead")
        return OK

    work = client(virtual, handler)

    async def one(number: int) -> object:
        return (await work.fetch_async(CALL, read)).value

    results = dict(work.run_many(range(50), one, at_once=12))
    assert set(map(str, results.values())) == {"{'fine': True}"}
    in_vain = [at for at in sent if at < 1_000_016.0]
    assert len(in_vain) <= 5 + 12 + 8  # what opens the circuit, what was under way, trials
    assert len(sent) == work.sent == len(in_vain) + 50


@given(st.integers(1, 20), st.none() | st.floats(0, 200))
def test_waits_are_fully_jittered_and_at_least_the_requested_one(attempt: int, requested: float | None) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    policy = RetryPolicy(attempts=10, cap=20.0, draw=draw)
    wait = policy.wait(attempt, requested)
    if attempt >= 10 or (requested or 0) > policy.longest:
        assert wait is None
    else:
        assert wait is not None
        assert wait >= (requested or 0)
        assert drawn == [(0.0, min(policy.cap, policy.base * 2 ** (attempt - 1)))]


@pytest.mark.parametrize(
    ("header", "waits"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:07 GMT", 7.0), ("soon", 0.5)],
)
def test_retry_after_is_honoured_as_number_and_as_date(header: str, waits: float) -> None:
    virtual = Virtual(now=1_445_412_480.0)  # Wed, 21 Oct 2015 07:28:00 GMT
    handler, _ = script(httpx2.Response(503, headers={"retry-after": header}), OK)
    client(virtual, handler).fetch(CALL, read)
    assert waits <= virtual.waits[0] <= waits + 1.0


def test_a_retry_after_that_is_too_far_off_is_handed_to_the_caller() -> None:
    virtual = Virtual()
    handler, seen = script(httpx2.Response(503, headers={"retry-after": "3600"}))
    with pytest.raises(SourceUnavailable) as gone:
        client(virtual, handler).fetch(CALL, read)
    assert gone.value.retry_after == 3600
    assert len(seen) == 1


def test_a_refusal_holds_the_group_for_every_call() -> None:
    virtual = Virtual()
    sent: list[float] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(virtual.now)
        return httpx2.Response(429) if len(sent) == 1 else OK

    work = client(virtual, handler)
    work.fetch(CALL, read)
    work.fetch(CALL, read)
    assert sent[1] >= sent[0] + 1.0
    assert sent[2] - sent[1] == pytest.approx(0.103)  # and the pace is 3 % slower


def test_failed_connection_does_not_count_as_a_call() -> None:
    handler, seen = script(httpx2.ConnectError("nobody"), httpx2.ReadError("reset"), OK)
    work = client(Virtual(), handler)
    work.fetch(CALL, read)
    assert (len(seen), work.sent) == (3, 2)


def test_an_answer_that_drips_in_does_not_last_for_ever() -> None:
    async def never(request: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    from marketdata.sources.http.client import Timeouts

    virtual = Virtual()
    work = HttpClient(
        transport=httpx2.MockTransport(never),
        timeouts=Timeouts(total=0.01),
        retry=RetryPolicy(attempts=2),
        pause=virtual.pause,
    )
    with pytest.raises(SourceUnavailable, match="took too long"):
        work.fetch(CALL, read)


def test_the_other_sides_clock_bounds_ours() -> None:
    virtual = Virtual(now=1_445_412_480.0 + 90)
    handler, _ = script(httpx2.Response(200, headers={"date": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    fetched = client(virtual, handler).fetch(CALL, lambda answer: answer.answered_at)
    assert fetched.value == 1_445_412_480.0


# --- many at once
# -----------------------------------------------------------------------------------


def test_a_batch_answers_each_item_and_one_failure_stays_with_its_item() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params["n"])
        return httpx2.Response(404) if number % 10 == 3 else httpx2.Response(200, json=number)

    work = client(Virtual(), handler)

    async def one(number: int) -> object:
        call = Call(CALL.url, RATE, params={"n": str(number)})
        return (await work.fetch_async(call, read)).value

    results = dict(work.run_many(range(50), one, at_once=8))
    for number in range(50):
        if number % 10 == 3:
            assert isinstance(results[number], SourceRefused)
        else:
            assert results[number] == number


def test_a_batch_that_is_left_early_or_breaks_stops_calling() -> None:
    handler, seen = script(OK)
    work = client(Virtual(), handler)

    async def one(number: int) -> object:
        return (await work.fetch_async(CALL, read)).value

    results = work.run_many(range(10_000), one, at_once=4)
    next(results)
    results.close()  # type: ignore[attr-defined]
    work.fetch(CALL, read)
    assert len(seen) < 100

    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(work.run_many(items(), one))
    work.close()


def test_a_plain_call_works_beside_a_running_loop() -> None:
    handler, _ = script(OK)
    work = client(Virtual(), handler)

    async def view() -> object:
        return work.fetch(CALL, read).value

    assert asyncio.run(view()) == {"fine": True}


def test_secrets_of_a_call_appear_in_no_message_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-t0k3n"  # noqa: S105
    call = Call(
        "https://exchange.example/oauth",
        RATE,
        method="POST",
        params={"trace": secret},
        headers={"authorization": f"Bearer {secret}"},
        json={"appsecret": secret},
    )
    handler, _ = script(httpx2.ReadError(f"read {secret}"))
    with pytest.raises(SourceUnavailable) as gone:
        client(Virtual(), handler).fetch(call, read)
    assert secret not in str(gone.value)
    assert secret not in repr(call).replace(f"'trace': '{secret}'", "")
    assert secret not in caplog.text
