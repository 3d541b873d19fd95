"""Stores of access tokens: one small protocol with the backends memory, Redis and files (`token_files`).

A token is never in a database, a log or a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import redis

from marketdata.sources.base import SourceUnavailable


class Token(NamedTuple):
    """`expires_at`: seconds since 1970 UTC. Its repr hides the value."""

    value: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


class TokenStore(Protocol):
    """A shared place of tokens. Every method is atomic across all users of the store.

    `blocking`: a call may wait for a network or a disk, so it is made outside the event loop.
    """

    @property
    def blocking(self) -> bool: ...

    def load(self, key: str) -> Token | None:
        """The stored token; None where there is none."""

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        """Store `new` if the stored value still is `old` (None: no token is stored)."""

    def claim(self, key: str, seconds: float) -> bool:
        """True for one caller: the right to request a token, until `release` or for `seconds`."""

    def release(self, key: str) -> None:
        """Give up the claim."""


class ProcessTokens:
    """Tokens of one process."""

    blocking = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._claims: dict[str, float] = {}

    def load(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        with self._lock:
            stored = self._tokens.get(key)
            if (stored.value if stored else None) != old:
                return False
            self._tokens[key] = new
            return True

    def claim(self, key: str, seconds: float) -> bool:
        with self._lock:
            if self._claims.get(key, float("-inf")) > self._clock():
                return False
            self._claims[key] = self._clock() + seconds
            return True

    def release(self, key: str) -> None:
        with self._lock:
            self._claims.pop(key, None)


_SWAP = """
local stored = redis.call('HGET', KEYS[1], 'value')
if (stored or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'expires_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], 90000)
return 1
"""


class RedisTokens:
    """Tokens shared through Redis."""

    blocking = True

    def __init__(self, client: redis.Redis, *, prefix: str = "token:") -> None:
        self._client = client
        self._prefix = prefix
        self._swap = client.register_script(_SWAP)

    def load(self, key: str) -> Token | None:
        with _redis_errors():
            value, expires_at = self._client.hmget(self._prefix + key, ["value", "expires_at"])
        if value is None or expires_at is None:
            return None
        return Token(_text(value), float(expires_at))

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        with _redis_errors():
            return bool(self._swap(keys=[self._prefix + key], args=[old or "", new.value, repr(new.expires_at)]))

    def claim(self, key: str, seconds: float) -> bool:
        with _redis_errors():
            name = f"{self._prefix}{key}:claim"
            return bool(self._client.set(name, "1", nx=True, px=int(seconds * 1000)))

    def release(self, key: str) -> None:
        with _redis_errors():
            self._client.delete(f"{self._prefix}{key}:claim")


@contextmanager
def _redis_errors() -> Iterator[None]:
    """Errors of Redis as SourceUnavailable, without their text."""
    try:
        yield
    except redis.RedisError as error:
        raise SourceUnavailable(f"The token of KIS cannot be shared: Redis answers {type(error).__name__}.") from None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
