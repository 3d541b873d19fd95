"""The error that every notification channel raises."""

from __future__ import annotations

UNREADABLE_ADDRESS = "the address cannot be read with the present key: enter it again"


class NotDelivered(Exception):
    """A notification was not received; the message has the reason, without the address. `temporary`: another try may
    succeed."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary
