"""Authentication by `Authorization: Bearer seismo_...`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from marketdata.compiled_query import CompiledQuery
from marketdata.queries.instruments import GenerationsColumn, parse_generations
from seismo_site.models import ApiToken, secret_digest

if TYPE_CHECKING:
    from rest_framework.request import Request


TOKENS = CompiledQuery(
    lambda: (
        ApiToken.objects.select_related("user").filter(digest="").order_by().annotate(generations=GenerationsColumn())
    )
)
TOKEN_COLUMNS = [field.attname for field in ApiToken._meta.concrete_fields]
USER_COLUMNS = [field.attname for field in get_user_model()._meta.concrete_fields]


class TokenAuthentication(BaseAuthentication):
    """The user of a valid token. None where the request has no bearer header, AuthenticationFailed (401) where its
    token is unknown, revoked or expired, or its user is not active. The generations come with the token, as
    `request.generations`, which saves the view a query."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        now = timezone.now()
        for row in TOKENS.rows(secret_digest(secret.strip())):
            token = _token(row)
            if token.user.is_active and token.is_valid(now):
                token.mark_used(now)
                request._request.generations = parse_generations(row[len(TOKEN_COLUMNS)])  # type: ignore[attr-defined]
                return token.user, token
        raise AuthenticationFailed("This token is unknown, was revoked, or has expired.")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _token(row: Sequence[Any]) -> ApiToken:
    """The token of a row of `TOKENS` (its columns, the generations, those of its user), with its user."""
    split = len(TOKEN_COLUMNS)
    token = ApiToken.from_db(DEFAULT_DB_ALIAS, TOKEN_COLUMNS, row[:split])
    token.user = get_user_model().from_db(DEFAULT_DB_ALIAS, USER_COLUMNS, row[split + 1 :])
    return token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of the schema."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
