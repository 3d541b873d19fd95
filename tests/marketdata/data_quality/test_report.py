"""What `check_data` finds, on records made by hand."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from marketdata.data_quality import report
from marketdata.data_quality.finding import Finding
from marketdata.models import CalendarOverride
from marketdata.operations.projection import project
from marketdata.queries.market_calendar import get_sessions
from tests.marketdata.operations.tidy_files import COLUMNS, import_file, write_tidy

pytestmark = pytest.mark.django_db

BAR = "100,110,90,105,1000"


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def findings() -> dict[str, Finding]:
    return {finding.check: finding for finding in report.get_findings("kr")}


def test_a_sound_record_has_no_findings(tmp_path: Path) -> None:
    assert findings() == {}
    import_file(write_tidy(tmp_path / "a.csv", [f"2026-08-{day},000010,{BAR}" for day in (19, 20, 21)]))
    assert findings() == {}


def test_missing_sessions_are_listed_as_ranges(tmp_path: Path) -> None:
    days = ["2026-08-10", "2026-08-11", "2026-08-13", "2026-08-21"]
    import_file(write_tidy(tmp_path / "a.csv", [f"{day},000010,{BAR}" for day in days]))
    # a Monday to a Friday; 12 is missing, then 14, 18, 19, 20 (the 17th is a holiday) - see the calendar
    missing = findings()["missing_sessions"]
    assert missing.count == 5
    assert missing.cases == (
        {"from": "2026-08-12", "to": "2026-08-12", "sessions": 1},
        {"from": "2026-08-14", "to": "2026-08-20", "sessions": 4},
    )
    CalendarOverride.objects.create(market="kr", date=date(2026, 8, 12), is_open=False)
    assert findings()["missing_sessions"].count == 4


def test_sources_that_disagree(tmp_path: Path) -> None:
    rows = [f"2026-08-{day},000010,{BAR}" for day in (19, 20, 21)]
    import_file(write_tidy(tmp_path / "a.csv", rows), source="one")
    other = [rows[0], rows[1].replace("105", "104"), rows[2].replace("1000", "1001")]
    import_file(write_tidy(tmp_path / "b.csv", other), source="two")
    disagreements = findings()["disagreements"]
    assert disagreements.count == 2
    assert disagreements.cases == (
        {"code": "000010", "date": "2026-08-20", "close one": 105.0, "close two": 104.0},
        {"code": "000010", "date": "2026-08-21", "volume one": 1000.0, "volume two": 1001.0},
    )


def test_instruments_that_fell_silent(tmp_path: Path) -> None:
    rows = ["2026-08-21,000010", "2026-07-24,000020", "2026-07-22,000030", "2026-07-21,000040"]
    import_file(write_tidy(tmp_path / "a.csv", [f"{row},{BAR}" for row in rows]))
    quiet = findings()["quiet_instruments"]
    # 20 sessions before 21 August is 23 July: one of them is the holiday of 17 August
    assert [case["code"] for case in quiet.cases] == ["000030", "000040"]
    assert quiet.count == 2


def test_statements_that_grew_old(tmp_path: Path) -> None:
    columns = f"{COLUMNS},department"
    old = [f"2025-08-01,000010,{BAR},관리종목(소속부없음)", f"2025-08-21,000020,{BAR},우량기업부"]
    import_file(write_tidy(tmp_path / "a.csv", old, columns=columns), source="krx")
    new = [f"2026-08-21,{code},{BAR}" for code in ("000010", "000020")]
    import_file(write_tidy(tmp_path / "b.csv", new))
    statements = findings()["old_statements"]
    assert [(case["code"], case["last_status"]) for case in statements.cases] == [("000010", "2025-08-01")]


def test_the_command_prints_text_or_one_json_object_a_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Market kr has no bars yet: import some"):
        call_command("check_data")
    days = ["2026-08-10", "2026-08-12"]
    import_file(write_tidy(tmp_path / "a.csv", [f"{day},000010,{BAR}" for day in days]))
    out = StringIO()
    call_command("check_data", stdout=out)
    first, second = (line for line in out.getvalue().splitlines() if line.startswith("kr: "))
    assert first.startswith("kr: The record of market kr ends ")
    assert " on 2026-08-12: the last closed session is 20" in first
    assert ". Sessions that it lacks (import or collect them): " in first
    assert "\n  session 2026-08-13\n" in out.getvalue()
    assert second.startswith("kr: Sessions of the calendar without a bar of any instrument")
    assert "the market was closed): 1\n" in out.getvalue()
    assert "  from 2026-08-11, to 2026-08-11, sessions 1\n" in out.getvalue()
    out = StringIO()
    call_command("check_data", "--format", "json", stdout=out)
    checks = [json.loads(line)["check"] for line in out.getvalue().splitlines()]
    assert checks == ["old_record", "missing_sessions"]
    with pytest.raises(CommandError, match="Unknown market 'jp'"):
        call_command("check_data", "--market", "jp")


def test_suspected_corporate_actions_are_listed_until_they_are_explained(tmp_path: Path, data_dir: Path) -> None:
    days = {
        "2026-08-19": "100,110,90,100,1000",
        "2026-08-20": "20,21,19,20,1000",
        "2026-08-21": "21,22,20,21,1000",
    }
    import_file(write_tidy(tmp_path / "a.csv", [f"{day},000010,{bar}" for day, bar in days.items()]))
    project.project_bars("kr")
    assert findings()["suspected_actions"].cases == (
        {"code": "000010", "session": "2026-08-20", "close before": 100.0, "close": 20.0},
    )
    events = tmp_path / "events.csv"
    events.write_text("date,code,ratio\n2026-08-20,000010,0.2\n", encoding="utf-8")
    import_file(events)
    project.project_bars("kr")
    assert "suspected_actions" not in findings()


def test_a_second_market_has_the_closures_of_the_first_unless_it_says_otherwise() -> None:
    closed = np.datetime64("2026-06-03")
    assert closed not in get_sessions("kr")
    assert closed not in get_sessions("kr-adj")
    CalendarOverride.objects.create(market="kr-adj", date=date(2026, 6, 3), is_open=True)
    assert closed in get_sessions("kr-adj")
    assert closed not in get_sessions("kr")


def test_gaps_repeats_and_outliers_of_single_instruments(tmp_path: Path) -> None:
    days = ["2026-08-18", "2026-08-19", "2026-08-20", "2026-08-21"]
    rows = [f"{day},000010,100,110,90,{100 + n},{1000 + n}" for n, day in enumerate(days)]
    rows += [f"{days[0]},000020,{BAR}", f"{days[3]},000020,100,110,90,101,7"]
    rows += [f"{day},000030,100,110,90,100,23456" for day in days[1:3]]
    rows += [f"{days[2]},000040,100,200,90,100,5"]
    import_file(write_tidy(tmp_path / "a.csv", rows))
    seen = findings()
    assert seen["instrument_gaps"].cases == ({"code": "000020", "from": days[0], "to": days[3], "sessions": 2},)
    assert seen["repeated_bars"].cases == ({"code": "000030", "session": days[2], "source": "file"},)
    assert [case["code"] for case in seen["outliers"].cases] == ["000040"]
    assert "source_quality" not in seen


def test_sources_far_apart_and_sources_that_fell_behind(tmp_path: Path) -> None:
    days = [f"2026-08-{day}" for day in (10, 11, 12, 13, 14, 18, 19, 20, 21)]
    rows = [f"{day},000010,100,110,90,{95 + n},1000" for n, day in enumerate(days)]
    import_file(write_tidy(tmp_path / "a.csv", rows), source="one")
    other = ["2026-08-10,000010,100,116,90,95,1000", "2026-08-11,000010,100.05,110,90,96,1000"]
    import_file(write_tidy(tmp_path / "b.csv", other), source="two")
    seen = findings()
    assert [case["session"] for case in seen["anomalies"].cases] == ["2026-08-10"]
    assert seen["disagreements"].count == 1  # 0.05 % is no disagreement
    import_file(write_tidy(tmp_path / "c.csv", ["2026-08-19,000010,100,110,90,101,1000"]), source="two")
    poor = findings()["source_quality"]
    # Of the last seven sessions it brought one bar on the fifth, and none on the two after.
    assert poor.cases == ({"source": "two", "quality": round(0.6 / 3 + 0.4 * 5 / 7, 3)},)
    with pytest.raises(CommandError, match="checks of market kr with findings"):
        call_command("check_data", "--strict", stdout=StringIO())


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        ("0,110,90,105,1000", "open, high or low is 0 beside a volume"),
        ("100,0,90,105,1000", "open, high or low is 0 beside a volume"),
        ("0,0,0,105,1000", "open, high or low is 0 beside a volume"),
        ("85,110,90,105,1000", "low above open or close"),
        ("120,110,90,105,1000", "high below open or close"),
        ("100,110,90,105,0", "a range without a volume"),
        ("100,110,90,105,1000,145000", "amount and volume imply a price outside the range"),
        ("100,110,90,105,1000,100", "amount and volume imply a price outside the range"),
    ],
)
def test_bars_that_contradict_themselves(tmp_path: Path, bar: str, reason: str) -> None:
    columns = f"{COLUMNS},amount"
    sound = [
        "0,0,0,105,0,0",
        "105,105,105,105,0,",
        "100,110,90,105,1000,142000",
        "105,105,105,105,9,945",
    ]
    rows = [f"2026-08-{18 + n},000010,{one}" for n, one in enumerate(sound)]
    import_file(write_tidy(tmp_path / "a.csv", rows, columns=columns))
    assert "contradictory_bars" not in findings()
    other = [f"2026-08-20,{code},{bar}" for code in ("000020", "000030")]
    width = COLUMNS if bar.count(",") == 4 else columns
    import_file(write_tidy(tmp_path / "b.csv", other, columns=width))
    seen = findings()["contradictory_bars"]
    assert [(case["code"], case["reason"]) for case in seen.cases] == [
        ("000020", reason),
        ("000030", reason),
    ]
    assert seen.action == "manage.py collect_prices --refetch 000020,000030 --since 2026-08-20"
    out = StringIO()
    call_command("check_data", stdout=out)
    assert f"  -> {seen.action}\n" in out.getvalue()


def test_progress_names_each_check_and_ends(tmp_path: Path) -> None:
    import_file(write_tidy(tmp_path / "a.csv", [f"2026-08-21,000010,{BAR}"]))
    shown: list[tuple[str, float]] = []
    list(report.get_findings("kr", progress=lambda name, share: shown.append((name, share))))
    assert shown[0] == ("missing sessions", 0.0)
    assert shown[-1] == ("", 1.0)
    assert [share for _, share in shown] == sorted(share for _, share in shown)
