"""Who may do what over the API, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from caching.store import STORE

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this file, by its name in the settings


class ReadsOrStaff(BasePermission):
    """Reads for whoever is known, and for everybody where SEISMO_ANONYMOUS_READS says so; writes for staff."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if request.method in SAFE_METHODS:
            return settings.ANONYMOUS_READS or bool(user and user.is_authenticated)
        return bool(user and user.is_authenticated and user.is_staff)


class StaffOnly(BasePermission):
    """Reads and writes for staff alone."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_staff)


class Counts:
    """What a throttle needs of a cache; without a cache nobody is held back, rather than everybody."""

    def get(self, key: str, default: Any = None) -> Any:
        found = STORE.get(key)
        return default if found is None else found[0]

    def set(self, key: str, value: Any, timeout: int) -> None:
        STORE.put(key, value, timeout)


class PerUser(UserRateThrottle):
    """SEISMO_USER_RATE requests a minute for each user; the anonymous are `PerAddress`'s."""

    cache = Counts()  # type: ignore[assignment]

    def get_rate(self) -> str:
        return f"{settings.USER_RATE}/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if not request.user or not request.user.is_authenticated:
            return None
        return super().get_cache_key(request, view)


class PerAddress(AnonRateThrottle):
    """SEISMO_ANONYMOUS_RATE requests a minute for each address without a user."""

    cache = Counts()  # type: ignore[assignment]

    def get_rate(self) -> str:
        return f"{settings.ANONYMOUS_RATE}/min"
