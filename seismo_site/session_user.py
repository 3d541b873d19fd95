"""The user of a session, read by a statement that is compiled once; each page and request with a session needs it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from marketdata.compiled_query import CompiledQuery

BACKEND = "django.contrib.auth.backends.ModelBackend"
COLUMNS = [field.attname for field in User._meta.concrete_fields]
USERS = CompiledQuery(lambda: User.objects.filter(pk=0))


class SessionUserMiddleware(AuthenticationMiddleware):
    """`request.user`, as Django's middleware sets it."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _cached_user(request))  # type: ignore[assignment]


def _cached_user(request: Any) -> Any:
    if not hasattr(request, "_cached_user"):
        request._cached_user = session_user(request) or auth.get_user(request)
    return request._cached_user


def session_user(request: HttpRequest) -> User | None:
    """The active user of a valid session, by the same rules as `auth.get_user`; None where that has to decide."""
    session = request.session
    key, backend = str(session.get(auth.SESSION_KEY)), session.get(auth.BACKEND_SESSION_KEY)
    if backend != BACKEND or BACKEND not in settings.AUTHENTICATION_BACKENDS or not key.isdecimal():
        return None
    for row in USERS.rows(int(key)):
        user = User.from_db(DEFAULT_DB_ALIAS, COLUMNS, row)
        given = session.get(auth.HASH_SESSION_KEY)
        if user.is_active and given and constant_time_compare(given, user.get_session_auth_hash()):
            return user
    return None
