"""An imitation of a server that writes: OpenAI's chat completions, as strict about a call as the original.

Faults of its own, besides those of every transport: "refused" (401), "busy" (429), "filtered" (a refusal), "empty",
"shapeless" (JSON of another form), "nested" (JSON too deep to be read), "endless" (more text than anybody wants),
"markup" (a text with markup, links and invisible letters).
"""

from __future__ import annotations

import json
from typing import Any

from tests.exchanges.server import Exchange, Request, Response

KEY = "sk-imitated"
MODEL = "imitated-1"
MARKUP = (
    "<script>alert(1)</script> It rose. See [here](https://evil.example/a?b) or www.evil.example.\n\n\n\n"
    "A\u202eB\u200bC\x07D\x00"
)


class Writer(Exchange):
    """`requests`: the answered calls; `text`: the text of every answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.requests: list[dict[str, Any]] = []
        self.text = "It was picked because its close rose."

    def answer(self, request: Request, fault: str | None) -> Response:
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return self._error(404, "no such address")
        if request.headers.get("authorization") != f"Bearer {KEY}" or fault == "refused":
            return self._error(401, f"Incorrect API key provided: {KEY}")
        if fault == "busy":
            return self._error(429, "rate limit")
        wrong = self._wrong(request)
        if wrong:
            return self._error(400, wrong)
        if fault == "shapeless":
            return Response.json([{"choices": {}}])
        if fault == "nested":
            return Response(200, b"[" * 100_000 + b"]" * 100_000)
        content = {"empty": " \u200b\n", "endless": "word " * 100_000, "markup": MARKUP}.get(fault or "", self.text)
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if fault == "filtered":
            message |= {"content": None, "refusal": "I cannot help with that."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return Response.json({"object": "chat.completion", "model": MODEL, "choices": [choice]})

    def _wrong(self, request: Request) -> str:
        """What the original would object to."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            return "not JSON"
        call = json.loads(request.body)
        messages = call.get("messages")
        if call.keys() - {"model", "messages", "max_tokens", "stream"}:
            return f"unknown parameters: {sorted(call)}"
        if not (isinstance(call.get("model"), str) and call["model"]):
            return "you must provide a model parameter"
        if call.get("stream") is not False or not 1 <= call.get("max_tokens", 0) <= 4096:
            return "stream or max_tokens"
        if not messages or [one.get("role") for one in messages] != ["system", "user"]:
            return "messages"
        if not all(isinstance(one.get("content"), str) and one["content"] for one in messages):
            return "content"
        self.requests.append(call)
        return ""

    def _error(self, status: int, message: str) -> Response:
        return Response.json({"error": {"message": message, "type": "error"}}, status)
