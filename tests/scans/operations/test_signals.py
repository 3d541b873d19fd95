"""Signals in the record: opened, moved, caught up, and the same however they came about."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command

from scans.models import ScanRank, Signal
from scans.operations import signals
from scans.operations.run import Request, run
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe


def bring_up(as_of: datetime = AS_OF, **options: Any) -> signals.Updated:
    return signals.update(market="kr", versions=["rises"], as_of=as_of, **options)[0]


def evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, 0, tzinfo=AS_OF.tzinfo)


def rows() -> list[tuple[Any, ...]]:
    names = (
        "code",
        "picked_on",
        "status",
        "entered_on",
        "entry_price",
        "exit_on",
        "exit_price",
        "return_pct",
    )
    return sorted(Signal.objects.values_list(*names, "sessions_held"), key=str)


@pytest.fixture
def picks(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> pd.DataFrame:
    """Published picks of sessions 10 to 30, with a plan of 2 % up, 2 % down, 6 sessions."""
    probe.plan = (0.02, -0.02, 6)
    run(
        Request(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[30])
    )
    return market


def test_every_pick_with_a_plan_has_a_life(picks: pd.DataFrame, sessions: list[date]) -> None:
    done = bring_up()
    assert done.opened == ScanRank.objects.count() > 20
    bars = picks.set_index(["code", "date"])
    for signal in Signal.objects.select_related("rank"):
        at = sessions.index(signal.picked_on) + 1
        assert signal.entered_on == sessions[at]
        assert signal.entry_price == bars.loc[(signal.code, sessions[at]), "open"]
        assert signal.status in ("target", "stop", "expired")
        assert signal.exit_price is not None
        assert signal.entry_price is not None
        assert signal.exit_on is not None
        assert signal.return_pct == pytest.approx(
            (signal.exit_price / signal.entry_price - 1) * 100
        )
        if signal.status == "expired":
            assert signal.sessions_held == 6
            assert signal.exit_price == bars.loc[(signal.code, signal.exit_on), "close"]


def test_day_by_day_late_and_at_once_are_one_history(
    picks: pd.DataFrame, sessions: list[date]
) -> None:
    bring_up()
    at_once = rows()
    Signal.objects.all().delete()
    for day in sessions[10:38]:
        bring_up(evening(day))
    bring_up()
    assert rows() == at_once
    Signal.objects.all().delete()
    bring_up(evening(sessions[20]))
    bring_up(evening(sessions[33]))  # days were missed in between
    bring_up()
    assert rows() == at_once


def test_a_repeat_moves_nothing(picks: pd.DataFrame) -> None:
    bring_up()
    again = bring_up()
    assert (again.opened, again.moved) == (0, 0)
    whole = bring_up(rebuild=True)
    assert (whole.opened, whole.moved) == (0, 0)


def test_an_open_signal_shows_where_it_stands(picks: pd.DataFrame, sessions: list[date]) -> None:
    bring_up(evening(sessions[11]))
    bars = picks.set_index(["code", "date"])
    standing = Signal.objects.filter(status="open")
    assert standing
    for signal in standing:
        assert signal.entry_price is not None
        close = float(bars["close"].to_dict()[signal.code, sessions[11]])
        assert signal.return_pct == pytest.approx((close / signal.entry_price - 1) * 100)
        assert signal.seen_until == sessions[11]


def test_a_split_while_held_changes_no_return(
    picks: pd.DataFrame, bring: Importer, sessions: list[date]
) -> None:
    bring_up()
    before = {(s.code, s.picked_on): s.return_pct for s in Signal.objects.all()}
    later = (picks["code"] == "005930") & (picks["date"] >= sessions[20])
    split = picks[picks["code"] == "005930"].copy()
    after = split["date"] >= sessions[20]
    previous = float(split.loc[split["date"] == sessions[19], "close"].iloc[0])
    for name in ("open", "high", "low", "close"):
        split.loc[after, name] = split.loc[after, name] * 5
    split["base_price"] = np.nan
    split.loc[split["date"] == sessions[20], "base_price"] = previous * 5
    assert later.any()
    bring(split, at=AS_OF + timedelta(days=1))
    bring_up(AS_OF + timedelta(days=2), rebuild=True)
    # Those picked later were picked at prices that this correction has made another currency of: a new run's business.
    for signal in Signal.objects.filter(code="005930", picked_on__lt=sessions[20]):
        assert signal.return_pct == pytest.approx(before[signal.code, signal.picked_on], abs=1e-6)


def test_picks_without_a_plan_have_no_signal(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    run(
        Request(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[12])
    )
    assert bring_up().opened == 0


def test_the_command_line(picks: pd.DataFrame) -> None:
    out = io.StringIO()
    call_command("update_signals", "--version=rises", stdout=out)
    assert out.getvalue().startswith(f"rises: {ScanRank.objects.count()} opened, 0 moved; ")
