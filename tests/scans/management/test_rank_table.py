"""The table of ranks: readable numbers, and counts that are what is listed."""

from __future__ import annotations

import io
import re
from datetime import date

import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from rich.cells import cell_len

from marketdata.markets import get_market
from scans.management.rank_table import _cell
from tests.scans.probe import Probe

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_scan(out: io.StringIO, *arguments: str) -> str:
    call_command("run_scan", *arguments, stdout=OutputWrapper(out))
    return out.getvalue()


def picks(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r" *\d+  [0-9A-Z]{6}  ", line)]


def test_counts_reported_are_counts_listed(market: pd.DataFrame, probe: Probe) -> None:
    whole = run_scan(io.StringIO())
    headline = re.search(r": (\d+) matched of ", whole)
    assert headline
    matched = int(headline[1])
    assert len(picks(whole)) == matched > 1
    cut = run_scan(io.StringIO(), "--top", "1")
    assert f": {matched} matched, 1 listed, of " in cut
    assert len(picks(cut)) == 1


def test_what_is_not_saved_is_not_called_published(market: pd.DataFrame, probe: Probe) -> None:
    assert "  computed, not published" in run_scan(io.StringIO(), "--no-save")
    assert "  published" in run_scan(io.StringIO())


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_it_fits_the_terminal_and_loses_no_pick(
    market: pd.DataFrame, probe: Probe, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = run_scan(io.StringIO(), "--no-save")
    assert "\x1b" not in piped
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = ESCAPE.sub("", run_scan(Terminal(), "--no-save"))
    assert max(map(cell_len, shown.splitlines())) <= columns
    assert [line.split()[1] for line in picks(shown)] == [line.split()[1] for line in picks(piped)]


@pytest.mark.parametrize(
    ("name", "value", "market", "text"),
    [
        ("amount", 7.46e12, "kr", "7.46 조"),
        ("amount", 1.23e9, "us", "1.23 B"),
        ("close", 71_900.0, "kr", "71,900"),
        ("close", 0.00001234, "upbit", "0.00001234"),
        ("target", 229.985, "us", "229.99"),
        ("change_pct", -1.005, "kr", "-1.01 %"),
        ("foreign_value_5", -4.5e12, "kr", "-4.5 조"),
        ("foreign_quantity_5", 1_000_000_000.0, "kr", "+1,000,000,000"),
        ("score", 71.23456, "kr", "71.23"),
        ("label", "", "kr", "-"),
        ("stop", None, "kr", "-"),
    ],
)
def test_a_cell_as_people_read_it(name: str, value: float | str | None, market: str, text: str) -> None:
    assert _cell(name, value, get_market(market)) == text


def test_terminal_shows_the_next_step_only_where_it_helps(
    market: pd.DataFrame, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert "Next:" not in run_scan(Terminal(), "--no-save")
    early = ("--no-save", "--version", "v2", "--date", str(sessions[3]))
    shown = run_scan(Terminal(), *early)
    headline = re.search(r"Next: v2 needs (\d+) sessions of bars up to \S+, the record has 4: ", shown)
    assert headline
    assert int(headline[1]) > 4
    assert "Next:" not in run_scan(io.StringIO(), *early)
