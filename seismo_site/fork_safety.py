"""Fork safety of database connections.

Task workers and process pools fork. Neither PostgreSQL's sockets nor an open SQLite file may be shared that way, and
Django keeps psycopg's pools in a class attribute, so a child would be handed its parent's connections by a pool whose
threads did not come along. After a fork the child therefore forgets pools and connections without closing them (that
would end the parent's sessions) and opens its own when it needs one.
"""

from __future__ import annotations

import os

from django.db import connections

_left_alone: list[object] = []  # never finalised: their finalisers would wait for threads that are not here


def install() -> None:
    """From now on, every forked child starts without database connections."""
    os.register_at_fork(after_in_child=forget_connections)


def forget_connections() -> None:
    """Drop all open connections and pools of this process as they are."""
    for connection in connections.all(initialized_only=True):
        pools = getattr(type(connection), "_connection_pools", {})
        _left_alone.append((connection.connection, dict(pools)))
        connection.connection = None
        pools.clear()
