"""Errors of market data; each message is one sentence: what is wrong, where, and what to do."""

from __future__ import annotations


class DataProblem(Exception):
    """The record cannot answer a request."""


class EmptyMarket(DataProblem):
    """Nothing is recorded of a market; `market` is its name."""

    def __init__(self, market: str) -> None:
        super().__init__(
            f"Market {market} has no bars yet: import some with `manage.py import_prices FILE --market {market}`."
        )
        self.market = market


class LakeError(DataProblem):
    """A file of the lake is missing, broken or behind the record; a new projection mends it."""


class NotDelivered(Exception):
    """A message was not received; the text has the reason, without the address. `temporary`: another try may
    succeed."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary
