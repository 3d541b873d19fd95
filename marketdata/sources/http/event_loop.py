"""An event loop in a thread of its own, so that plain code can wait for asynchronous work.

Works from any thread, also from one that runs an event loop itself, and after a fork (the child starts its own
thread). anyio's `BlockingPortal` carries the calls, each in a copy of its caller's context. The thread is not that of
`start_blocking_portal`: its context manager must be left in every process, and would wait for ever in a forked child
and at the end of a process that did not close its client.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a batch
E = TypeVar("E", bound=Exception)


class _StartedWork(Generic[T]):
    """Work that can be cancelled from its first moment on: an interrupt may come before the portal has handed out the
    future by which it cancels."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    async def __call__(self) -> T:
        """The result of the work, in the loop's thread."""
        self._task = asyncio.current_task()
        if self._is_cancelled:
            raise asyncio.CancelledError
        return await self._work()

    def cancel(self) -> None:
        """Cancel the work, from another thread; nothing where it has ended."""
        self._is_cancelled = True
        if self._task is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)


class EventLoopThread:
    """Started by its first use, once a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._portal: BlockingPortal | None = None
        self._pid = 0

    @property
    def is_running(self) -> bool:
        return self._portal is not None and self._pid == os.getpid()

    def run(self, work: Awaitable[T]) -> T:
        """The result of `work`, or its exception. An interrupt cancels it."""

        async def result() -> T:
            return await work

        started = _StartedWork(result)
        try:
            return self._running().start_task_soon(started).result()
        except BaseException:
            started.cancel()
            raise

    def run_many(
        self, items: Iterable[I], work: Callable[[I], Awaitable[T]], *, at_once: int, isolated: type[E]
    ) -> Iterator[tuple[I, T | E]]:
        """The results of all items as they arrive, `at_once` items at a time.

        An error of the `isolated` family is the result of its item; any other ends the batch. Items are drawn as they
        are needed and results wait only until they are taken, so memory stays flat.
        """
        todo = iter(items)
        results: asyncio.Queue[tuple[I, T | E] | BaseException | None] = asyncio.Queue(at_once)

        async def worker() -> None:
            for item in todo:
                try:
                    result: T | E = await work(item)
                except isolated as error:
                    result = error
                await results.put((item, result))

        async def batch() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(at_once):
                        group.create_task(worker())
            except BaseExceptionGroup as errors:
                await results.put(errors.exceptions[0])
            else:
                await results.put(None)

        return self._results(batch, results)

    def _results(
        self, batch: Callable[[], Awaitable[None]], results: asyncio.Queue[tuple[I, T | E] | BaseException | None]
    ) -> Iterator[tuple[I, T | E]]:
        started = _StartedWork(batch)
        try:
            self._running().start_task_soon(started)
            while (result := self.run(results.get())) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            started.cancel()

    def stop(self) -> None:
        """End the thread, if it runs; its tasks are cancelled."""
        with self._lock:
            portal, self._portal = self._portal, None
        if portal is not None and self._pid == os.getpid():
            with suppress(RuntimeError):  # it has ended
                portal.start_task_soon(portal.stop, True)

    def _running(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None or self._pid != os.getpid():
                started: Future[BlockingPortal] = Future()
                Thread(target=_serve, args=(started,), name="sources-http", daemon=True).start()
                self._portal, self._pid = started.result(), os.getpid()
            return self._portal


def _serve(started: Future[BlockingPortal]) -> None:
    async def serve() -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    try:
        anyio.run(serve)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)
