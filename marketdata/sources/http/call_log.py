"""The log of the calls of a client: how many, and the last one that was sent, answered and refused."""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.sources.base import RateLimited, SourceError, SourceRefused, UnknownInstrument


@dataclass(slots=True)
class CallLog:
    """The calls of a client until it is closed: how many were sent; when the last one was sent, answered as the parser
    expects and refused, seconds since 1970 UTC, with the reason; how many were refused, those for their pace
    included."""

    calls: int = 0
    sent_at: float | None = None
    answered_at: float | None = None
    refused_at: float | None = None
    refusal: str = ""
    refusals: int = 0

    def __add__(self, later: CallLog) -> CallLog:
        """Both as one."""
        return CallLog(
            self.calls + later.calls,
            later.sent_at or self.sent_at,
            later.answered_at or self.answered_at,
            later.refused_at or self.refused_at,
            later.refusal or self.refusal,
            self.refusals + later.refusals,
        )

    def refused(self, error: SourceError, at: float) -> None:
        """Note a refused call; an answer that an instrument is unknown is none."""
        if isinstance(error, UnknownInstrument):
            self.answered_at = at
        elif isinstance(error, SourceRefused | RateLimited):
            self.refused_at, self.refusal = at, str(error)
            self.refusals += 1
