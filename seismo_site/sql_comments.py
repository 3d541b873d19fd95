"""Comments on SQL statements: each ends with the identifier of the request or task that it belongs to, so that the log
of the database leads to the log of Seismo. Behind SEISMO_SQL_COMMENTS; off, nothing is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from marketdata.request_id import get_request_id

PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An identifier that cannot end the comment."""


def install() -> None:
    """Comment the statements of every connection from now on, if the setting says so."""
    if settings.SQL_COMMENTS:
        connection_created.connect(_comment_statements, dispatch_uid="seismo_site.sql_comments")


def _comment_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if add_comment not in connection.execute_wrappers:
        connection.execute_wrappers.append(add_comment)


def add_comment(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Execute the statement with the comment."""
    identifier = get_request_id()
    if PLAIN.fullmatch(identifier):
        sql = f"{sql} /*request_id='{identifier}'*/"
    return execute(sql, params, many, context)
