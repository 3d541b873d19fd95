"""Looking things up from the command line: an instrument's picks, and who entered and left."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from scans.models import ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_an_old_record_is_reported_beside_what_is_shown(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    """The record ends on 2024-04-30; by the calendar many sessions have closed since."""
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], last=sessions[-1]))
    old = r"WARNING: The record of market kr ends \d+ sessions ago, on 2024-04-30"
    for arguments in (("stock", "005930"), ("scan_changes", "--version=rises")):
        out, err = io.StringIO(), io.StringIO()
        call_command(*arguments, stdout=out, stderr=err)
        assert re.search(old, " ".join(err.getvalue().split()))
        assert "WARNING" not in out.getvalue()


def risers(rows: pd.DataFrame, day: date) -> set[str]:
    close = rows.pivot_table(index="date", columns="code", values="close")
    rise: Any = (close / close.shift(1) - 1).loc[day]
    return set(rise[rise > 0].index)


def test_which_scans_caught_an_instrument(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[20], last=sessions[-1]))
    text = printed("stock", "005930")
    expected = [day for day in reversed(sessions[20:]) if "005930" in risers(market, day)]
    assert [line[:10] for line in text.splitlines()[3:]] == [str(day) for day in expected]
    assert text.startswith("kr:005930")
    assert text.splitlines()[1].startswith(f"rises: {len(expected)} times, last on {expected[0]} (settled), ")
    few = printed("stock", "005930", "--last=2").splitlines()
    assert few[-1] == f"2 of {len(expected)} picks listed: --last {len(expected)} lists all."
    assert len(few) == 6
    late = [day for day in expected if day >= sessions[-5]]
    assert 0 < len(late) < len(expected)
    lines = printed("stock", "005930", "--sessions=5").splitlines()
    assert [line[:10] for line in lines[3:]] == [str(day) for day in late]
    assert f"since {sessions[-5]}, last on {late[0]}" in lines[1]
    with pytest.raises(CommandError, match="Market kr has no instrument '999999'"):
        printed("stock", "999999")
    with pytest.raises(CommandError, match="Unknown market 'mars'"):
        printed("stock", "005930", "--market=mars")


def test_who_entered_and_left(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    with pytest.raises(CommandError, match="rises"):
        printed("scan_changes", "--version=rises")
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[-2], last=sessions[-1]))
    before, now = risers(market, sessions[-2]), risers(market, sessions[-1])
    text = printed("scan_changes", "--version=rises")
    assert text.splitlines()[0].endswith("; settled")
    ScanSession.objects.filter(date=sessions[-1]).update(read_at=datetime(2024, 5, 31, 6, 35, tzinfo=UTC))
    assert "; provisional, read 2024-05-31 15:35 KST" in printed("scan_changes", "--version=rises")
    assert f"{sessions[-1]} since {sessions[-2]}" in text
    changes = {
        word: {line.split()[1] for line in text.splitlines() if line.split()[0] == word} for word in ("entered", "left")
    }
    assert changes == {"entered": now - before, "left": before - now}
    with pytest.raises(CommandError, match="Unknown scanner version 'v9'"):
        printed("scan_changes", "--version=v9")
