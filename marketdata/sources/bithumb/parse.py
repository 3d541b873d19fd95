"""How long Bithumb bans. Candles are read by `quotation.parse`."""

from __future__ import annotations

BAN = 60.0  # seconds; the body names no length


def ban_seconds(body: bytes) -> float:
    """Length of a ban; a Retry-After header, where there is one, goes before it."""
    return BAN
