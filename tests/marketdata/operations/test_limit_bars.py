"""Bars of KRX that its daily limit does not allow are suspected, whatever base price their source gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from marketdata.data_quality import report
from marketdata.operations.projection import project
from marketdata.queries.breaks import get_breaks
from marketdata.queries.records import get_record
from marketdata.queries.suspicions import get_suspected_moves
from marketdata.queries.window import open_window
from tests.marketdata.operations.tidy_files import import_file, write_tidy

pytestmark = pytest.mark.django_db

DAYS = [f"2026-08-{day}" for day in ("03", "04", "05", "06", "07", "10", "11", "12", "13", "14")]
CLOSES = [10_000, 10_100, 9_900, 10_050, 10_000, 10_200, 10_150, 10_000, 10_100, 10_050]
AT = 6
"""The session whose bar is changed: 2026-08-11, close 10,150 after 10,200."""
COLUMNS = "date,code,open,high,low,close,volume,base_price"
Bars = list[dict[str, float | None]]


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings, data_dir: Path) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def bars(*, based: bool = True) -> Bars:
    """A quiet instrument; the base price of each session is the close before."""
    return [
        {
            "open": close,
            "high": close + 100,
            "low": close - 100,
            "close": close,
            "volume": 5_000 + n,
            "base_price": (CLOSES[n - 1] if n else close) if based else None,
        }
        for n, close in enumerate(CLOSES)
    ]


def record(folder: Path, made: Bars, *, name: str = "a.csv", code: str = "000010") -> None:
    rows = [
        ",".join([day, code, *("" if value is None else f"{value:g}" for value in bar.values())])
        for day, bar in zip(DAYS, made, strict=True)
    ]
    report_ = import_file(write_tidy(folder / name, rows, columns=COLUMNS))
    assert (report_.error, report_.rejected) == ("", {})
    project.project_bars("kr")


def suspected() -> list[tuple[str, str]]:
    current = get_record("kr")
    kinds = [(one.session, one.kind) for one in get_breaks(current)]
    listed = [str(day) for day, *_ in get_suspected_moves(current)]
    assert {session for session, _ in kinds} <= set(listed)
    return kinds


def times(factor: float, *names: str, at: int = AT, based: bool = True) -> Bars:
    made = bars(based=based)
    for name in names:
        value = made[at][name]
        assert value is not None
        made[at][name] = value * factor
    return made


PRICES = ("open", "high", "low", "close")


@pytest.mark.parametrize("factor", [10, 100, 1000, 0.1, 0.01, 0.001, 1.4, 0.65])
def test_a_bar_off_against_its_base_price_is_suspected(tmp_path: Path, factor: float) -> None:
    record(tmp_path, times(factor, *PRICES))
    kinds = suspected()
    assert (DAYS[AT], "base") in kinds
    # the base price of the next session leaves a close that was wrong: seen where no action on KRX is like it
    next_session = {(day, kind) for day, kind in kinds if day != DAYS[AT]}
    assert next_session <= {(DAYS[AT + 1], "step")}


@pytest.mark.parametrize(
    ("factor", "names"),
    [
        (10, ["high"]), (100, ["high"]), (1000, ["high"]), (1.35, ["high"]),
        (0.1, ["low"]), (0.01, ["low"]), (0.68, ["low"]), (100, ["open", "high"]), (0.01, ["open", "low"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("based", [True, False])
def test_one_side_beyond_the_limit_is_suspected(tmp_path: Path, factor: float, names: list[str], based: bool) -> None:
    record(tmp_path, times(factor, *names, based=based))
    assert suspected() == [(DAYS[AT], "reach")]


def test_only_the_close_is_off(tmp_path: Path) -> None:
    record(tmp_path, times(100, "close", "high"))
    assert (DAYS[AT], "base") in suspected()


@pytest.mark.parametrize("factor", [10, 100, 1000, 0.1, 0.01, 0.001])
def test_a_wrong_bar_with_a_base_price_that_was_computed_from_it(tmp_path: Path, factor: float) -> None:
    """Close and change are given, and the base price is their difference: both are off."""
    record(tmp_path, times(factor, *PRICES, "base_price"))
    kinds = suspected()
    assert {kind for _, kind in kinds} == {"step"}
    assert {day for day, _ in kinds} & {DAYS[AT], DAYS[AT + 1]}


@pytest.mark.parametrize("factor", [100, 0.01])
def test_a_base_price_alone_that_is_off(tmp_path: Path, factor: float) -> None:
    record(tmp_path, times(factor, "base_price"))
    assert (DAYS[AT], "base") in suspected()


@pytest.mark.parametrize("factor", [10, 100, 0.01])
def test_a_bar_without_a_base_price_beside_others_with_one(tmp_path: Path, factor: float) -> None:
    made = times(factor, *PRICES)
    made[AT]["base_price"] = None
    record(tmp_path, made)
    listed = [str(day) for day, *_ in get_suspected_moves(get_record("kr"))]
    assert DAYS[AT] in listed


@pytest.mark.parametrize("factor", [1000, 0.001])
def test_volume_in_another_unit_is_no_error_of_a_price(tmp_path: Path, factor: float) -> None:
    record(tmp_path, times(factor, "volume"))
    assert suspected() == []


@pytest.mark.parametrize(("base", "close"), [(10_200, 13_250), (10_200, 7_150), (5_100, 6_630), (2_550, 3_310)])
def test_the_limit_itself_and_ex_rights_prices_are_real(tmp_path: Path, base: float, close: float) -> None:
    """Limit up and limit down of 10,200; bonus issues of one for one and three for one, on sessions that trade."""
    made = bars()
    for n in range(AT, len(made)):
        scale = close / 10_150
        made[n] = {
            name: value if name == "volume" or value is None else round(value * scale)
            for name, value in made[n].items()
        }
    made[AT] |= {"high": max(close, base), "low": min(close, base), "open": base, "close": close}
    made[AT]["base_price"] = base
    made[AT + 1]["base_price"] = close
    record(tmp_path, made)
    assert suspected() == []


def halted(made: Bars, at: int) -> None:
    last = made[at - 1]["close"]
    made[at] = dict.fromkeys(PRICES, 0) | {"close": last, "volume": 0, "base_price": last}


def test_consolidation_after_a_halt_is_real(tmp_path: Path) -> None:
    made = bars()
    halted(made, AT - 1)
    for n in range(AT, len(made)):
        made[n] = {name: value if name == "volume" or value is None else value * 10 for name, value in made[n].items()}
    record(tmp_path, made)
    assert suspected() == []


def test_liquidation_trading_has_no_limit_for_seven_sessions(tmp_path: Path) -> None:
    """After a halt at 10,050 the shares open at 400 and are to be delisted."""
    made = bars()
    halted(made, 2)
    closes = [0, 0, 0, 400, 250, 380, 200, 120, 60, 30]
    for n in range(3, len(made)):
        before = closes[n - 1] or made[2]["close"]
        made[n] = {"open": closes[n], "high": closes[n] + 5, "low": closes[n] - 5} | {
            "close": closes[n], "volume": 90_000 + n, "base_price": before,
        }  # fmt: skip
    record(tmp_path, made)
    assert suspected() == []
    made[6] |= {name: 100 * float(made[6][name] or 0) for name in PRICES}
    record(tmp_path, made, name="b.csv")
    assert (DAYS[6], "base") in suspected()


def test_an_instrument_is_not_eligible_and_named_until_a_person_decides(tmp_path: Path) -> None:
    record(tmp_path, times(100, *PRICES))
    (finding,) = [one for one in report.get_findings("kr") if one.check == "suspected_actions"]
    assert {
        "code": "000010",
        "session": DAYS[AT],
        "close before": 10_200.0,
        "close": 1_015_000.0,
        "reason": "1,015,000 is 99.51 times its base price 10,200, beyond the daily limit",
    } in finding.cases
    current = get_record("kr")
    window = open_window(current, current.sessions[-1:], len(current.sessions) - 1)
    assert window.read({"close": 0}).suspect.all()
    events = tmp_path / "events.csv"
    events.write_text(f"date,code,ratio\n{DAYS[AT]},000010,1\n{DAYS[AT + 1]},000010,1\n", encoding="utf-8")
    import_file(events)
    project.project_bars("kr")
    assert suspected() == []


def test_the_right_bar_ends_the_suspicion(tmp_path: Path) -> None:
    record(tmp_path, times(100, *PRICES))
    assert suspected()
    record(tmp_path, bars(), name="b.csv")
    assert suspected() == []


def test_what_is_suspected_does_not_depend_on_later_bars(tmp_path: Path) -> None:
    """A record that grows by a session a day says of each session what a record read at once says."""
    made = times(100, "high", at=4)
    made[7]["low"] = 90
    for until in range(3, len(DAYS) + 1):
        rows = [
            ",".join([day, "000010", *(f"{value:g}" for value in bar.values() if value is not None)])
            for day, bar in zip(DAYS[:until], made, strict=False)
        ]
        import_file(write_tidy(tmp_path / f"{until}.csv", rows, columns=COLUMNS))
        project.project_bars("kr")
        expected = [(DAYS[n], "reach") for n in (4, 7) if n < until]
        assert suspected() == expected
    assert np.array_equal([str(day) for day in get_record("kr").sessions], DAYS)
