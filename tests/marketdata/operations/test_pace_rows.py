"""Permits in rows of the real database, shared by processes."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from django.db import connection

from marketdata.models import CallPace
from marketdata.operations.pace_rows import DatabaseRows
from marketdata.sources.http.permits import Pace, RowStore

TAKE_MANY = """
import sys, time
import django
django.setup()
from django.conf import settings
from django.db import connection
settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = sys.argv[1]
from marketdata.operations.pace_rows import DatabaseRows
from marketdata.sources.http.permits import RowStore
store = RowStore(DatabaseRows())
sys.stdin.readline()
for _ in range(25):
    asked = time.time()
    print(repr(asked + store.take("shared", 50.0)))
"""


@pytest.mark.django_db
def test_a_row_changes_only_from_what_was_seen() -> None:
    rows = DatabaseRows()
    first, second = Pace(next_at=1.1), Pace(next_at=2.2, held_until=3.3, slower=1.03, slowed_at=0.5)
    assert rows.load("a") is None
    assert rows.swap("a", None, first)
    assert not rows.swap("a", None, second)
    assert not rows.swap("a", second, first)
    assert rows.swap("a", first, second)
    assert rows.load("a") == second
    assert rows.load("b") is None


@pytest.mark.django_db
def test_it_keeps_holds_and_the_pace() -> None:
    store = RowStore(DatabaseRows())
    store.slow_down("a", 1.5)
    first = store.take("a", 100.0)
    assert store.take("a", 100.0) - first == pytest.approx(150.0, rel=0.02)
    store.hold("a", 1000.0)
    assert 900 < store.held("a") <= 1000.0
    assert CallPace.objects.get().group == "a"


@pytest.mark.django_db(transaction=True)
def test_two_processes_share_one_row() -> None:
    """50 permits taken by two processes at once: none twice, none left out."""
    command = [sys.executable, "-c", TAKE_MANY, str(connection.settings_dict["NAME"])]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate()[0] for process in both]
    moments = sorted(float(line) for text in printed for line in text.split())
    assert len(moments) == 50
    # The clock is read a little before the permit is given: what is asserted is far above that.
    assert all(abs(later - earlier - 50.0) < 10.0 for earlier, later in pairwise(moments))
