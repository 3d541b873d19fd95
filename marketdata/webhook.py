"""Webhook: one POST of a JSON object to a configured address.

    POST {url}   content-type: application/json
                 x-seismo-delivery: by which a receiver recognizes a repeated delivery
                 x-seismo-signature: sha256=HMAC-SHA256 of the body in hex, where a secret is configured
    2xx          received; the body is not read

The address may be a secret: it is in no message. Redirects are not followed, since they would send the content to an
address that is not configured.
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

from marketdata.errors import NotDelivered

RETRIED_STATUSES = frozenset({408, 425, 429})
"""Statuses below 500 after which another try may succeed."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: its address, the secret of the signature ("" for none) and the time limit of one call in seconds."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    seconds: float = 10.0


def signature(secret: str, body: bytes) -> str:
    """The value of x-seismo-signature."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post_json(hook: Webhook, content: Mapping[str, Any], *, delivery: str) -> None:
    """Post `content` once; NotDelivered unless it was received within the time limit."""
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "user-agent": "seismo", "x-seismo-delivery": delivery}
    if hook.secret:
        headers["x-seismo-signature"] = signature(hook.secret, body)
    request_once("POST", hook.url, seconds=hook.seconds, body=body, headers=headers)


def request_once(
    method: str, url: str, *, seconds: float, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> None:
    """Make one request; NotDelivered unless it was answered with 2xx within the time limit."""
    try:
        status = asyncio.run(_status(method, url, seconds, body, headers or {}))
    except TimeoutError:
        raise NotDelivered(f"no answer within {seconds:g} seconds", temporary=True) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        why = f"the server was not reached ({type(error).__name__})"
        raise NotDelivered(why, temporary=not isinstance(error, httpx2.InvalidURL)) from None
    if not 200 <= status < 300:
        raise NotDelivered(f"the server answered {status}", temporary=status >= 500 or status in RETRIED_STATUSES)


async def _status(method: str, url: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> int:
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient(timeout=seconds, follow_redirects=False) as client,
        client.stream(method, url, content=body, headers=dict(headers)) as response,
    ):
        return response.status_code
