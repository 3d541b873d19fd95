"""Plain calls of asynchronous work: many threads, a running loop, a fork, an interrupt, and an end without `stop`."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketdata.sources.http.event_loop import EventLoopThread

FORK = """
import asyncio, os
from marketdata.sources.http.event_loop import EventLoopThread
async def answer(value): return value
thread = EventLoopThread()
print(thread.run(answer("parent")), flush=True)
child = os.fork()
if not child:
    print(thread.run(answer("child")), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(thread.run(answer("parent again")), flush=True)
"""
"""Ends without `stop`, which must not keep the process alive."""

INTERRUPT = """
import asyncio, threading
from marketdata.sources.http.event_loop import EventLoopThread
cancelled = threading.Event()
async def wait():
    print("waiting", flush=True)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        cancelled.set()
        raise
thread = EventLoopThread()
try:
    thread.run(wait())
except KeyboardInterrupt:
    print("cancelled" if cancelled.wait(30) else "still at work", flush=True)
"""


@pytest.fixture
def loop_thread() -> Iterator[EventLoopThread]:
    thread = EventLoopThread()
    yield thread
    thread.stop()


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_a_thread_starts_with_the_first_call_and_again_after_stop(loop_thread: EventLoopThread) -> None:
    states = [loop_thread.is_running]
    assert loop_thread.run(double(1)) == 2
    states.append(loop_thread.is_running)
    loop_thread.stop()
    states.append(loop_thread.is_running)
    assert loop_thread.run(double(2)) == 4
    assert states == [False, True, False]


def test_many_threads_call_at_once_and_share_one_loop(loop_thread: EventLoopThread) -> None:
    arrived: list[int] = []
    all_arrived = asyncio.Event()

    async def meet() -> int:
        arrived.append(len(arrived))
        if len(arrived) == 8:
            all_arrived.set()
        await asyncio.wait_for(all_arrived.wait(), 30)
        return id(asyncio.get_running_loop())

    with ThreadPoolExecutor(8) as pool:
        loops = list(pool.map(lambda _: loop_thread.run(meet()), range(8)))
    assert len(set(loops)) == 1


def test_a_call_within_a_running_loop_is_answered(loop_thread: EventLoopThread) -> None:
    async def outer() -> int:
        return loop_thread.run(double(3))

    assert asyncio.run(outer()) == 6


def test_an_exception_of_the_work_is_raised_by_the_call(loop_thread: EventLoopThread) -> None:
    async def fail() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        loop_thread.run(fail())
    assert loop_thread.run(double(4)) == 8


def test_an_abandoned_batch_is_cancelled(loop_thread: EventLoopThread) -> None:
    cancelled = threading.Event()

    async def work(number: int) -> int:
        if number:
            try:
                await asyncio.sleep(600)
            finally:
                cancelled.set()
        return number

    results = loop_thread.run_many([0, 1], work, at_once=2, isolated=LookupError)
    assert next(results) == (0, 0)
    results.close()  # type: ignore[attr-defined]
    assert cancelled.wait(30)


def test_a_forked_child_starts_its_own_thread_and_no_process_waits_at_its_end() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["parent", "child", "parent again"]


def test_an_interrupt_cancels_the_work() -> None:
    process = subprocess.Popen([sys.executable, "-c", INTERRUPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.splitlines() == ["cancelled"]
    assert process.returncode == 0
