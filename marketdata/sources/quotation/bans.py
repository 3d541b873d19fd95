"""The length of a ban (418) by the text of its body: Upbit and Bithumb name it in Korean or English."""

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
    """The longest time in the body of a refusal, in seconds; None where it has none. Parts that follow each other from
    long to short are one time: "1분 30초" is 90 s."""
    text = body.decode("utf-8", "replace")
    longest: float | None = None
    whole, unit_before, end = 0.0, 0.0, -1
    for match in LENGTH.finditer(text):
        unit = UNITS[match[2].lower()]
        length = float(match[1].replace(",", "")) * unit
        joined = end >= 0 and unit < unit_before and BETWEEN.fullmatch(text[end : match.start()])
        whole = whole + length if joined else length
        unit_before, end = unit, match.end()
        longest = whole if longest is None else max(longest, whole)
    return longest


def ban_seconds(body: bytes, retry_after: float | None = None) -> float:
    """Length of a ban in seconds: the longer of the times in the body of a 418 and in its Retry-After header, 60 s if
    there is neither."""
    lengths = [length for length in (stated_seconds(body), retry_after) if length is not None]
    return max(lengths, default=UNKNOWN_BAN)
