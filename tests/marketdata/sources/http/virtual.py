"""Time that passes only in waits."""

from __future__ import annotations

import asyncio
import selectors


class Virtual:
    """A clock and a pause that belong together; `waits` lists every pause."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class _NoWait(selectors.DefaultSelector):
    """A selector that lets virtual time pass where it would wait."""

    def __init__(self, virtual: Virtual) -> None:
        super().__init__()
        self.virtual = virtual

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # nothing is scheduled: only another thread can go on
            return super().select(None)
        self.virtual.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time: many tasks wait side by side, and `asyncio.sleep` takes no real time."""

    def __init__(self, virtual: Virtual) -> None:
        self._virtual = virtual
        super().__init__(_NoWait(virtual))

    def time(self) -> float:
        return self._virtual.now
