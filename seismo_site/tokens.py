"""Authentication by `Authorization: Bearer seismo_...`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from seismo_site.models import ApiToken, secret_digest

if TYPE_CHECKING:
    from rest_framework.request import Request


class TokenAuthentication(BaseAuthentication):
    """The user of a valid token. None where the request has no bearer header, AuthenticationFailed (401) where its
    token is unknown, revoked or expired, or its user is not active."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        token = next(iter(_tokens().filter(digest=secret_digest(secret.strip()))), None)
        now = timezone.now()
        if token is None or not token.user.is_active or not token.is_valid(now):
            raise AuthenticationFailed("This token is unknown, was revoked, or has expired.")
        token.mark_used(now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


@cache
def _tokens() -> QuerySet[ApiToken]:
    """Tokens with their users; built once, as each request filters them."""
    return ApiToken.objects.select_related("user").order_by()


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of the schema."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
