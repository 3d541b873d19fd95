"""One POST of a notification to an address that somebody configured.

    POST {url}   content-type: application/json
                 x-seismo-delivery: what tells this content apart, so that a receiver can leave out what it has
                 x-seismo-signature: sha256=HMAC-SHA256 of the body in hex, where a secret is configured
    2xx          it was received; the body is not read

The address may be a secret itself: it is in no message. Redirects are not followed, since they would carry the content
to an address that nobody configured.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from scans.notices.failure import NotDelivered

PASSING = frozenset({408, 425, 429})
"""Answers below 500 after which another try may succeed."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notifications are posted: the address, the secret that signs ("" for none) and the seconds that one call
    may take in all."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    seconds: float = 10.0


def signature(secret: str, body: bytes) -> str:
    """The value of x-seismo-signature."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post_notification(hook: Webhook, content: Mapping[str, Any], *, delivery: str) -> None:
    """Post `content` once; NotDelivered unless it was received within the hook's seconds."""
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "seismo",
        "x-seismo-delivery": delivery,
    }
    if hook.secret:
        headers["x-seismo-signature"] = signature(hook.secret, body)
    try:
        status = asyncio.run(_posted(hook, body, headers))
    except TimeoutError:
        raise NotDelivered(f"no answer within {hook.seconds:g} seconds", passing=True) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        why = f"the server was not reached ({type(error).__name__})"
        raise NotDelivered(why, passing=not isinstance(error, httpx2.InvalidURL)) from None
    if not 200 <= status < 300:
        raise NotDelivered(f"the server answered {status}", passing=status >= 500 or status in PASSING)


async def _posted(hook: Webhook, body: bytes, headers: Mapping[str, str]) -> int:
    async with (
        asyncio.timeout(hook.seconds),
        httpx2.AsyncClient(timeout=hook.seconds, follow_redirects=False) as client,
        client.stream("POST", hook.url, content=body, headers=dict(headers)) as response,
    ):
        return response.status_code
