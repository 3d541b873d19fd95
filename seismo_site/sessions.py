"""Sessions of browsers in the database, read together with the generations of the markets' data."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from marketdata.compiled_query import CompiledQuery
from marketdata.queries.instruments import Generations, GenerationsColumn, parse_generations

COLUMNS = [field.attname for field in Session._meta.concrete_fields]
SESSIONS = CompiledQuery(lambda: Session.objects.filter(pk="").annotate(generations=GenerationsColumn()))


class SessionStore(db.SessionStore):
    """Django's store. Reading a session reads the generations too, as `generations`, which saves each page a query;
    None where no session was read."""

    generations: Generations | None = None

    def _get_session_from_db(self) -> Any:
        now = timezone.now()
        for row in SESSIONS.rows(self.session_key or ""):
            session = Session.from_db(DEFAULT_DB_ALIAS, COLUMNS, row[: len(COLUMNS)])
            if session.expire_date > now:
                self.generations = parse_generations(row[len(COLUMNS)])
                return session
        self._session_key = None
        return None
