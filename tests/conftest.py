"""Which database and cache the tests run on.

    pytest                       SQLite and the in-process cache
    pytest --backend postgres    PostgreSQL and Redis: the tests that touch a database, and those marked `backend`, but
                                 not those marked `one_backend`

The second starts both servers from wheels, unless DATABASE_URL or REDIS_URL names one. Settings come from here alone,
never from a `.env` file; every process has a data directory of its own, which is removed at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.exchanges.bucket import KEYS, Bucket
from tests.prepared import Prepared
from tests.servers import Servers

SETTINGS = "seismo_site.settings"
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_server"})
RUN = pytest.StashKey["Run"]()

# A busy machine is no failure, and a run of CI can be had again; elsewhere new examples are tried each time.
hypothesis.settings.register_profile(
    "seismo",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("seismo")


class Run:
    """What a test process has to clean up."""

    def __init__(self, folder: Path, servers: Servers | None) -> None:
        self.folder = folder
        self.servers = servers

    def end(self) -> None:
        if self.servers:
            self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="the database and cache to test on: sqlite (in-process cache) or postgres (Redis)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So does a shell start what runs in its background; processes that tests interrupt would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker: str | None = getattr(config, "workerinput", {}).get("workerid")
    if worker is None:
        if "DJANGO_SETTINGS_MODULE" in os.environ:
            raise pytest.UsageError("DJANGO_SETTINGS_MODULE is set: unset it, the tests choose it.")
        config.stash[RUN] = _prepare(config.getoption("--backend"))
        if config.getoption("numprocesses", None):
            return  # the workers do the rest, each for itself
    else:
        os.environ["SEISMO_DATA_DIR"] += f"/{worker}"
        os.environ["REDIS_URL"] = _own_database(os.environ["REDIS_URL"], worker)
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    from django.conf import settings

    if config.pluginmanager.hasplugin("cacheprovider") and config.cache:
        # Seconds for each: built once for all workers and runs.
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        settings.CALENDAR_DIR.symlink_to(config.cache.mkdir("calendars"))
    # A password's hash is slow on purpose: a tenth of a second for each user of each test.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # A power cut cannot be tested; the servers of the tests do not wait for the disk either.
    os.fsync = lambda fd: None
    database: dict[str, Any] = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        # A file, as in production: threads and processes see it, and the write-ahead log is at work.
        database["TEST"] = {"NAME": str(settings.DATA_DIR / "test.sqlite3")}


def _prepare(backend: str) -> Run:
    """The environment of this run and of its workers."""
    folder = Path(tempfile.mkdtemp(prefix="seismo-tests-"))
    for name in [name for name in os.environ if name.startswith("SEISMO_")]:
        if name != "SEISMO_SHARED_DATA":
            del os.environ[name]
    os.environ["SEISMO_ENV_FILE"] = os.devnull
    os.environ["SEISMO_DATA_DIR"] = str(folder)
    run = Run(folder, None)
    if backend == "sqlite":
        os.environ["DATABASE_URL"] = os.environ["REDIS_URL"] = ""
        return run
    run.servers = Servers()
    try:
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = run.servers.postgres()
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = run.servers.redis()
    except BaseException:
        run.end()
        raise
    return run


def _own_database(url: str, worker: str) -> str:
    """The worker's own database of the Redis that was started here, since clearing a cache empties one."""
    return f"{url}?db={int(worker.removeprefix('gw')) + 1}" if url.startswith("unix://") else url


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run:
        run.end()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--backend") == "sqlite":
        return
    chosen = [item for item in items if _touches_backend(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _touches_backend(item)])
    items[:] = chosen


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: looking through it for garbage again and again takes a tenth of
    the suite's processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """No test inherits an event loop: whether one fails for it would depend on who came before it in its worker."""
    if "chromium" not in getattr(item, "fixturenames", ()):
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            pytest.fail(f"{loop} of an earlier test still runs in this thread: its fixture must end it.")


def _touches_backend(item: pytest.Item) -> bool:
    if item.get_closest_marker("one_backend"):
        return False
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("backend")
    return bool(marked) or not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """No test begins with the language, the candles or the counts of reads of an earlier one: a Korean page leaves its
    language to its thread, a collection takes cached candles for recorded ones, a warm-up reads what was counted."""
    from django.utils import translation

    from caching.reads import READS
    from marketdata.candles import queries

    translation.deactivate()
    READS.reset()
    queries.shared_cache.cache_clear()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """States of database and data directory that several tests begin with."""
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    """An empty data directory for one test: lake and rejects begin anew (calendars, costly to build, do not)."""
    settings.DATA_DIR = tmp_path
    settings.LAKE_DIR = tmp_path / "lake"
    settings.REJECT_DIR = tmp_path / "rejects"
    settings.SCORE_CACHE = str(tmp_path / "scores")
    return tmp_path


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty imitation of S3, whose keys are in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with Bucket() as running:
        yield running
