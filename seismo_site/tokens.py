"""`Authorization: Bearer seismo_...`: a program says who it is."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from seismo_site.models import ApiToken, digest


class TokenAuthentication(BaseAuthentication):
    """The user of a token that was not revoked and has not expired; a header of another kind is somebody else's
    business."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        now = timezone.now()
        found = next(iter(ApiToken.objects.raw(_statement(), [digest(secret.strip())])), None)
        user = None if found is None else _user(found)
        if found is None or user is None or not (found.serves(now) and user.is_active):
            raise AuthenticationFailed("This token is unknown, was revoked, or has expired.")
        found.used(now)
        return user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


USER = ("is_active", "is_staff", "is_superuser")


@cache
def _statement() -> str:
    """The token of a digest with what each request asks of its user, as one statement that is made once: to build it
    anew for each request costs more than to run it."""
    users, tokens = get_user_model(), ApiToken._meta
    quoted = connection.ops.quote_name
    own = ["id", "user_id", "last_used_at", "expires_at", "revoked_at"]
    columns = [f"token.{quoted(name)}" for name in own]
    columns += [f"person.{quoted(name)} AS {name}" for name in (*USER, users.USERNAME_FIELD)]
    tables = f"{quoted(tokens.db_table)} token JOIN {quoted(users._meta.db_table)} person"
    return (
        f"SELECT {', '.join(columns)} FROM {tables} "  # noqa: S608 - names of the models alone
        "ON person.id = token.user_id WHERE token.digest = %s"
    )


def _user(token: ApiToken) -> Any:
    """The token's user; what `_statement` does not read is read when it is asked for."""
    users = get_user_model()
    told: dict[str, Any] = {name: bool(getattr(token, name)) for name in USER}
    told |= {"id": token.user_id, users.USERNAME_FIELD: getattr(token, users.USERNAME_FIELD)}
    names = [one.attname for one in users._meta.concrete_fields if one.attname in told]
    return users.from_db(token._state.db, names, [told[name] for name in names])  # in this order


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What the schema says of it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
