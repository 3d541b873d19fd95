"""`Authorization: Bearer seismo_...`: a program says who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from marketdata.queries.instruments import GENERATION_TABLE
from marketdata.web.prepared import use_binary_format
from seismo_site.models import ApiToken, secret_digest

TOKEN = ("id", "user_id", "expires_at", "last_used_at", "revoked_at")
"""In the order in which the model has them."""
USER = ("is_active", "is_staff", "is_superuser")


@dataclass(frozen=True)
class Standing:
    """A token that serves, its user, and when what is shown last changed (name -> time): one moment's state."""

    token: ApiToken
    person: tuple[Any, ...]
    generations: Mapping[str, datetime]

    @cached_property
    def user(self) -> Any:
        """The token's user, made when asked for; what `_statement` does not read is read when that is."""
        users = get_user_model()
        told: dict[str, Any] = dict(zip((*USER, users.USERNAME_FIELD), self.person, strict=True))
        told = {"id": self.token.user_id, **told, **{name: bool(told[name]) for name in USER}}
        names = [one.attname for one in users._meta.concrete_fields if one.attname in told]
        return users.from_db(connection.alias, names, [told[name] for name in names])


def bearer_secret(request: HttpRequest) -> str | None:
    """The secret that comes with the request; None where no token does."""
    kind, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def standing(request: HttpRequest, secret: str) -> Standing | None:
    """Who stands behind the secret; None where nobody does. Looked up once for each request, in one statement that is
    made once: to build it anew for each request costs more than to run it."""
    known = getattr(request, "standing", None)
    if known is None:
        known = request.standing = _read(secret)  # type: ignore[attr-defined]
    return known[0]


def _read(secret: str) -> tuple[Standing | None]:
    with connection.cursor() as cursor:
        use_binary_format(cursor)
        cursor.execute(_statement(), [secret_digest(secret)])
        rows = cursor.fetchall()
    if not rows:
        return (None,)
    now, ends = timezone.now(), len(TOKEN)
    key, user, *times = rows[0][:ends]
    token = ApiToken.from_db(connection.alias, TOKEN, [key, user, *map(_time, times)])
    is_active, *person = rows[0][ends:-2]
    if not (is_active and token.serves(now)):
        return (None,)
    token.used(now)
    changed = {name: at for name, at in ((row[-2], _time(row[-1])) for row in rows) if name and at}
    return (Standing(token, (is_active, *person), changed),)


def _time(value: Any) -> datetime | None:
    """SQLite gives text, in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is None or value.tzinfo:
        return value  # type: ignore[no-any-return]
    return value.replace(tzinfo=UTC)  # type: ignore[no-any-return]


@cache
def _statement() -> str:
    """The token of a digest with what each request asks of its user, beside every generation."""
    users, tokens = get_user_model(), ApiToken._meta
    quoted = connection.ops.quote_name
    columns = [f"token.{quoted(name)}" for name in TOKEN]
    columns += [f"person.{quoted(name)}" for name in (*USER, users.USERNAME_FIELD)]
    columns += ["generation.name", "generation.changed_at"]
    return (
        f"SELECT {', '.join(columns)} FROM {quoted(tokens.db_table)} token "  # noqa: S608 - names of the models alone
        f"JOIN {quoted(users._meta.db_table)} person ON person.id = token.user_id "
        f"LEFT JOIN {quoted(GENERATION_TABLE)} generation ON 1 = 1 WHERE token.digest = %s"
    )


class TokenAuthentication(BaseAuthentication):
    """The user of a token that was not revoked and has not expired; a header of another kind is somebody else's
    business."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        asked = request._request
        secret = bearer_secret(asked)
        if secret is None:
            return None
        found = standing(asked, secret)
        if found is None:
            raise AuthenticationFailed("This token is unknown, was revoked, or has expired.")
        return found.user, found.token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What the schema says of it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
