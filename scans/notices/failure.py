"""What every channel raises."""

from __future__ import annotations


class NotDelivered(Exception):
    """It was not received; the message says why, without the address. `passing`: another try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing
