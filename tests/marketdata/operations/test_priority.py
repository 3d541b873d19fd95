"""What a worker computes leaves the processor to others; what it writes does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from marketdata.operations.priority import write_first

CODE = """
import os, threading
from contextvars import ContextVar
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
from marketdata.operations.priority import compute_last, write_first
number = ContextVar("number")
number.set(7)
niceness = lambda: os.getpriority(os.PRIO_PROCESS, 0)
before = niceness()
compute_last(before + 3)
print(niceness() - before, write_first(niceness) - before, write_first(number.get))
try:
    write_first(lambda: 1 / 0)
except ZeroDivisionError:
    print("raised")
"""


def test_a_call_without_a_writer_thread_is_made_here() -> None:
    with pytest.raises(ZeroDivisionError):
        write_first(lambda: 1 / 0)
    assert write_first(lambda: 5) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux's")
def test_a_writer_keeps_its_priority_and_the_context_of_its_caller() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "0", "7", "raised"]
