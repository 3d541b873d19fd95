"""Work that a request hands to threads logs under the request's identifier."""

from __future__ import annotations

import ast
import logging
from concurrent.futures import Future
from pathlib import Path

from marketdata.context_threads import ContextThreadPool, context_thread
from marketdata.operations.imports.files import read_ahead
from marketdata.request_id import request_id
from marketdata.sources.http.event_loop import EventLoopThread
from seismo_site.logging import RequestIdFilter

ROOT = Path(__file__).parents[2]


def line() -> str:
    """The identifier that a log line written here carries."""
    record = logging.LogRecord("seismo", logging.INFO, __file__, 1, "text", (), None)
    RequestIdFilter().filter(record)
    return str(vars(record)["request_id"])


def test_each_call_of_a_pool_has_the_identifier_of_its_request() -> None:
    with ContextThreadPool(1) as pool:
        lines = []
        for name in ("first", "second"):
            token = request_id.set(name)
            lines += [pool.submit(line).result(), *pool.map(lambda _: line(), range(2))]
            request_id.reset(token)
        assert lines == ["first"] * 3 + ["second"] * 3
        assert pool.submit(line).result() == "-"


def test_a_thread_of_its_own_has_the_identifier() -> None:
    token = request_id.set("of-the-request")
    answer: Future[str] = Future()
    thread = context_thread(lambda to: to.set_result(line()), answer)
    request_id.reset(token)
    thread.start()
    assert answer.result(10) == "of-the-request"
    assert thread.daemon


def test_reading_ahead_has_the_identifier() -> None:
    token = request_id.set("import")
    try:
        assert list(read_ahead(line() for _ in range(2))) == ["import", "import"]
    finally:
        request_id.reset(token)


def test_no_place_hands_work_to_a_thread_without_its_context() -> None:
    """Outside of `context_threads` nothing makes a thread or a pool of threads, but the loop that all requests share,
    whose calls bring their context along."""
    files = set()
    for room in ("marketdata", "scans", "seismo_site", "caching"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                if name.rpartition(".")[2] in {"Thread", "ThreadPoolExecutor", "run_in_executor"}:
                    files.add(str(path.relative_to(ROOT)))
    assert files == {"marketdata/context_threads.py", "marketdata/sources/http/event_loop.py"}


def test_calls_of_sources_have_the_identifier_of_their_request() -> None:
    bridge = EventLoopThread()

    async def call() -> str:
        return line()

    try:
        lines = []
        for name in ("first", "second"):
            token = request_id.set(name)
            lines.append(bridge.run(call()))
            request_id.reset(token)
        assert lines == ["first", "second"]
    finally:
        bridge.stop()
