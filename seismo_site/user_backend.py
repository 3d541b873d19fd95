"""Users and passwords as Django checks them; the user of a session is read by a statement that is compiled once, since
every page and every request with a session needs it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS

from marketdata.compiled_query import CompiledQuery

COLUMNS = [field.attname for field in User._meta.concrete_fields]
USERS = CompiledQuery(lambda: User.objects.filter(pk=0))


class UserBackend(ModelBackend):
    """Django's backend. `auth.get_user` asks it for the user and checks the session itself."""

    def get_user(self, user_id: Any) -> User | None:
        """The user who may log in; None for another one."""
        for row in USERS.rows(user_id):
            user = User.from_db(DEFAULT_DB_ALIAS, COLUMNS, row)
            return user if self.user_can_authenticate(user) else None
        return None
