"""What a pool hands out works: a connection that was ended meanwhile is replaced, one with news is kept."""

from __future__ import annotations

import select
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from seismo_site import database_urls
from tests.servers import Servers

PATIENCE = 30_000  # milliseconds
pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    servers = Servers()
    yield servers.postgres()
    servers.stop()


def opened(url: str) -> Any:
    """Django's connection to the server at the URL, with a pool of one."""
    handler = ConnectionHandler({"default": {}, "pooled": database_urls.postgres("URL", urlsplit(url), 1)})
    return handler["pooled"]


@pytest.fixture
def pooled(url: str) -> Iterator[Any]:
    made = opened(url)
    yield made
    made.close()
    made.close_pool()


def served_by(connection: Any) -> int:
    """The server's process behind the connection; afterwards the pool has it again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process: int = cursor.fetchone()[0]
    connection.close()
    return process


def await_news(socket: int) -> None:
    watched = select.poll()
    watched.register(socket, select.POLLIN)
    assert watched.poll(PATIENCE)


def test_a_connection_serves_again(pooled: Any) -> None:
    assert served_by(pooled) == served_by(pooled)


def test_one_that_was_ended_is_replaced(pooled: Any, url: str) -> None:
    pooled.ensure_connection()
    socket = pooled.connection.fileno()
    before = served_by(pooled)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [before])
    await_news(socket)
    after = served_by(pooled)
    assert after != before
    assert served_by(pooled) == after


def test_one_with_news_is_kept(pooled: Any, url: str) -> None:
    with pooled.cursor() as cursor:
        cursor.execute("LISTEN news")
    socket = pooled.connection.fileno()
    before = served_by(pooled)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("NOTIFY news")
    await_news(socket)
    assert served_by(pooled) == before


@pytest.mark.parametrize(("option", "prepared"), [("", 1), ("&prepare=off", 0)])
def test_repeated_query_is_prepared(url: str, option: str, prepared: int) -> None:
    connection = opened(url + option)
    try:
        with connection.cursor() as cursor:
            for _ in range(8):
                cursor.execute("SELECT 5 + %s", [1])
            assert cursor.fetchone() == (6,)
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            assert cursor.fetchone() == (prepared,)
    finally:
        connection.close()
        connection.close_pool()
