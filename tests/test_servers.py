"""The suite's own ground: what it says it runs on is what it runs on."""

from __future__ import annotations

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests.servers import Servers

pytestmark = pytest.mark.slow


@pytest.mark.django_db
def test_database_is_the_chosen_backend(request: pytest.FixtureRequest) -> None:
    wanted = {"sqlite": "sqlite", "postgres": "postgresql"}[request.config.getoption("--backend")]
    assert connection.vendor == wanted
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 + 1")
        assert cursor.fetchone() == (2,)


@pytest.mark.backend
def test_cache_is_the_chosen_backend(request: pytest.FixtureRequest) -> None:
    kind = str(settings.CACHES["default"]["BACKEND"])
    postgres = request.config.getoption("--backend") == "postgres"
    assert kind.endswith("RedisCache" if postgres else "LocMemCache")
    cache.set("answer", 42, 60)
    assert cache.get("answer") == 42


def test_servers_start_and_leave_nothing_behind() -> None:
    servers = Servers()
    url = servers.redis()
    client = redis.Redis.from_url(url)
    assert client.ping()
    folder = servers.folder
    servers.stop()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(url).ping()
    assert not folder.exists()
