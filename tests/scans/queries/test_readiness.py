"""Readiness of a market: the record against calendar and clock, and what each version made of it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from marketdata.models import Instrument, InstrumentStatus
from marketdata.operations.projection import current_lake
from marketdata.queries.records import get_record
from marketdata.queries.session_bars import get_session_bars
from scans.operations.evening import schedule
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.readiness import Readiness, VersionReadiness, market_readiness, recorded_markets_readiness
from tests.scans.conftest import CODES, Importer, frame
from tests.scans.probe import Probe

LAST = date(2024, 4, 30)
"""The last session of the market; May 1 is a holiday, so that May 2 is the next one."""


def at(text: str) -> datetime:
    """A moment by the clock in Seoul."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Seoul"))


def seen(text: str) -> tuple[str, int, dict[str, str]]:
    """State, sessions behind and the states of the two versions of the probe at a moment."""
    readiness = market_readiness("kr", at(text))
    return readiness.state, readiness.record.behind, states(readiness)


def states(readiness: Readiness) -> dict[str, str]:
    return {one.version: str(one.state) for one in readiness.versions if "rises" in one.version}


def scan(*versions: str, day: date = LAST) -> None:
    run_scan(RunRequest(market="kr", as_of=at("2024-04-30 17:00"), versions=versions, first=day, last=day))


def one(readiness: Readiness, version: str) -> VersionReadiness:
    (row,) = [row for row in readiness.versions if row.version == version]
    return row


@pytest.mark.django_db
def test_an_unused_market_is_empty() -> None:
    readiness = market_readiness("us", at("2024-04-30 17:00"))
    assert (readiness.state, readiness.versions, readiness.is_alarming) == ("empty", (), False)
    assert recorded_markets_readiness(at("2024-04-30 17:00")) == []


def test_a_market_is_ready_from_its_scan_to_the_next_close(market: pd.DataFrame, probe: Probe) -> None:
    waits = {"rises": "not_scanned", "rises-10": "not_scanned"}
    assert seen("2024-04-30 16:00") == ("not_ready", 0, waits)
    assert seen("2024-04-30 23:59") == ("overdue", 0, waits)
    scan("rises")
    done = {"rises": "scanned", "rises-10": "not_scanned"}
    assert seen("2024-04-30 16:00") == ("ready", 0, done)
    assert seen("2024-05-02 15:00") == ("ready", 0, done)
    assert seen("2024-05-02 16:00") == ("not_ready", 1, waits)
    assert seen("2024-05-03 09:00") == ("overdue", 1, waits)
    assert seen("2024-05-07 16:00") == ("overdue", 3, waits)  # the 2nd, the 3rd and the 7th


def test_the_sentence_names_the_sessions(market: pd.DataFrame, probe: Probe) -> None:
    readiness = market_readiness("kr", at("2024-05-07 16:00"))
    assert readiness.reason == (
        "The record of market kr ends 3 sessions ago, on 2024-04-30: the last closed session is 2024-05-07."
    )
    assert readiness.record.missing == (date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7))
    assert one(readiness, "rises").behind is None


def test_a_correction_makes_what_is_published_stale(market: pd.DataFrame, bring: Importer, probe: Probe) -> None:
    scan("rises")
    before = market["date"] == date(2024, 4, 26)
    bring(market[before].assign(volume=market["volume"] + 1))
    readiness = market_readiness("kr", at("2024-04-30 23:00"))
    assert (readiness.state, one(readiness, "rises").state) == ("stale", "stale")
    assert "rises published 2024-04-30" in readiness.reason
    scan("rises")
    assert market_readiness("kr", at("2024-04-30 23:00")).state == "ready"


def test_a_failure_and_a_quarantine_are_not_ready(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    probe.failure = RuntimeError("boom")
    scan("rises")
    readiness = one(market_readiness("kr", at("2024-04-30 17:00")), "rises")
    assert (readiness.state, "RuntimeError: boom" in readiness.reason) == ("failed", True)
    probe.failure = None
    scan("rises")
    assert one(market_readiness("kr", at("2024-04-30 17:00")), "rises").state == "scanned"
    thin = date(2024, 5, 2)
    few = market[(market["date"] == LAST) & (market["code"] < "035720")]
    bring(few.assign(date=thin))
    scan("rises", day=thin)
    found_thin = market_readiness("kr", at("2024-05-02 17:00"))
    assert (found_thin.state, found_thin.record.behind) == ("not_ready", 1)
    assert found_thin.record.latest == thin
    assert found_thin.record.complete == LAST
    assert one(found_thin, "rises").state == "quarantined"


def test_schedule_determines_the_required_versions_and_the_time(market: pd.DataFrame, probe: Probe) -> None:
    scan("rises")
    schedule.set_schedule("kr", as_of=at("2024-04-01 12:00"), at=at("2024-04-01 20:30").time())
    readiness = market_readiness("kr", at("2024-04-30 23:00"))
    assert (readiness.state, one(readiness, "rises-10").belongs) == ("not_ready", True)
    schedule.set_schedule("kr", as_of=at("2024-04-01 12:00"), versions=["rises"])
    assert market_readiness("kr", at("2024-04-30 23:00")).state == "ready"


def test_generated_market_is_a_demo_and_does_not_alarm(
    db: None, data_dir: Path, tmp_path: Path, sessions: list[date]
) -> None:
    from marketdata.operations.imports.prices import import_prices

    file = tmp_path / "demo.csv"
    frame(sessions).to_csv(file, index=False)
    import_prices(files=[file], market="kr", source="demo", as_of=at("2024-04-30 16:00"))
    readiness = market_readiness("kr", at("2024-06-03 17:00"))
    assert (readiness.state, readiness.is_alarming) == ("demo", False)
    assert "generated" in readiness.reason


def test_expected_and_present_bars_add_up(bring: Importer, market: pd.DataFrame, sessions: list[date]) -> None:
    day = date(2024, 5, 2)
    rows = frame([*sessions, day])
    new = rows[(rows["date"] == day) & ~rows["code"].isin(CODES[:3])].copy()
    still, jumps = (new["code"] == CODES[3]), (new["code"] == CODES[4])
    new.loc[still, ["open", "high", "low", "volume"]] = 0
    new.loc[jumps, ["open", "high", "low", "close"]] *= 2
    bring(new)
    Instrument.objects.filter(code=CODES[1]).update(gone_on=day)
    InstrumentStatus.objects.create(
        instrument=Instrument.objects.get(code=CODES[2]),
        source="kis",
        valid_from=LAST,
        valid_to=LAST,
        halted=True,
    )
    assert "behind the record" in get_session_bars(get_record("kr"), day).note
    readiness = get_session_bars(current_lake.current_record("kr"), day)
    omitted: dict[tuple[str, bool], Any] = {(one.reason, one.has_bar): one.codes for one in readiness.omissions}
    assert readiness.note == ""
    assert omitted == {
        ("no_bar", False): (CODES[0],),
        ("delisted", False): (CODES[1],),
        ("halted", False): (CODES[2],),
        ("halted", True): (CODES[3],),
        ("suspected", True): (CODES[4],),
    }
    assert (readiness.expected, readiness.present) == (5, 3)
    absent = [one.count for one in readiness.omissions if one.expected and not one.has_bar]
    assert readiness.expected - readiness.present == sum(absent)
