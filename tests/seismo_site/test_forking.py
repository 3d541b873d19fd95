"""A forked worker and its parent both keep a working connection to the database, and not the same one."""

from __future__ import annotations

import os

import pytest
from django.db import connection


def identity() -> str:
    """Who serves the connection: the server process of PostgreSQL; for SQLite the connection object."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
            return str(cursor.fetchone()[0])
        cursor.execute("SELECT 1")
        return str(id(connection.connection))


@pytest.mark.django_db(transaction=True)
def test_a_fork_leaves_the_parents_connection_alone() -> None:
    before = identity()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "failed"
        try:
            answer = identity()
        finally:
            os.write(writing, answer.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        in_child = pipe.read()
    os.waitpid(child, 0)
    assert in_child not in ("failed", before)
    assert identity() == before
