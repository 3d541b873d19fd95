"""Signals in the record: opened, moved, caught up, and the same however they came about."""

from __future__ import annotations

import io
import itertools
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command

from marketdata.models import Generation
from scans.models import ScanRank, Signal
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.reference.order import exit_of, order
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe


def bring_up(as_of: datetime = AS_OF, **options: Any) -> signals.SignalUpdate:
    return signals.update_signals(market="kr", versions=["rises"], as_of=as_of, **options)[0]


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
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[30]))
    return market


def test_every_pick_with_a_plan_has_a_life(picks: pd.DataFrame, sessions: list[date]) -> None:
    done = bring_up()
    assert done.opened == ScanRank.objects.count() > 20
    bars = picks.set_index(["code", "date"])
    for signal in Signal.objects.select_related("rank"):
        at = sessions.index(signal.picked_on) + 1
        assert signal.revision == signals.REVISION
        if signal.status == "lapsed":  # beyond a level at its first open
            continue
        assert signal.entered_on == sessions[at]
        assert signal.entry_price == bars.loc[(signal.code, sessions[at]), "open"]
        assert signal.status in ("target", "stop", "expired")
        assert signal.exit_price is not None
        assert signal.entry_price is not None
        assert signal.exit_on is not None
        assert signal.return_pct == pytest.approx((signal.exit_price / signal.entry_price - 1) * 100)
        if signal.status == "expired":
            assert signal.sessions_held == 6
            assert signal.exit_price == bars.loc[(signal.code, signal.exit_on), "close"]


@pytest.mark.slow
def test_day_by_day_late_and_at_once_are_one_history(picks: pd.DataFrame, sessions: list[date]) -> None:
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


def test_open_signal_has_its_return_so_far(picks: pd.DataFrame, sessions: list[date]) -> None:
    bring_up(evening(sessions[11]))
    bars = picks.set_index(["code", "date"])
    standing = Signal.objects.filter(status="open")
    assert standing
    for signal in standing:
        assert signal.entry_price is not None
        close = float(bars["close"].to_dict()[signal.code, sessions[11]])
        assert signal.return_pct == pytest.approx((close / signal.entry_price - 1) * 100)
        assert signal.seen_until == sessions[11]


def test_split_during_a_holding_changes_no_return(picks: pd.DataFrame, bring: Importer, sessions: list[date]) -> None:
    bring_up()
    before = {(s.code, s.picked_on): s.return_pct for s in Signal.objects.all()}
    later = (picks["code"] == "005930") & (picks["date"] >= sessions[20])
    split = picks[picks["code"] == "005930"].copy()
    after = split["date"] >= sessions[20]
    previous = float(split.loc[split["date"] == sessions[19], "close"].iloc[0])
    prices = ["open", "high", "low", "close"]
    split[prices] = split[prices].astype(float)
    split.loc[after, prices] *= 1.25  # five old shares become four: a larger rise of a base price would be suspected
    split["base_price"] = np.nan
    split.loc[split["date"] == sessions[20], "base_price"] = previous * 1.25
    assert later.any()
    bring(split, at=AS_OF + timedelta(days=1))
    bring_up(AS_OF + timedelta(days=2), rebuild=True)
    # Those picked later were picked at prices that this correction has made another currency of: a new run's business.
    for signal in Signal.objects.filter(code="005930", picked_on__lt=sessions[20]):
        assert signal.return_pct == pytest.approx(before[signal.code, signal.picked_on], abs=1e-6)


def test_picks_without_a_plan_have_no_signal(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[12]))
    assert bring_up().opened == 0


def test_the_command_line(picks: pd.DataFrame) -> None:
    out = io.StringIO()
    call_command("update_signals", "--version=rises", stdout=out)
    assert out.getvalue().startswith(f"rises: {ScanRank.objects.count()} new, 0 earlier ones changed; ")


def test_a_list_is_published_with_its_signals(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    probe.plan = (0.02, -0.02, 6)
    for day in sessions[20:24]:
        listed = RunRequest(market="kr", as_of=evening(day), versions=["rises"], first=day, last=day)
        (scan,) = run_scan(listed, follow=signals.follow_list)
        assert scan.signals is not None
        assert scan.signals.opened == len(scan.answers[0].ranks) > 0
        changed_at = Generation.objects.get(name="kr").changed_at
        again = bring_up(evening(day))
        assert (again.opened, again.moved) == (0, 0)
        assert Generation.objects.get(name="kr").changed_at == changed_at  # answers on both ended once
    together = rows()
    Signal.objects.all().delete()
    bring_up(evening(sessions[23]))
    assert rows() == together


def test_a_list_is_published_where_its_signals_fail(
    market: pd.DataFrame, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.plan = (0.02, -0.02, 6)

    def fails(*args: Any) -> signals.ListUpdate:
        Signal.objects.all().delete()
        raise ValueError("a plan that cannot be followed")

    listed = RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[20], last=sessions[20])
    with monkeypatch.context() as patched:
        patched.setattr(signals, "_follow", fails)
        (scan,) = run_scan(listed, follow=signals.follow_list)
    assert (scan.error, scan.signals) == ("", None)
    assert bring_up().opened == ScanRank.objects.filter(published=True).count() > 0


def naive_end(picks: pd.DataFrame, signal: Signal) -> tuple[str, date | None, float | None]:
    """How a signal ends, by the naive walk over its bars: at the exact plan in revision 1, at order prices from 2 on;
    from 3 on it lapses where the first open lies at or through a level."""
    rank = signal.rank
    target, stop = float(rank.target or 0), float(rank.stop or 0)
    if signal.revision > 1:
        target = order(target, rank.date, rank.segment, -1)
        stop = order(stop, rank.date, rank.segment, 1)
    later_rows = picks[(picks["code"] == signal.code) & (picks["date"] > signal.picked_on)]
    bars = [tuple(row) for row in later_rows[["open", "high", "low", "close"]].to_numpy(float)]
    if signal.revision > 2 and not stop < bars[0][0] < target:
        return "lapsed", None, None
    end = exit_of(bars, target, stop, rank.holding_max)
    assert end is not None
    why, number, price = end
    return why, later_rows["date"].iloc[number], price


def test_a_new_signal_has_the_latest_rules_and_a_recorded_one_its_own(picks: pd.DataFrame) -> None:
    bring_up()
    ends_of_revisions = []
    for revision in (signals.REVISION, 2, 1):
        Signal.objects.update(revision=revision)
        bring_up(rebuild=True)
        ends = []
        for one in Signal.objects.select_related("rank").order_by("pk"):
            status, day, price = naive_end(picks, one)
            assert (one.status, one.exit_on, one.revision) == (status, day, revision)
            assert one.exit_price == (price if price is None else pytest.approx(price, rel=1e-9))
            ends.append((one.status, one.exit_on, one.exit_price))
        ends_of_revisions.append(ends)
    assert all(one != other for one, other in itertools.pairwise(ends_of_revisions))
    assert {status for status, *_ in ends_of_revisions[0]} >= {"lapsed", "target", "stop"}
