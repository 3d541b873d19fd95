"""Processes of one server that pass answers to each other by files, each with a cache of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from caching.cached import cached
from caching.shared_answers import MOST, SHARED, SWEPT_AFTER, SharedAnswers

SECRET = b"of this run"
HOLDER = """
import sys, time
from pathlib import Path
from caching.shared_answers import SharedAnswers
other = SharedAnswers()
other.start(Path(sys.argv[1]), b"of this run")
with other.turn(sys.argv[2], 0.0):
    print("has it", flush=True)
    sys.stdin.readline()
    other.write(sys.argv[2], "of the other")
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    SHARED.start(tmp_path / "answers", SECRET)
    yield tmp_path / "answers"
    SHARED.stop()


class Counted:
    """A cached function that counts its calls."""

    def __init__(self, policy: str = "page", scope: str | None = None) -> None:
        self.calls = 0

        @cached(policy, what="counted", scope=scope)
        def answer(what: str) -> str:
            self.calls += 1
            return f"{what} {self.calls}"

        self.answer = answer


def _other(folder: Path, key: str, rest: float = 0.0) -> subprocess.Popen[str]:
    """Another process that has the turn of `key`; it writes an answer when it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), key, str(rest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "has it\n"
    return process


@pytest.mark.parametrize("policy", ["page", "kept"])
def test_a_process_reads_what_another_has_computed(folder: Path, policy: str) -> None:
    counted = Counted(policy)
    assert counted.answer("a") == "a 1"
    cache.clear()  # as in another process
    assert counted.answer("a") == "a 1"
    assert counted.answer("b") == "b 2"


def test_a_process_waits_for_the_one_that_computes(folder: Path) -> None:
    counted = Counted()
    process = _other(folder, counted.answer.key("a"), rest=0.2)
    assert process.stdin
    process.stdin.write("go on\n")
    process.stdin.flush()
    assert counted.answer("a") == "of the other"
    assert counted.calls == 0
    process.wait(10)


def test_a_process_that_dies_is_not_waited_for(folder: Path) -> None:
    counted = Counted()
    process = _other(folder, counted.answer.key("a"))
    process.kill()
    assert counted.answer("a") == "a 1"
    process.wait(10)


def test_no_process_waits_beyond_the_deadline(folder: Path) -> None:
    process = _other(folder, "key")
    with SHARED.turn("key", time.monotonic()) as waited:
        assert waited
    process.kill()
    process.wait(10)


def test_another_run_reads_nothing_of_this_one(folder: Path) -> None:
    SHARED.write("key", "of this run")
    later = SharedAnswers()
    later.start(folder, b"of the next run")
    assert later.read("key", 60) is None
    assert SHARED.read("key", 60) is not None
    later.stop()


def test_an_answer_is_valid_as_long_as_its_policy_says(folder: Path) -> None:
    SHARED.write("key", None)
    answer = SHARED.read("key", 60)
    assert answer is not None
    assert answer[0] is None
    assert 0 < answer[1] <= 60
    assert SHARED.read("key", 0) is None


def test_a_forgotten_answer_is_computed_anew(folder: Path) -> None:
    counted = Counted()
    counted.answer("a")
    counted.answer.forget("a")
    assert counted.answer("a") == "a 2"


def test_a_refreshed_answer_replaces_the_file(folder: Path) -> None:
    counted = Counted()
    counted.answer("a")
    counted.answer.refresh("a")
    cache.clear()
    assert counted.answer("a") == "a 2"


def test_answers_of_a_scope_are_not_passed_on(folder: Path) -> None:
    """Their generation is a number of this process."""
    counted = Counted(scope="market.kr")
    counted.answer("a")
    assert [path.name for path in folder.iterdir()] == ["locks"]


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x93\x01"])
def test_a_damaged_file_is_a_miss(folder: Path, content: bytes) -> None:
    SHARED.write("key", "whole")
    (file,) = (path for path in folder.iterdir() if path.name != "locks")
    file.write_bytes(content)
    assert SHARED.read("key", 60) is None


def test_the_files_are_private(folder: Path) -> None:
    SHARED.write("key", "whole")
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_the_newest_files_are_kept(folder: Path) -> None:
    for number in range(MOST + 2 * SWEPT_AFTER):
        SHARED.write(f"key {number}", number)
    assert MOST <= len(list(folder.iterdir())) - 1 < MOST + SWEPT_AFTER
    assert SHARED.read(f"key {MOST + 2 * SWEPT_AFTER - 1}", 60) is not None


def test_without_a_directory_each_process_computes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    SHARED.start(tmp_path / "file" / "answers", SECRET)
    counted = Counted()
    assert counted.answer("a") == "a 1"
    assert counted.answer("a") == "a 1"
