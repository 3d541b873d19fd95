"""One access token for every process: loaded from a shared store, refreshed five minutes before its end.

1. `current` loads the token. One that lasts more than five minutes and is not the stale one is returned.
2. Otherwise the process that gets the claim requests a new one and swaps it in if the stored one is still the one that
   it loaded; the others wait for it, or use the old token while it lasts.
3. A request takes a permit of a group that allows one a minute, over all processes, retries included.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ParamSpec, TypeVar

from marketdata.sources.base import SourceChanged, SourceUnavailable
from marketdata.sources.http.client import Answer, Call, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.kis.errors import KST, body_of
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_stores import ProcessTokens, Token, TokenStore

EARLY = 300.0  # seconds before its end at which a token is replaced
CLAIM = 100.0  # seconds after which the claim of a dead process is void
LOOK_AGAIN = 0.25  # seconds between two looks for the token of another process
P = ParamSpec("P")
R = TypeVar("R")


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
        """A valid token other than `stale`, one that was refused. SourceError where there is none."""
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
                return token.value  # another process refreshes it; this one is still valid
            if waited > CLAIM:
                raise SourceUnavailable("The process that requests a token of KIS has not stored one.")
            waited += LOOK_AGAIN
            await self._pause(LOOK_AGAIN)

    async def _replace(self, key: str, old: Token | None) -> str:
        try:
            stored = await self._call(self._store.load, key)
            if stored is not None and stored != old:
                return stored.value  # replaced between the load and the claim
            new = await self._issue()
            if await self._call(self._store.swap, key, old.value if old else None, new):
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
        expires_at = answer.sent_at + float(body["expires_in"])
        stated = body.get("access_token_token_expired")
        if stated:
            moment = datetime.strptime(stated, "%Y-%m-%d %H:%M:%S").replace(tzinfo=KST)
            expires_at = min(expires_at, moment.timestamp())
        return Token(str(body["access_token"]), expires_at)
    except (KeyError, ValueError, TypeError):
        # The answer may hold a token: the message has the names of its fields alone.
        fields = json.dumps(sorted(body))
        raise SourceChanged(
            "The token answer of KIS changed", expected="access_token and expires_in", actual=f"the fields {fields}"
        ) from None
