"""How Upbit words a ban. Candles are read by `quotation.parse`."""

from __future__ import annotations

import re

UNKNOWN_BAN = 60.0  # seconds, where the body names no length
UNITS = {"ms": 0.001, "초": 1.0, "s": 1.0, "분": 60.0, "m": 60.0, "시간": 3600.0, "h": 3600.0}
LENGTH = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|seconds?|secs?|s|minutes?|mins?|m|hours?|h|초|분|시간)(?![a-z])",
    re.IGNORECASE,
)


def ban_seconds(body: bytes) -> float:
    """Length of a ban from the body of a 418, the longest it names; 60 s where it names none."""
    named = [
        float(number) * _unit(unit.lower())
        for number, unit in LENGTH.findall(body.decode("utf-8", "replace"))
    ]
    return max(named, default=UNKNOWN_BAN)


def _unit(unit: str) -> float:
    if unit in UNITS:
        return UNITS[unit]
    return 0.001 if unit.startswith("milli") else UNITS[unit[0]]
