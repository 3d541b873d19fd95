"""Settings of a client of the exchange's Open API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from marketdata.nearest_name import did_you_mean
from marketdata.sources.base import SourceRefused

HOST = "https://data-dbg.krx.co.kr"
PER_SECOND = 2.0
"""Calls a second. No limit is published; public clients wait between 0.2 and 1 s."""
CALLS_A_DAY = 10_000
"""Calls of a key from midnight to midnight in Korea (terms of the service)."""

SERVICES: Mapping[str, str] = {"KOSPI": "sto/stk_bydd_trd", "KOSDAQ": "sto/ksq_bydd_trd", "KONEX": "sto/knx_bydd_trd"}
"""Segment -> service of its daily rows. The exchange approves each service by itself."""

BEGINNINGS: Mapping[str, date] = {"KONEX": date(2013, 7, 1)}
"""Segment -> its first session, where that is after the archive's: it has no rows before."""

BASE_INFO: Mapping[str, str] = {
    "KOSPI": "sto/stk_isu_base_info",
    "KOSDAQ": "sto/ksq_isu_base_info",
    "KONEX": "sto/knx_isu_base_info",
}
"""Segment -> service of its list of issues."""

INDICES: Mapping[str, tuple[str, str, str]] = {
    "KOSPI": ("idx/kospi_dd_trd", "KOSPI", "코스피"),
    "KS200": ("idx/kospi_dd_trd", "KOSPI", "코스피200"),
    "KOSDAQ": ("idx/kosdaq_dd_trd", "KOSDAQ", "코스닥"),
}
"""Series -> the service that lists it, and its class (IDX_CLSS) and name there without blanks: the answer has no codes,
and two classes may have an index of the same name."""


@dataclass(frozen=True, slots=True)
class KrxSettings:
    """`segments`: those of a session, recorded together or not at all. `base_url`, `per_second` and `calls_a_day`
    override the defaults. SourceRefused for a segment without a service."""

    api_key: str = field(default="", repr=False)
    segments: tuple[str, ...] = ("KOSPI", "KOSDAQ")
    base_url: str = ""
    per_second: float = 0.0
    calls_a_day: int = 0

    def __post_init__(self) -> None:
        for segment in self.segments:
            if segment not in SERVICES:
                raise SourceRefused(
                    f"KRX_SEGMENTS names {segment!r}: choose among {', '.join(SERVICES)}."
                    f"{did_you_mean(segment, SERVICES)}"
                )
        if not self.segments:
            raise SourceRefused(f"KRX_SEGMENTS is empty: name one of {', '.join(SERVICES)}.")

    def segments_of(self, session: date) -> tuple[str, ...]:
        """The segments that traded on a session."""
        return tuple(segment for segment in self.segments if session >= BEGINNINGS.get(segment, date.min))

    @property
    def url(self) -> str:
        return (self.base_url or HOST).rstrip("/")

    @property
    def rate(self) -> float:
        return self.per_second or PER_SECOND

    @property
    def daily_calls(self) -> int:
        return self.calls_a_day or CALLS_A_DAY

    @property
    def account(self) -> str:
        """The key of rate limits: a hash of the API key."""
        return f"krx:{hashlib.sha256(self.api_key.encode()).hexdigest()[:16]}"

    def missing(self) -> tuple[str, ...]:
        """Names of the missing settings."""
        return () if self.api_key else ("KRX_API_KEY",)
