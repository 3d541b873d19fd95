"""The log of the calls of a client: how many, and the last one that was sent, answered and refused."""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.sources.base import RateLimited, SourceError, SourceRefused, UnknownInstrument


@dataclass(slots=True)
class CallLog:
    """The calls of a client until it is closed: how many were `sent`, retries and refused ones included, without those
    that could not connect; when the last one was sent, answered as the parser expects and refused, seconds since 1970
    UTC, with the reason; how many were refused, those for their pace included."""

    sent: int = 0
    sent_at: float | None = None
    answered_at: float | None = None
    refused_at: float | None = None
    refusal: str = ""
    refusals: int = 0

    def __add__(self, later: CallLog) -> CallLog:
        """Both as one."""
        return CallLog(
            self.sent + later.sent,
            later.sent_at or self.sent_at,
            later.answered_at or self.answered_at,
            later.refused_at or self.refused_at,
            later.refusal or self.refusal,
            self.refusals + later.refusals,
        )

    def sending(self, at: float) -> None:
        """Note a call that is sent."""
        self.sent, self.sent_at = self.sent + 1, at

    def not_sent(self) -> None:
        """Take a call back that could not connect."""
        self.sent -= 1

    def refused(self, error: SourceError, at: float) -> None:
        """Note a refused call; an answer that an instrument is unknown is none."""
        if isinstance(error, UnknownInstrument):
            self.answered_at = at
        elif isinstance(error, SourceRefused | RateLimited):
            self.refused_at, self.refusal = at, str(error)
            self.refusals += 1
