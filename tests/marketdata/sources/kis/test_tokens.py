"""One token for everybody: in one process and over Redis."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import redis

from marketdata.sources.base import SourceError, SourceRefused, SourceUnavailable
from marketdata.sources.http.client import Answer, HttpClient
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit_stores import ProcessRateLimits
from marketdata.sources.kis.errors import TokenStale, body_of
from marketdata.sources.kis.settings import KisSettings
from marketdata.sources.kis.token_files import FileTokens
from marketdata.sources.kis.token_stores import ProcessTokens, RedisTokens, Token, TokenStore
from marketdata.sources.kis.tokens import TokenProvider
from tests.marketdata.sources.http.virtual import Virtual
from tests.servers import Servers

pytestmark = pytest.mark.slow

SETTINGS = KisSettings("real", "key", "secret", base_url="https://kis.example")


class Issuer:
    """Gives out tokens, one a minute of its clock."""

    def __init__(self, virtual: Virtual, lasts: int = 86_400) -> None:
        self.virtual = virtual
        self.lasts = lasts
        self.issued: list[float] = []
        self.throttled = 0
        self._lock = threading.Lock()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        with self._lock:
            if self.issued and self.virtual.now < self.issued[-1] + 60:
                self.throttled += 1
                return httpx2.Response(403, json={"error_code": "EGW00133", "error_description": "x"})
            self.issued.append(self.virtual.now)
            body = {"access_token": f"token-{len(self.issued)}", "expires_in": self.lasts}
        return httpx2.Response(200, json=body)


def tokens(virtual: Virtual, issuer: Issuer, store: TokenStore, permits: ProcessRateLimits) -> TokenProvider:
    http = HttpClient(
        limiter=Limiter(permits, pause=virtual.pause, clock=virtual.clock),
        transport=httpx2.MockTransport(issuer),
        pause=virtual.pause,
        wall_clock=virtual.clock,
    )
    return TokenProvider(SETTINGS, http, store, pause=virtual.pause, wall_clock=virtual.clock)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    servers = Servers()
    yield servers.redis()
    servers.stop()


@pytest.fixture(params=["process", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    if request.param == "process":
        return ProcessTokens()
    if request.param == "file":
        return FileTokens(tmp_path / "tokens")
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    client.flushall()
    return RedisTokens(client)


def current(of: TokenProvider, stale: str | None = None) -> str:
    return of._http.run(of.current(stale=stale))


def test_a_token_is_requested_once_shared_and_replaced_five_minutes_early(
    store: TokenStore,
) -> None:
    virtual = Virtual()
    issuer, permits = Issuer(virtual), ProcessRateLimits(virtual.clock)
    one, two = (tokens(virtual, issuer, store, permits) for _ in range(2))
    assert current(one) == current(two) == current(one) == "token-1"
    virtual.now += 86_400 - 301
    assert current(two) == "token-1"
    virtual.now += 2
    assert current(two) == current(one) == "token-2"


def test_a_stale_token_is_replaced_once_for_all_processes(store: TokenStore) -> None:
    virtual = Virtual()
    issuer, permits = Issuer(virtual), ProcessRateLimits(virtual.clock)
    one, two = (tokens(virtual, issuer, store, permits) for _ in range(2))
    first = current(one)
    virtual.now += 3600
    assert current(one, stale=first) == "token-2"
    assert current(two, stale=first) == "token-2"
    assert len(issuer.issued) == 2


def test_tokens_are_never_requested_twice_a_minute(store: TokenStore) -> None:
    virtual = Virtual()
    issuer, permits = Issuer(virtual), ProcessRateLimits(virtual.clock)
    one = tokens(virtual, issuer, store, permits)
    first = current(one)
    assert current(one, stale=first) == "token-2"
    assert issuer.throttled == 0
    assert issuer.issued[1] - issuer.issued[0] > 60


def test_a_throttled_token_is_waited_for_when_another_program_took_the_turn() -> None:
    virtual = Virtual()
    issuer = Issuer(virtual)
    issuer.issued.append(virtual.now)
    one = tokens(virtual, issuer, ProcessTokens(), ProcessRateLimits(virtual.clock))
    assert current(one) == "token-2"
    assert issuer.throttled == 1


def test_many_at_once_ask_for_one_token(store: TokenStore) -> None:
    virtual = Virtual()
    issuer, permits = Issuer(virtual), ProcessRateLimits(virtual.clock)
    clients = [tokens(virtual, issuer, store, permits) for _ in range(8)]
    got: list[str] = []
    threads = [threading.Thread(target=lambda c=c: got.append(current(c))) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["token-1"] * 8
    assert len(issuer.issued) == 1


def test_swap_changes_only_what_was_seen(store: TokenStore) -> None:
    assert store.swap("k", None, Token("a", 10.5))
    assert not store.swap("k", None, Token("b", 1.0))
    assert not store.swap("k", "x", Token("b", 1.0))
    assert store.swap("k", "a", Token("b", 20.25))
    assert store.load("k") == Token("b", 20.25)
    assert store.load("other") is None


def test_claim_is_exclusive_until_released(store: TokenStore) -> None:
    assert store.claim("k", 100.0)
    assert not store.claim("k", 100.0)
    store.release("k")
    assert store.claim("k", 100.0)


def test_a_token_file_is_its_owners_alone_and_may_be_lost(tmp_path: Path) -> None:
    store = FileTokens(tmp_path / "tokens")
    assert store.claim("kis:real:0123", 60.0)
    assert store.swap("kis:real:0123", None, Token("a", 10.5))
    files = sorted((tmp_path / "tokens").iterdir())
    assert [file.name for file in files] == ["kis-real-0123.json", "kis-real-0123.lock"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o700
    assert not store.claim("kis:real:0123", 60.0)
    files[0].write_text("half a to", encoding="utf-8")
    assert store.load("kis:real:0123") is None
    assert store.swap("kis:real:0123", None, Token("b", 1.0))


def test_a_claim_of_a_process_that_died_ends(tmp_path: Path) -> None:
    virtual = Virtual()
    store = FileTokens(tmp_path, clock=virtual.clock)
    assert store.claim("k", 100.0)
    virtual.now += 101.0
    assert FileTokens(tmp_path, clock=virtual.clock).claim("k", 100.0)


def test_an_unusable_folder_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SourceRefused, match=r"cannot be shared in .*Not a directory.*REDIS_URL"):
        FileTokens(tmp_path / "file" / "tokens").claim("k", 1.0)


def answer(status: int, body: object, sent_at: float = 0.0) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("GET kis/x", status, httpx2.Headers(), content, sent_at)


# Code, what KIS means by it (kis.md), whether asking again may help.
TABLE = [
    ("EGW00201", True),
    ("EGW00215", True),
    ("EGW00316", True),
    ("OPSQ1002", True),
    ("OPSQ0003", True),
    ("EGW00133", True),
    ("OPSQ2001", False),
    ("EGW00103", False),
    ("EGW00105", False),
    ("EGW00206", False),
    ("EGW00304", False),
    ("EGW02004", False),
    ("OPSQ0002", False),
    ("SOMETHING", False),
]


@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize(("code", "passes"), TABLE)
def test_answers_are_judged_by_their_body_whatever_the_status(status: int, code: str, passes: bool) -> None:
    for body in (
        {"rt_cd": "1", "msg_cd": code, "msg1": "x"},
        {"error_code": code, "error_description": "x"},
    ):
        with pytest.raises(SourceError) as raised:
            body_of(answer(status, body))
        assert isinstance(raised.value, SourceUnavailable) is passes
        assert code in str(raised.value)


def test_stale_tokens_success_and_no_body() -> None:
    for code in ("EGW00121", "EGW00123"):
        with pytest.raises(TokenStale):
            body_of(answer(500, {"rt_cd": "1", "msg_cd": code}))
    assert body_of(answer(200, {"rt_cd": "0", "output": []})) == {"rt_cd": "0", "output": []}
    with pytest.raises(SourceUnavailable):
        body_of(answer(502, b""))
    with pytest.raises(SourceUnavailable):
        body_of(answer(500, {}))


def test_a_time_limit_names_when_to_come_back() -> None:
    body = {"rt_cd": "2", "msg_cd": "OPSQ2001", "msg1": "TIME LIMIT 08:30"}
    midnight_in_korea = 1_757_430_000.0  # 2025-09-10 00:00 KST
    with pytest.raises(SourceUnavailable) as closed:
        body_of(answer(200, body, midnight_in_korea))
    assert closed.value.retry_after == 8.5 * 3600
