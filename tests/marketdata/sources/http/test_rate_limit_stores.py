"""Stores of paces: in one process, in a file and in Redis, with the same contract."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketdata.sources.base import SourceUnavailable
from marketdata.sources.http.rate_limit import RateLimitState
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits, RateLimitStore, StoredState, update_state
from marketdata.sources.http.redis_rate_limits import RedisRateLimits
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from tests.marketdata.sources.http.sharing import (
    FIRST,
    SECOND,
    check_compare_and_swap,
    take_together,
)
from tests.servers import Servers

pytestmark = pytest.mark.slow

TAKE = """
import sys
from pathlib import Path
import redis
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from marketdata.sources.http.redis_rate_limits import RedisRateLimits
from tests.marketdata.sources.http.sharing import take_many
who, kind, where = sys.argv[1:]
store = SqliteRateLimits(Path(where)) if kind == "file" else RedisRateLimits(redis.Redis.from_url(where))
take_many(store, who)
"""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    servers = Servers()
    yield servers.redis()
    servers.stop()


@pytest.fixture(params=["process", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RateLimitStore]:
    if request.param == "process":
        yield ProcessRateLimits()
    elif request.param == "file":
        shared = SqliteRateLimits(tmp_path / "folder" / "paces.sqlite3")
        yield shared
        shared.close()
    else:
        client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
        client.flushall()
        yield RedisRateLimits(client)


def test_a_store_swaps_only_the_expected_state(store: RateLimitStore) -> None:
    check_compare_and_swap(store)


def test_a_change_is_made_again_where_another_was_faster(store: RateLimitStore) -> None:
    seen: list[RateLimitState] = []

    def work(state: RateLimitState, now: float) -> tuple[RateLimitState, str]:
        if not seen:
            store.swap("a", store.read("a"), FIRST)  # another process
        seen.append(state)
        return state.hold(5.0), "done"

    assert update_state(store, "a", work) == "done"
    assert seen == [RateLimitState(), FIRST]
    assert store.read("a").state == FIRST.hold(5.0)


def test_a_state_that_changes_under_every_try_is_reported() -> None:
    class Contended(ProcessRateLimits):
        def swap(self, key: str, seen: StoredState, new: RateLimitState) -> bool:
            return False

    with pytest.raises(SourceUnavailable, match="group is contended"):
        update_state(Contended(), "group", lambda state, now: (state.hold(now + 1), None))


def test_a_state_in_redis_ends_after_its_hold(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    store = RedisRateLimits(client)
    seen = store.read("a")
    assert store.swap("a", seen, RateLimitState().hold(seen.now + 50_000.0))
    assert 50_000 < client.ttl("pace:a") <= 60_000


def test_an_unavailable_redis_is_reported_in_one_sentence() -> None:
    store = RedisRateLimits(redis.Redis(unix_socket_path="/nonexistent/redis.sock", retry=Retry(NoBackoff(), 0)))
    with pytest.raises(SourceUnavailable, match="Redis answers ConnectionError"):
        store.read("a")


def test_an_unusable_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "spoiled").write_bytes(b"no database" * 100)
    with pytest.raises(SourceUnavailable, match=r"spoiled is damaged .*: delete it"):
        SqliteRateLimits(tmp_path / "spoiled").read("a")
    (tmp_path / "taken").mkdir()
    with pytest.raises(SourceUnavailable, match="or set REDIS_URL"):
        SqliteRateLimits(tmp_path / "taken").read("a")


def test_a_file_is_read_and_written_while_another_reads(tmp_path: Path) -> None:
    store = SqliteRateLimits(tmp_path / "paces.sqlite3")
    assert store.swap("a", store.read("a"), FIRST)
    reader = sqlite3.connect(tmp_path / "paces.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    before = reader.execute("SELECT state FROM pace").fetchall()
    assert store.swap("a", store.read("a"), SECOND)
    assert reader.execute("SELECT state FROM pace").fetchall() == before
    reader.close()
    store.close()


def test_many_may_be_the_first_to_open_a_file(tmp_path: Path) -> None:
    """SQLite refuses processes that turn on the log of a new file at once, instead of letting them wait."""
    for number in range(100):
        together = threading.Barrier(4)

        def first(file: Path, together: threading.Barrier = together) -> RateLimitState:
            store = SqliteRateLimits(file)
            together.wait()
            seen = store.read("a").state
            store.close()
            return seen

        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(first, [tmp_path / f"{number}.sqlite3"] * 4))
        assert seen == [RateLimitState()] * 4


@pytest.mark.parametrize("kind", ["redis", "file"])
def test_two_processes_share_one_pace(kind: str, tmp_path: Path, redis_url: str) -> None:
    redis.Redis.from_url(redis_url).flushall()
    take_together(TAKE, kind, redis_url if kind == "redis" else str(tmp_path / "paces.sqlite3"))
