"""A loop in a thread of its own, so that asynchronous work can be waited for with a plain call.

Works from any thread, also from one that runs a loop itself, and after a fork (the child starts
its own thread).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a batch
E = TypeVar("E", bound=Exception)


class EventLoopThread:
    """Started by its first use, once a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    @property
    def is_running(self) -> bool:
        return self._loop is not None and self._pid == os.getpid()

    def run(self, work: Awaitable[T]) -> T:
        """Wait for `work`; what it raises is raised here. An interrupt cancels it."""

        async def whole() -> T:
            return await work

        future = asyncio.run_coroutine_threadsafe(whole(), self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def run_many(
        self,
        items: Iterable[I],
        work: Callable[[I], Awaitable[T]],
        *,
        at_once: int,
        isolated: type[E],
    ) -> Iterator[tuple[I, T | E]]:
        """Work on all items, `at_once` of them together, and hand out results as they arrive.

        An error of the `isolated` family stands for its item; any other ends the batch. Items are
        drawn as they are needed and results wait only until they are taken, so memory stays flat.
        """
        todo = iter(items)
        done: asyncio.Queue[tuple[I, T | E] | BaseException | None] = asyncio.Queue(at_once)

        async def worker() -> None:
            for item in todo:
                try:
                    result: T | E = await work(item)
                except isolated as error:
                    result = error
                await done.put((item, result))

        async def everything() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(at_once):
                        group.create_task(worker())
            except BaseExceptionGroup as errors:
                await done.put(errors.exceptions[0])
            else:
                await done.put(None)

        return self._results(everything, done)

    def _results(
        self,
        everything: Callable[[], Awaitable[None]],
        done: asyncio.Queue[tuple[I, T | E] | BaseException | None],
    ) -> Iterator[tuple[I, T | E]]:
        async def whole() -> None:
            await everything()

        running = asyncio.run_coroutine_threadsafe(whole(), self._running())
        try:
            while (result := self.run(done.get())) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            running.cancel()

    def stop(self) -> None:
        """End the thread, if it runs."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._pid == os.getpid():
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_serve, args=(loop,), name="sources-http", daemon=True)
                thread.start()
                self._loop, self._pid = loop, os.getpid()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
