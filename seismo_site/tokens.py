"""Authentication by `Authorization: Bearer seismo_...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from marketdata.compiled_query import CompiledQuery
from seismo_site.models import ApiToken, secret_digest

if TYPE_CHECKING:
    from rest_framework.request import Request


TOKENS = CompiledQuery(lambda: ApiToken.objects.select_related("user").filter(digest="").order_by())
TOKEN_COLUMNS = [field.attname for field in ApiToken._meta.concrete_fields]
USER_COLUMNS = [field.attname for field in get_user_model()._meta.concrete_fields]


class TokenAuthentication(BaseAuthentication):
    """The user of a valid token. None where the request has no bearer header, AuthenticationFailed (401) where its
    token is unknown, revoked or expired, or its user is not active."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        token = _find_token(secret_digest(secret.strip()))
        now = timezone.now()
        if token is None or not token.user.is_active or not token.is_valid(now):
            raise AuthenticationFailed("This token is unknown, was revoked, or has expired.")
        token.mark_used(now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _find_token(digest: str) -> ApiToken | None:
    """The token of that digest, with its user."""
    for row in TOKENS.rows(digest):
        token = ApiToken.from_db(DEFAULT_DB_ALIAS, TOKEN_COLUMNS, row[: len(TOKEN_COLUMNS)])
        token.user = get_user_model().from_db(DEFAULT_DB_ALIAS, USER_COLUMNS, row[len(TOKEN_COLUMNS) :])
        return token
    return None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of the schema."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
