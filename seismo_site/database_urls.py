"""URLs of databases and Redis, as settings of Django and of the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode

from django.core.exceptions import ImproperlyConfigured

Database = dict[str, Any]


def postgres(name: str, url: SplitResult, pool: int) -> Database:
    """PostgreSQL at a URL that the variable `name` holds, with at most `pool` connections kept (0: one a thread).

    A statement is prepared on its sixth use by a connection: PostgreSQL parses and plans it once. A pooler between
    the two that does not keep prepared statements needs `prepare=off` among the URL's options.
    """
    try:
        port = url.port
    except ValueError:
        raise ImproperlyConfigured(f"The port in {name} must be a number from 1 to 65535.") from None
    options: dict[str, object] = {"connect_timeout": 10, **dict(parse_qsl(url.query))}
    host, prepare = options.pop("host", None), options.pop("prepare", "on")
    if prepare not in ("on", "off"):
        raise ImproperlyConfigured(f"The option prepare in {name} must be on or off.")
    if prepare == "on":
        options |= {"server_side_binding": True, "prepare_threshold": 5}
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10}
    return {
        "ENGINE": "seismo_site.postgresql",
        "NAME": unquote(url.path[1:]),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host or url.hostname or "",
        "PORT": str(port or ""),
        "CONN_HEALTH_CHECKS": not pool,  # `seismo_site.postgresql` looks at those of a pool
        "OPTIONS": options,
    }


def sqlite(file: Path) -> Database:
    """SQLite as a server would have it: write-ahead log, a writer that waits, 64 MB of pages in memory."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
                "PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=1073741824;"
            ),
        },
    }


def redis_url_with_timeouts(redis: str) -> str:
    """The URL of a Redis with timeouts of a few seconds, unless the URL has its own."""
    address, _, query = redis.partition("?")
    options = {"socket_connect_timeout": "2", "socket_timeout": "5"} | dict(parse_qsl(query))
    return f"{address}?{urlencode(options)}"
