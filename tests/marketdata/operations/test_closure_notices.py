"""An import and a collection name the days on which the market did not trade, by the rule of the scans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from marketdata.models import CalendarOverride
from marketdata.operations.collect import CollectionOptions
from marketdata.operations.projection import current_lake, project
from tests.marketdata.operations.kis_setup import KisSetup, create_instruments, generated_instruments, sessions
from tests.marketdata.operations.tidy_files import write_tidy

pytestmark = pytest.mark.django_db

DAYS = ["2026-06-29", "2026-06-30", "2026-07-01", "2026-07-02", "2026-07-03"]
CODES = [f"000{n}0" for n in range(10, 22)]
Row = Callable[[int, int], str]


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings, data_dir: Path) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def usual(day: int, code: int) -> str:
    close = 5_000 + 40 * code + 7 * day
    return f"{close},{close + 20},{close - 20},{close},{900 + 31 * day + code}"


def silent(day: int, code: int) -> str:
    close = 5_000 + 40 * code + 7 * (day - 1)
    return f"{close},{close},{close},{close},0"


def copied(day: int, code: int) -> str:
    return usual(day - 1, code)


def lines(at: int, odd: Row, days: list[int]) -> list[str]:
    return [
        f"{DAYS[day]},{code},{(odd if day == at else usual)(day, n)}" for day in days for n, code in enumerate(CODES)
    ]


def warnings_of_import(path: Path) -> list[str]:
    out = StringIO()
    call_command("import_prices", str(path), stdout=out)
    return [line for line in out.getvalue().splitlines() if line.startswith("WARNING")]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (silent, "none of 12 instruments traded"),
        (copied, "12 of 12 bars repeat the session before"),
    ],
)
@pytest.mark.parametrize("at", [1, 2, 4])  # within a month, the first session of the next, the last
def test_an_import_names_a_closed_day_and_the_scans_leave_out_the_same(
    tmp_path: Path, odd: Row, why: str, at: int
) -> None:
    (line,) = warnings_of_import(write_tidy(tmp_path / "a.csv", lines(at, odd, [0, 1, 2, 3, 4])))
    assert line.startswith(f"WARNING: {DAYS[at]}: {why}; closed?")
    assert list(current_lake.current_record("kr").closed_days()) == [DAYS[at]]


def test_only_days_of_the_import_are_named(tmp_path: Path) -> None:
    assert len(warnings_of_import(write_tidy(tmp_path / "a.csv", lines(3, silent, [0, 1, 2, 3])))) == 1
    assert warnings_of_import(write_tidy(tmp_path / "b.csv", lines(-1, usual, [4]))) == []


def test_a_day_that_is_imported_alone_is_compared_with_the_session_before(tmp_path: Path) -> None:
    assert warnings_of_import(write_tidy(tmp_path / "a.csv", lines(-1, usual, [0, 1]))) == []
    project.project_bars("kr")
    (line,) = warnings_of_import(write_tidy(tmp_path / "b.csv", lines(2, copied, [2])))
    assert line.startswith(f"WARNING: {DAYS[2]}: ")


def test_a_day_that_an_operator_calls_open_is_not_named(tmp_path: Path) -> None:
    CalendarOverride.objects.create(market="kr", date=date.fromisoformat(DAYS[2]), is_open=True)
    assert warnings_of_import(write_tidy(tmp_path / "a.csv", lines(2, silent, [0, 1, 2, 3]))) == []


def test_a_collection_names_it_too() -> None:
    market = generated_instruments(12)
    day, before = sessions()[-3], sessions()[-4]
    for one in market.values():
        last = next(bar for bar in one.bars if bar.session == before)
        one.bars[:] = [last._replace(session=day) if bar.session == day else bar for bar in one.bars]
    with KisSetup(market) as kis:
        create_instruments(*market)
        report = kis.collect(sessions()[-1], CollectionOptions(since=sessions()[-10]))
    assert [notice.partition(";")[0] for notice in report.notices] == [
        f"{day}: 12 of 12 bars repeat the session before"
    ]
