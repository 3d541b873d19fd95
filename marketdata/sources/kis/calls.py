"""One call of the KIS Open API: with its token, which is replaced once where KIS no longer accepts it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from marketdata.sources.base import SourceRefused, SourceUnavailable
from marketdata.sources.http.client import Answer, Call, FetchResult, HttpClient
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.kis.errors import TokenStale, body_of
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_stores import TokenStore
from marketdata.sources.kis.tokens import TokenProvider

T = TypeVar("T")


class KisCalls:
    """Calls of one application; all its sources share the rate of the account."""

    def __init__(
        self,
        settings: KisSettings,
        http: HttpClient,
        tokens: TokenStore | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._http = http
        self._tokens = TokenProvider(settings, http, tokens, pause=pause)
        self._rate = Rate(settings.account, settings.rate)

    async def get(
        self,
        path: str,
        transaction: str,
        params: dict[str, str],
        read: Callable[[dict[str, Any]], T],
        *,
        tr_cont: str = "",
    ) -> tuple[T, Answer]:
        """The value of `read` (body), and the answer."""
        missing = self._settings.missing()
        if missing:
            raise SourceRefused(f"KIS is not configured: set {' and '.join(missing)}.")
        token = await self._tokens.current()
        try:
            fetched = await self._send(path, transaction, params, read, tr_cont, token)
        except TokenStale:
            token = await self._tokens.current(stale=token)
            try:
                fetched = await self._send(path, transaction, params, read, tr_cont, token)
            except TokenStale as error:
                # Another program has requested a token since: this call is not repeated again; a later one may succeed.
                raise SourceUnavailable(f"{error} So was the one that replaced it.") from None
        return fetched.value

    async def _send(
        self,
        path: str,
        transaction: str,
        params: dict[str, str],
        read: Callable[[dict[str, Any]], T],
        tr_cont: str,
        token: str,
    ) -> FetchResult[tuple[T, Answer]]:
        call = Call(
            f"{self._settings.url}{path}",
            self._rate,
            params=params,
            headers={
                "content-type": "application/json; charset=utf-8",
                "authorization": f"Bearer {token}",
                "appkey": self._settings.app_key,
                "appsecret": self._settings.app_secret,
                "tr_id": transaction,
                "custtype": "P",
                "tr_cont": tr_cont,
            },
        )
        return await self._http.fetch_async(call, lambda answer: (read(body_of(answer)), answer))
