"""Leases: who holds one, when a holder counts as gone, and what a late holder may still do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F

from marketdata.models import Generation, LeaseRow
from marketdata.operations import lease as leases
from marketdata.operations.lease import Lease, LeaseLost, LeaseTaken, inactive, is_active
from marketdata.operations.processes import is_running, this_process
from tests.seismo_site.running import ROOT, environment, installed
from tests.servers import Servers

NAME = "evening of market kr"
PATIENCE = 60.0
HOLD = """
import time
from marketdata.operations.lease import Lease
with Lease("evening of market kr"):
    print("taken", flush=True)
    time.sleep(600)
"""
TAKE = """
from marketdata.operations.lease import Lease, LeaseTaken
try:
    with Lease("evening of market kr"):
        print("taken")
except LeaseTaken as error:
    print(error)
"""


def row(**changes: object) -> LeaseRow:
    """A row as this process would have written it, with changes."""
    with Lease(NAME):
        lease_row = LeaseRow.objects.get()
    lease_row.pk = None
    for name, value in changes.items():
        setattr(lease_row, name, value)
    lease_row.save()
    return lease_row


def silent(seconds: float) -> None:
    LeaseRow.objects.update(beat_at=F("beat_at") - timedelta(seconds=seconds))


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


@pytest.mark.django_db
def test_a_row_exists_as_long_as_the_block_runs() -> None:
    with Lease(NAME) as lease:
        assert is_active(NAME)
        lease.check()
        with Lease("evening of market us"):
            assert inactive([NAME, "evening of market us", "evening of market upbit"]) == {"evening of market upbit"}
    assert not LeaseRow.objects.exists()
    with pytest.raises(ZeroDivisionError), Lease(NAME):
        raise ZeroDivisionError
    assert not LeaseRow.objects.exists()


@pytest.mark.django_db
def test_a_second_holder_is_refused_with_the_first_one_named() -> None:
    with (
        Lease(NAME),
        pytest.raises(LeaseTaken, match=f"at work in another process .process {os.getpid()} on "),
        Lease(NAME),
    ):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "is_free"), [(50, False), (70, True)])
@pytest.mark.parametrize("host", ["", "another-boot pid:[4026531836]"])
def test_elsewhere_a_holder_is_gone_after_a_minute_of_silence(host: str, seconds: float, is_free: bool) -> None:
    """Even where a process of that number runs here."""
    row(host=host)
    silent(seconds)
    assert is_active(NAME) is not is_free
    if is_free:
        with Lease(NAME) as lease:
            lease.check()


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "is_free"), [(14, False), (16, True)])
def test_a_process_that_runs_here_may_be_silent_for_longer(minutes: float, is_free: bool) -> None:
    """A long transaction of another one may lock SQLite for minutes."""
    row()
    silent(minutes * 60)
    assert is_active(NAME) is not is_free


@pytest.mark.django_db
def test_a_process_number_that_is_used_again_is_another_process() -> None:
    row(process_started=this_process().started - 1)
    with Lease(NAME):
        pass


def test_a_process_that_has_ended_does_not_run_even_before_its_parent_knows() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, started = this_process().host, int(_stat(child.pid)[19])
    assert is_running(host, child.pid, started)
    assert is_running(host, child.pid, started + 1) is False
    assert is_running("elsewhere", child.pid, started) is None
    child.kill()
    assert eventually(lambda: _stat(child.pid)[0] == "Z")
    assert is_running(host, child.pid, started) is False
    child.communicate()
    assert is_running(host, child.pid, started) is False


def publish(lease: Lease) -> None:
    with transaction.atomic():
        Generation.objects.create(name="published", changed_at="2024-01-01T00:00Z")
        lease.check()


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@pytest.mark.django_db(transaction=True)
def test_a_holder_that_was_taken_for_dead_publishes_nothing() -> None:
    first, second = Lease(NAME), Lease(NAME)
    with first:
        LeaseRow.objects.update(host="elsewhere")
        silent(70)
        with second:
            with pytest.raises(LeaseLost, match="took it over"):
                publish(first)
            assert not Generation.objects.filter(name="published").exists()
            publish(second)
        assert Generation.objects.filter(name="published").exists()
        assert not LeaseRow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_heartbeats_go_on_beside_the_work_and_notice_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.02)
    with Lease(NAME) as lease:
        silent(3600)
        old = LeaseRow.objects.get().beat_at
        assert eventually(lambda: LeaseRow.objects.get().beat_at > old + timedelta(minutes=50))
        LeaseRow.objects.update(fence="another")
        assert eventually(lambda: not lease._heartbeat.is_alive())  # type: ignore[union-attr]
        with pytest.raises(LeaseLost):
            lease.check()
    assert LeaseRow.objects.get().fence == "another"
    assert not [one for one in threading.enumerate() if one.name.startswith("lease ")]


@pytest.mark.django_db(transaction=True)
def test_of_many_that_try_at_once_one_holds_it() -> None:
    row(process_started=1)  # of a process that is gone
    ready, done = threading.Barrier(6), threading.Barrier(6)

    def one(_: int) -> bool:
        try:
            ready.wait(PATIENCE)
            with Lease(NAME) as lease:
                done.wait(PATIENCE)
                lease.check()
            return True
        except LeaseTaken:
            done.wait(PATIENCE)
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(one, range(6))) == [False] * 5 + [True]


@pytest.mark.django_db(transaction=True)
def test_one_that_waits_takes_over_when_the_first_ends() -> None:
    def other() -> bool:
        try:
            with Lease(NAME, patience=PATIENCE):
                return True
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with Lease(NAME):
            waits = pool.submit(other)
            time.sleep(0.05)
            assert not waits.done()
        assert waits.result(PATIENCE)


def killed(data: Path, **servers: str) -> None:
    """A process that is killed leaves its lease to the next one at once; one that is alive keeps it."""

    def shell(code: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT, env={**environment(data), **servers}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    installed(data, **servers)
    holder = shell(HOLD)
    assert holder.stdout
    assert holder.stdout.readline() == "taken\n"
    refused, _ = shell(TAKE).communicate()
    assert f"process {holder.pid} on " in refused
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert shell(TAKE).communicate()[0] == "taken\n"


@pytest.mark.slow
def test_a_killed_process_leaves_it_at_once_in_sqlite(tmp_path: Path) -> None:
    killed(tmp_path / "data")


@pytest.mark.slow
def test_a_killed_process_leaves_it_at_once_in_postgresql(tmp_path: Path) -> None:
    servers = Servers()
    try:
        killed(tmp_path / "data", DATABASE_URL=servers.postgres())
    finally:
        servers.stop()
