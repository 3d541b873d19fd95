"""One access token for every process: taken from a shared place, refreshed five minutes before its end.

1. `current` loads the token. Good for more than five minutes and not the stale one: that is it.
2. Otherwise whoever gets the claim asks KIS for a new one and swaps it in if the stored one is
   still the one it saw; everybody else waits for that, or goes on with the old token while it
   lasts.
3. Asking takes a permit of a group that gives out one a minute, over all processes, retries included.

A token is kept in memory or in Redis, never in a database, a log or a message.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

import redis

from marketdata.sources.base import SourceChanged, SourceUnavailable
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.kis.errors import KST, body_of
from marketdata.sources.kis.settings import KisSettings

EARLY = 300.0  # seconds before its end at which a token is replaced
CLAIM = 100.0  # seconds after which a claim of a process that died is void
LOOK_AGAIN = 0.25
P = ParamSpec("P")
R = TypeVar("R")


class Token(NamedTuple):
    value: str
    expires_at: float  # seconds since 1970 UTC

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


class TokenStore(Protocol):
    """Where a token is shared. Every method is atomic across all users of the store."""

    @property
    def blocking(self) -> bool: ...

    def load(self, key: str) -> Token | None: ...

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        """Store `new` if the stored value still is `old` (None: nothing is stored)."""

    def claim(self, key: str, seconds: float) -> bool:
        """True for one caller: the right to ask for a token, until `release` or for `seconds`."""

    def release(self, key: str) -> None: ...


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
        with _translated():
            value, ends = self._client.hmget(self._prefix + key, ["value", "expires_at"])
        if value is None or ends is None:
            return None
        return Token(_text(value), float(ends))

    def swap(self, key: str, old: str | None, new: Token) -> bool:
        with _translated():
            done = self._swap(keys=[self._prefix + key], args=[old or "", new.value, repr(new.expires_at)])
        return bool(done)

    def claim(self, key: str, seconds: float) -> bool:
        with _translated():
            name = f"{self._prefix}{key}:claim"
            return bool(self._client.set(name, "1", nx=True, px=int(seconds * 1000)))

    def release(self, key: str) -> None:
        with _translated():
            self._client.delete(f"{self._prefix}{key}:claim")


class _translated:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError):
            raise SourceUnavailable(
                f"The token of KIS cannot be shared: Redis answers {type(error).__name__}."
            ) from None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


class TokenProvider:
    """The token of one application key."""

    def __init__(
        self,
        settings: KisSettings,
        http: HttpClient,
        store: TokenStore | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._http = http
        self._store = store or ProcessTokens()
        self._pause = pause
        self._wall_clock = wall_clock
        self._rate = Rate(f"{settings.account}:token", 1.0 / settings.token_every)

    async def current(self, *, stale: str | None = None) -> str:
        """A token that works; `stale` is one that was refused. SourceError where there is none."""
        key, waited = self._settings.account, 0.0
        while True:
            token = await self._call(self._store.load, key)
            left = token.expires_at - self._wall_clock() if token else 0.0
            usable = token is not None and token.value != stale and left > 0
            if token is not None and usable and left > EARLY:
                return token.value
            if await self._call(self._store.claim, key, CLAIM):
                return await self._replace(key, token)
            if token is not None and usable:
                return token.value  # another process refreshes it; this one lasts a while yet
            if waited > CLAIM:
                raise SourceUnavailable("No token of KIS came from the process that asks for it.")
            waited += LOOK_AGAIN
            await self._pause(LOOK_AGAIN)

    async def _replace(self, key: str, seen: Token | None) -> str:
        try:
            now = await self._call(self._store.load, key)
            if now is not None and now != seen:
                return now.value  # replaced between the look and the claim
            new = await self._issue()
            if await self._call(self._store.swap, key, seen.value if seen else None, new):
                return new.value
            stored = await self._call(self._store.load, key)
            return stored.value if stored else new.value
        finally:
            await self._call(self._store.release, key)

    async def _issue(self) -> Token:
        call = Call(
            f"{self._settings.url}/oauth2/tokenP",
            self._rate,
            method="POST",
            headers={"content-type": "application/json; charset=utf-8"},
            json={
                "grant_type": "client_credentials",
                "appkey": self._settings.app_key,
                "appsecret": self._settings.app_secret,
            },
        )
        return (await self._http.fetch_async(call, _token)).value

    async def _call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._store.blocking:
            return await asyncio.to_thread(work, *args, **kwargs)
        return work(*args, **kwargs)


def _token(answer: Answer) -> Token:
    body = body_of(answer)
    try:
        ends = answer.sent_at + float(body["expires_in"])
        named = body.get("access_token_token_expired")
        if named:
            at = datetime.strptime(named, "%Y-%m-%d %H:%M:%S").replace(tzinfo=KST)
            ends = min(ends, at.timestamp())
        return Token(str(body["access_token"]), ends)
    except (KeyError, ValueError, TypeError):
        # What came may hold a token: only the names of its fields are told.
        fields = json.dumps(sorted(body))
        raise SourceChanged(
            "The token answer of KIS changed",
            expected="access_token and expires_in",
            came=f"the fields {fields}",
        ) from None
