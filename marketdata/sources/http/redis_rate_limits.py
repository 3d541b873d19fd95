"""Rate-limit states shared through Redis by every process and host."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TypeVar

import redis

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.rate_limit import FORGOTTEN, RateLimitState
from marketdata.sources.http.rate_limit_stores import StoredState

R = TypeVar("R")

# KEYS[1] a state; ARGV: the text it must still have ("" where there is none), the new one, seconds to keep it.
_SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class RedisRateLimits:
    """One text a group, on the clock of Redis, so that hosts need not agree; one round trip a call."""

    blocking = True

    def __init__(self, client: redis.Redis, *, prefix: str = "pace:") -> None:
        self._client = client
        self._prefix = prefix
        self._swap = client.register_script(_SWAP)

    def read(self, key: str) -> StoredState:
        def text_and_time() -> tuple[tuple[int, int], bytes | None]:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.get(self._prefix + key)
                pipeline.time()
                text, time = pipeline.execute()
            return time, text

        (seconds, micros), text = self._call(key, text_and_time)
        state = RateLimitState.of_text(text.decode()) if text else RateLimitState()
        return StoredState(state, seconds + micros / 1e6, text or b"")

    def swap(self, key: str, expected: StoredState, new: RateLimitState) -> bool:
        seconds = ceil(max(new.hold_until - expected.now, 0.0) + 2 * FORGOTTEN)
        arguments = [expected.version, new.text(), seconds]
        return bool(self._call(key, lambda: self._swap(keys=[self._prefix + key], args=arguments)))

    def close(self) -> None:
        """The client is shared; its owner closes it."""

    @staticmethod
    def _call(key: str, work: Callable[[], R]) -> R:
        try:
            return work()
        except redis.RedisError as error:
            raise SourceUnavailable(
                f"The rate limit {key} cannot be shared: Redis answers {type(error).__name__}."
            ) from error
