"""A cache server that dies, hangs or comes back costs time, never an answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from caching.cached import cached
from caching.circuit_breaker import CircuitBreaker
from caching.stats import STATS
from caching.store import STORE
from tests.servers import Servers

pytestmark = pytest.mark.slow


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def servers() -> Iterator[Servers]:
    running = Servers()
    yield running
    running.stop()


def use(settings: Any, url: str) -> None:
    settings.CACHES = {
        "default": {
            **settings.CACHES["default"],
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": url,
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.2, "SOCKET_TIMEOUT": 0.2},
        }
    }


def test_a_server_that_dies_and_comes_back(settings: Any, servers: Servers) -> None:
    clock = Clock()
    STORE.breaker = breaker = CircuitBreaker(threshold=2, rest=5.0, clock=clock)
    url = servers.redis("first")
    use(settings, url)
    answers = iter(range(100))
    kept = cached("published", what="test", scope="one")(lambda: next(answers))
    assert [kept(), kept()] == [0, 0]

    redis.Redis.from_url(url).shutdown(nosave=True)
    assert [kept(), kept(), kept()] == [1, 2, 3]
    assert breaker.allows() is False
    assert not STORE.advance("one")  # owed

    use(settings, servers.redis("second"))
    clock.now += 5.0
    assert [kept(), kept()] == [4, 4]
    assert not breaker.is_open
    assert STATS.snapshot()["test"]["hits"] == 2


def test_an_invalidation_that_failed_is_made_good(settings: Any, servers: Servers) -> None:
    clock = Clock()
    STORE.breaker = CircuitBreaker(threshold=1, rest=5.0, clock=clock)
    url = servers.redis()
    use(settings, url)
    answers = iter(range(100))
    kept = cached("published", what="test", scope="one")(lambda: next(answers))
    assert [kept(), kept()] == [0, 0]
    STORE.breaker.failed()  # the server, its contents kept, cannot be reached
    assert not STORE.advance("one")
    clock.now += 5.0
    assert [kept(), kept()] == [1, 1]


def test_a_server_that_accepts_and_says_nothing(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(settings, f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        STORE.breaker = CircuitBreaker(threshold=1, rest=60.0)
        kept = cached("published", what="test", scope="one")(lambda: "answer")
        assert [kept() for _ in range(50)] == ["answer"] * 50
    counts = STATS.snapshot()["test"]
    assert (counts["misses"], counts["unstored"], counts["hits"]) == (50, 50, 0)
