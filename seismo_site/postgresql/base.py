"""The database wrapper of the backend `seismo_site.postgresql`."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection from the pool is queried for a health check only where its socket has data to read.

    Django's own check (CONN_HEALTH_CHECKS) asks PostgreSQL each time a connection is taken, so with each request. But a
    server that ends a connection says so, and what it says lies on the socket; on one that works nothing does. A
    network that swallows everything is noticed by neither without waiting for it.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works; a pool that has none raises after its time."""
        while True:
            connection = super().get_new_connection(conn_params)
            if not self.pool or _nothing_to_read(connection):
                return connection
            try:
                connection.execute("")  # a connection that works may have news too
            except psycopg.OperationalError:
                self.pool.putconn(connection)  # which replaces what is broken
            else:
                return connection


def _nothing_to_read(connection: Any) -> bool:
    watched = select.poll()
    watched.register(connection.fileno(), select.POLLIN)
    return not watched.poll(0)
