"""Errors of KIS, by the body of an answer: the HTTP status is 500 for most business errors, and 200 for some.

Success is HTTP 200 with `rt_cd == "0"`. `CODES` maps error codes to errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from marketdata.sources.base import (
    AccessRefused,
    RateLimited,
    SourceChanged,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from marketdata.sources.http.client import Answer

KST = timezone(timedelta(hours=9))
TOKEN_WAIT = 61.0  # seconds: one token a minute


class TokenStale(SourceRefused):
    """The token has expired or is not valid: replace it once and repeat the call once."""


def _access_refused(text: str) -> Callable[[str, str], SourceError]:
    return lambda what, code: AccessRefused(f"{what}: {text} ({code}).", code=code)


def _busy(what: str, code: str) -> SourceError:
    return SourceUnavailable(f"{what}: KIS is busy for a moment ({code}).")


CODES: dict[str, Callable[[str, str], SourceError]] = {
    "EGW00201": lambda what, code: RateLimited(f"{what}: too many calls a second ({code}).", retry_after=1.0),
    "EGW00215": lambda what, code: RateLimited(
        f"{what}: the ledger limit of the account ({code}).", retry_after=1.0, adapt=False
    ),
    "EGW00123": lambda what, code: TokenStale(f"{what}: the token has expired.", code=code),
    "EGW00121": lambda what, code: TokenStale(f"{what}: the token is not valid.", code=code),
    "EGW00316": _busy,
    "OPSQ1002": _busy,
    "OPSQ0003": _busy,
    "EGW00133": lambda what, code: RateLimited(
        f"{what}: one token a minute ({code}).", retry_after=TOKEN_WAIT, adapt=False
    ),
    "EGW00103": _access_refused("the app key is not known: check KIS_APP_KEY"),
    "EGW00105": _access_refused("the app secret is wrong: check KIS_APP_SECRET"),
    "EGW00206": _access_refused("this account may not make this call"),
    "EGW00304": _access_refused("the call was made on the wrong domain"),
    "EGW02004": _access_refused("a paper key was used on the real host, or the other way: check the environment"),
    "OPSQ0002": _access_refused("KIS does not know this transaction"),
    "OPSQ2001": lambda what, code: SourceRefused(f"{what}: a field of the request is missing ({code}).", code=code),
}


def body_of(answer: Answer) -> dict[str, Any]:
    """The JSON of a successful answer; raises the SourceError of any other."""
    what = answer.what
    body = answer.json()
    if not isinstance(body, dict):
        raise SourceChanged(f"{what} changed", expected="an object", actual=type(body).__name__)
    code = str(body.get("error_code") or body.get("msg_cd") or "")
    state = str(body.get("rt_cd", ""))
    message = str(body.get("error_description") or body.get("msg1") or "").strip()
    if answer.status == 200 and (state == "0" or (not code and "rt_cd" not in body)):
        return body
    if "TIME LIMIT" in message.upper():
        raise SourceUnavailable(
            f"{what} is closed at this time of day: {message}", retry_after=_until(message, answer.sent_at)
        )
    if code in CODES:
        raise CODES[code](what, code)
    if answer.status >= 500 and not code:
        raise SourceUnavailable(f"{what} answered status {answer.status}.")
    raise SourceRefused(f"{what} was refused: {message or 'no reason given'} ({code}).", code=code)


def _until(message: str, now: float) -> float:
    """Seconds to the last time of day in a message, on the Korean clock; ten minutes where it has none."""
    times = re.findall(r"(\d{1,2}):?(\d{2})(?::?(\d{2}))?", message)
    if not times:
        return 600.0
    hour, minute, second = (int(part or 0) for part in times[-1])
    local = datetime.fromtimestamp(now, UTC).astimezone(KST)
    try:
        then = local.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        return 600.0
    return (then - local).total_seconds() % 86_400
