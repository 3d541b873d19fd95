"""The common part of sources whose calls belong to an account: its settings, the count and the rate of its calls."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from marketdata.sources.http.client import HttpClient


class AccountSettings(Protocol):
    """Settings of an account; `rate`: calls a second."""

    @property
    def rate(self) -> float: ...

    def missing(self) -> tuple[str, ...]:
        """The names of the settings that are not set."""


S = TypeVar("S", bound=AccountSettings)


class AccountSource(Generic[S]):
    """A source of an account. Create one per process and close it at the end."""

    def __init__(self, settings: S, http: HttpClient) -> None:
        self._settings = settings
        self._http = http

    @property
    def readings(self) -> int:
        """Calls for each page of bars."""
        return 1

    @property
    def calls_per_second(self) -> float:
        return self._settings.rate

    @property
    def calls_made(self) -> int:
        return self._http.sent

    def missing_settings(self) -> tuple[str, ...]:
        return self._settings.missing()

    def close(self) -> None:
        self._http.close()
