"""What a worker computes leaves the processor to others; what it writes does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from marketdata.operations.priority import without_niceness

CODE = """
import os, threading
from contextvars import ContextVar
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
from marketdata.operations.priority import compute_last, without_niceness
number = ContextVar("number")
number.set(7)
niceness = lambda: os.getpriority(os.PRIO_PROCESS, 0)
before = niceness()
compute_last(before + 3)
print(niceness() - before, without_niceness(niceness) - before, without_niceness(number.get))
try:
    without_niceness(lambda: 1 / 0)
except ZeroDivisionError:
    print("raised")
"""


def test_a_call_without_a_writer_thread_is_made_here() -> None:
    with pytest.raises(ZeroDivisionError):
        without_niceness(lambda: 1 / 0)
    assert without_niceness(lambda: 5) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux's")
def test_a_writer_keeps_its_priority_and_the_context_of_its_caller() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "0", "7", "raised"]
