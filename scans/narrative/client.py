"""Client of a language model's server: one call of the chat completions API that OpenAI and compatible servers share.

    POST {url}/chat/completions  {"model", "messages": [{"role", "content"}], "max_tokens", "stream": false}
    200 {"model", "choices": [{"message": {"content"}, "finish_reason"}]}

The text of the answer is not trusted: it is limited in bytes while it is read, then converted to plain text (`text`).
The key is in no message. There is one call without a second try, since a reader waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from scans.narrative.text import plain_text

MOST_BYTES = 200_000
MOST_TOKENS = 600

Messages = Sequence[dict[str, str]]


class NarrativeFailed(Exception):
    """There is no narrative; the message has the reason, which may be shown to the reader."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A language model's server: the base address (as https://host/v1), the model, the key ("" for none), and the time
    limit of a call in seconds."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Narrative:
    """A text and the model that wrote it according to the server."""

    text: str
    model: str


def write_narrative(
    endpoint: Endpoint, messages: Messages, *, transport: httpx2.AsyncBaseTransport | None = None
) -> Narrative:
    """The narrative of the server; NarrativeFailed on every error or after the time limit."""
    try:
        return asyncio.run(_post_completion(endpoint, messages, transport))
    except TimeoutError:
        raise NarrativeFailed(f"no answer within {endpoint.seconds:g} seconds") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise NarrativeFailed(f"the server was not reached ({type(error).__name__})") from error


async def _post_completion(
    endpoint: Endpoint, messages: Messages, transport: httpx2.AsyncBaseTransport | None
) -> Narrative:
    payload = {"model": endpoint.model, "messages": list(messages), "max_tokens": MOST_TOKENS, "stream": False}
    headers = {"accept": "application/json", "user-agent": "seismo"}
    if endpoint.key:
        headers["authorization"] = f"Bearer {endpoint.key}"
    address = f"{endpoint.url.rstrip('/')}/chat/completions"
    async with (
        asyncio.timeout(endpoint.seconds),
        httpx2.AsyncClient(timeout=endpoint.seconds, transport=transport) as client,
        client.stream("POST", address, json=payload, headers=headers) as response,
    ):
        if response.status_code != 200:
            raise NarrativeFailed(f"the server answered {response.status_code}")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise NarrativeFailed("the answer was too long")
    return _read(bytes(body), endpoint.model)


def _read(body: bytes, model: str) -> Narrative:
    """The first choice of an answer."""
    try:
        completion: Any = json.loads(body)
        choice = completion["choices"][0]
        content = choice["message"]["content"]
        author = completion.get("model")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise NarrativeFailed("the answer was not a chat completion") from error
    if choice.get("finish_reason") == "content_filter" or choice["message"].get("refusal"):
        raise NarrativeFailed("the server refused to write it")
    text = plain_text(content) if isinstance(content, str) else ""
    if not text:
        raise NarrativeFailed("the answer has no text")
    return Narrative(text, plain_text(author, 80) if isinstance(author, str) and author else model)
