"""A receiver of notifications: a local server that records its requests and fails on demand."""

from __future__ import annotations

import json
from typing import Any

from tests.exchanges.server import Exchange, Request, Response


class Receiver(Exchange):
    """Answers each POST with the next of `answers`, then with 204; `received` are the bodies of those it took."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Response] = []
        self.requests: list[Request] = []
        self.received: list[dict[str, Any]] = []

    def answer(self, request: Request, fault: str | None) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else Response(204)
        if answer.status < 300 and fault is None:
            self.received.append(json.loads(request.body or "{}"))
        return answer
