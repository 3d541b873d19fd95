"""How long a 418 lasts, as its body words it: Upbit and Bithumb name a length in Korean or English."""

from __future__ import annotations

import re

UNKNOWN_BAN = 60.0  # seconds, where nothing names a length
UNITS = {
    "ms": 0.001, "millisecond": 0.001, "밀리초": 0.001,
    "s": 1.0, "sec": 1.0, "second": 1.0, "초": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "분": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "시간": 3600.0,
    "d": 86_400.0, "day": 86_400.0, "일": 86_400.0,
}  # fmt: skip
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
LENGTH = re.compile(rf"(?<![\w.])(\d+(?:,\d{{3}})*(?:\.\d+)?)\s*({_UNIT})(s(?![a-z]))?(?![a-z])", re.IGNORECASE)
BETWEEN = re.compile(r"[\s,]*(and)?\s*", re.IGNORECASE)


def stated_seconds(body: bytes) -> float | None:
    """The longest time that the body of a refusal names, in seconds; None where it names none. Parts that follow each
    other from long to short are one time: "1분 30초" is 90 s."""
    text = body.decode("utf-8", "replace")
    longest: float | None = None
    whole, unit_before, end = 0.0, 0.0, -1
    for found in LENGTH.finditer(text):
        unit = UNITS[found[2].lower()]
        length = float(found[1].replace(",", "")) * unit
        joined = end >= 0 and unit < unit_before and BETWEEN.fullmatch(text[end : found.start()])
        whole = whole + length if joined else length
        unit_before, end = unit, found.end()
        longest = whole if longest is None else max(longest, whole)
    return longest


def ban_seconds(body: bytes, retry_after: float | None = None) -> float:
    """Length of a ban: the longer of what the body of a 418 and its Retry-After header name, 60 s if neither does."""
    named = [one for one in (stated_seconds(body), retry_after) if one is not None]
    return max(named, default=UNKNOWN_BAN)
