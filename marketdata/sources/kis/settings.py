"""Settings of a KIS client, checked once at the start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from marketdata.sources.base import SourceRefused

Environment = Literal["real", "paper"]

HOSTS: dict[Environment, str] = {
    "real": "https://openapi.koreainvestment.com:9443",
    "paper": "https://openapivts.koreainvestment.com:29443",
}
MASTER_FILES = "https://new.real.download.dws.co.kr/common/master"
# Calls a second; the limits themselves are 18 (real) and 1 (paper), notice of 2026-04-20, and 10 to 15 evenly
# spaced calls a second are still refused at times.
PER_SECOND: dict[Environment, float] = {"real": 10.0, "paper": 0.8}


@dataclass(frozen=True, slots=True)
class KisSettings:
    """Keys of one application. `base_url`, `master_url` and `per_second` override the defaults of the environment.

    SourceRefused where they contradict each other.
    """

    environment: Environment = "real"
    app_key: str = field(default="", repr=False)
    app_secret: str = field(default="", repr=False)
    base_url: str = ""
    master_url: str = MASTER_FILES
    per_second: float = 0.0
    token_every: float = 61.0  # seconds: KIS issues one token a minute
    bars_a_call: int = 100  # rows of daily bars in an answer at most
    quotes_a_call: int = 30  # instruments of one call for today's bars
    same_day_minutes: int = 30  # after the close, until which bars of the day are those of the session
    compare_adjusted: bool = True  # US: read bars adjusted, too, and find splits by comparing
    kinds_by_form: bool = True  # US: preferred stock, units, rights, warrants and issues for tests by name and symbol

    def __post_init__(self) -> None:
        object.__setattr__(self, "master_url", self.master_url or MASTER_FILES)
        if self.environment not in HOSTS:
            raise SourceRefused(f"The KIS environment is {self.environment!r}: set it to real or paper.")
        for environment, host in HOSTS.items():
            if environment != self.environment and self.base_url.rstrip("/") == host:
                raise SourceRefused(
                    f"The KIS environment is {self.environment}, but the address is that of "
                    f"{environment}: change one of them."
                )

    @property
    def url(self) -> str:
        return (self.base_url or HOSTS[self.environment]).rstrip("/")

    @property
    def rate(self) -> float:
        return self.per_second or PER_SECOND[self.environment]

    @property
    def account(self) -> str:
        """The key of rate limits and tokens: the environment and a hash of the application key."""
        return f"kis:{self.environment}:{hashlib.sha256(self.app_key.encode()).hexdigest()[:16]}"

    def missing(self) -> tuple[str, ...]:
        """Names of the missing settings."""
        secrets = {"KIS_APP_KEY": self.app_key, "KIS_APP_SECRET": self.app_secret}
        return tuple(name for name, value in secrets.items() if not value)
