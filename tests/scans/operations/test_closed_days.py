"""A day on which the market did not trade is no session: what follows is computed as if it had been closed."""

from __future__ import annotations

from datetime import date
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.data_quality import report
from marketdata.errors import DataProblem
from marketdata.models import CalendarOverride, LakePartition
from marketdata.operations.projection import current_lake
from marketdata.queries import history
from marketdata.queries.index_series import get_own_index
from marketdata.queries.records import get_record
from marketdata.queries.window import open_window
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe

VALUES = ["open", "high", "low", "close", "volume"]
TWELVE = tuple(f"{n:03d}0{n % 10}0" for n in range(12))


def bars(days: list[date], seed: int = 5) -> pd.DataFrame:
    """Random bars of twelve instruments, a third of them with a base price."""
    rng = np.random.default_rng(seed)
    rows = []
    for n, code in enumerate(TWELVE):
        price = 2_000 * (n + 3)
        for day in days:
            before, price = price, round(price * float(rng.uniform(0.97, 1.03)))
            base = before if n % 3 == 0 else np.nan
            volume = int(rng.integers(1_000, 90_000))
            rows.append((day, code, price, price + 9, price - 9, price, volume, base, "KOSPI"))
    return pd.DataFrame(rows, columns=["date", "code", *VALUES, "base_price", "segment"])


def silent(rows: pd.DataFrame, days: list[date], at: int) -> pd.DataFrame:
    """No trades: the closes of the day before, no volume."""
    rows_of_day = rows[rows.date == days[at - 1]].assign(date=days[at], volume=0)
    return rows_of_day.assign(open=rows_of_day.close, high=rows_of_day.close, low=rows_of_day.close, base_price=np.nan)


def copied(rows: pd.DataFrame, days: list[date], at: int) -> pd.DataFrame:
    """All bars of the day before again but one."""
    rows_of_day = rows[rows.date == days[at - 1]].assign(date=days[at]).reset_index(drop=True)
    rows_of_day.loc[0, VALUES] = [7_000, 7_100, 6_900, 7_050, 55]
    return rows_of_day


def scan(day: date) -> Scan:
    (result,) = run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["v2"], first=day, last=day))
    return result


@pytest.mark.parametrize("fill", [silent, copied])
@pytest.mark.parametrize("at", [20, 25])  # within a month, and the first session of April
def test_the_next_session_is_as_if_the_market_had_been_closed(
    bring: Importer, sessions: list[date], probe: Probe, fill: Any, at: int
) -> None:
    assert (sessions[19].month, sessions[20].month) == (3, 4) or at != 20
    rows = bars([day for day in sessions if day != sessions[at]])
    bring(pd.concat([rows, fill(rows, sessions, at)]))
    record = current_lake.current_record("kr")
    assert np.datetime64(sessions[at]) not in record.sessions
    ours = scan(sessions[at + 1])
    assert any(notice.startswith(f"{sessions[at]}: ") and "closed?" in notice for notice in ours.notices)
    index_before = get_own_index(record)
    panel = open_window(record, record.sessions[-1:], 30).read(dict.fromkeys(VALUES, 30))
    chart = history.get_history(history.read_instrument_table("kr"), TWELVE[0])
    assert chart is not None
    assert np.datetime64(sessions[at]) not in chart.days

    CalendarOverride.objects.create(market="kr", date=sessions[at], is_open=False)
    record = current_lake.current_record("kr")
    assert record.closed_days() == {}
    theirs = scan(sessions[at + 1])
    assert ours.answers == theirs.answers  # digests included
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(index_before, get_own_index(record), strict=True))
    again = open_window(record, record.sessions[-1:], 30).read(dict.fromkeys(VALUES, 30))
    for name in VALUES:
        np.testing.assert_array_equal(panel[name], again[name])


