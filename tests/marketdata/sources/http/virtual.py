"""Time that passes only when somebody waits for it."""

from __future__ import annotations


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