def test_closed_day_is_scanned_only_after_it_is_confirmed_open(
    bring: Importer, sessions: list[date], probe: Probe
) -> None:
    rows = bars(sessions[:-1])
    bring(pd.concat([rows, silent(rows, sessions, -1)]))
    sentence = f"{sessions[-1]}: none of 12 instruments traded; closed?"
    with pytest.raises(DataProblem, match=r"none of 12 instruments traded; closed\? The day is"):
        scan(sessions[-1])
    out, err = StringIO(), StringIO()
    call_command("run_scan", "--version", "v2", stdout=out, stderr=err)
    assert f"kr  {sessions[-2]}" in out.getvalue()
    assert err.getvalue() == sentence + "\n"
    (rows_of_day,) = (one for one in report.get_findings("kr") if one.check == "closed_days")
    assert rows_of_day.cases == ({"session": str(sessions[-1]), "reason": "none of 12 instruments traded; closed?"},)
    CalendarOverride.objects.create(market="kr", date=sessions[-1], is_open=True)
    (answer,) = scan(sessions[-1]).answers
    assert (answer.status, answer.reason) == ("quarantined", "none of 12 instruments traded")
    CalendarOverride.objects.update_or_create(market="kr", date=sessions[-1], defaults={"is_open": False})
    assert current_lake.current_record("kr").sessions[-1] == np.datetime64(sessions[-2])
    assert not [one for one in report.get_findings("kr") if one.check == "closed_days"]


def test_right_bars_make_it_a_session_again(bring: Importer, sessions: list[date], probe: Probe) -> None:
    rows = bars(sessions)
    bring(pd.concat([rows[rows.date != sessions[22]], silent(rows, sessions, 22)]))
    assert np.datetime64(sessions[22]) not in current_lake.current_record("kr").sessions
    bring(rows[rows.date == sessions[22]])
    record = current_lake.current_record("kr")
    assert np.datetime64(sessions[22]) in record.sessions
    assert not record.closed


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ("thin", "only 3 of 12 instruments traded, 12 did the session before"),
        ("half", "7 of 12 bars repeat the session before"),
    ],
)
def test_half_dead_days_are_quarantined_and_named_with_the_next(
    bring: Importer, sessions: list[date], probe: Probe, kept: str, sentence: str
) -> None:
    rows = bars(sessions)
    at = rows.date == sessions[-2]
    if kept == "thin":
        rows.loc[at & rows.code.isin(TWELVE[3:]), "volume"] = 0
    else:
        before = rows[rows.date == sessions[-3]].set_index("code")
        for code in TWELVE[:7]:
            rows.loc[at & (rows.code == code), VALUES] = before.loc[code, VALUES].to_numpy(float)
    bring(rows)
    (answer,) = scan(sessions[-2]).answers
    assert (answer.status, answer.reason) == ("quarantined", sentence)
    assert scan(sessions[-1]).notices == (f"{sessions[-2]}: {sentence}",)
    (rows_of_day,) = (one for one in report.get_findings("kr") if one.check == "doubtful_sessions")
    assert rows_of_day.cases == ({"session": str(sessions[-2]), "reason": sentence},)


def test_a_lake_of_before_is_written_anew(bring: Importer, sessions: list[date], probe: Probe) -> None:
    """A day that was closed by an override leaves the lake, and comes back with it."""
    bring(bars(sessions))
    current_lake.current_record("kr")
    day = sessions[21]
    override = CalendarOverride.objects.create(market="kr", date=day, is_open=False)
    assert get_record("kr").stale == (day.replace(day=1),)
    current_lake.current_record("kr")
    (row,) = LakePartition.objects.filter(market="kr", month=day.replace(day=1))
    assert row.closed == {str(day): [12, ""]}
    assert str(day) not in row.sessions
    override.delete()
    assert np.datetime64(day) in current_lake.current_record("kr").sessions
    with pytest.raises(CommandError, match="is not a session"):
        call_command("run_scan", "--date", "2024-04-10")
