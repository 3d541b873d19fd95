"""An import or a collection on another price basis than the recorded bars is reported in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pytest_django import Settings

from marketdata.operations.collect import CollectionOptions
from marketdata.operations.imports.prices import import_prices
from marketdata.queries.market_calendar import get_sessions
from tests.marketdata.operations.kis_setup import KisSetup, create_instruments, generated_instruments, sessions
from tests.marketdata.operations.tidy_files import AS_OF, LATER, write_tidy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

OLD = "these prices are adjusted otherwise than the recorded ones"


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def days() -> list[str]:
    """Thirty sessions of the US market."""
    calendar = get_sessions("us")
    return [str(day) for day in calendar[calendar <= calendar.dtype.type("2026-08-14")][-30:]]


def lines(names: Iterable[str], chosen: Iterable[int], factor: float = 1.0, volume: float = 1.0) -> list[str]:
    """Bars of a price that differs by instrument and session, all times `factor`."""
    rows = []
    for n, name in enumerate(names):
        for at in chosen:
            close = (50 + n % 40 + 0.25 * at) * factor
            prices = f"{close:.6f},{close * 1.01:.6f},{close * 0.99:.6f},{close:.6f}"
            rows.append(f"{days()[at]},{name},{prices},{(1_000 + 10 * at + n) * volume:.0f}")
    return rows


def names(count: int) -> list[str]:
    return [f"{chr(65 + n // 26)}{chr(65 + n % 26)}X" for n in range(count)]


def notices(path: Path, rows: Iterable[str], *, later: bool = True) -> list[str]:
    file = write_tidy(path / "prices.csv", rows)
    report = import_prices(files=[file], market="us", as_of=LATER if later else AS_OF)
    assert not report.failed
    return [notice for notice in report.notices if "adjusted" in notice]


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "text", "batch"), [(0.995, "0.995", 150_000), (1.005, "1.005", 150)])
def test_an_adjusted_tail_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, text: str, batch: int
) -> None:
    monkeypatch.setattr("marketdata.operations.imports.files.BATCH_ROWS", batch)
    assert notices(tmp_path, lines(names(60), range(30)), later=False) == []
    (sentence,) = notices(tmp_path, lines(names(60), range(20, 30), factor))
    assert sentence.startswith("The closes of 60 instruments differ from the recorded ones by a constant ratio")
    assert f"(AAX x {text} from {days()[20]} to {days()[29]}, " in sentence
    assert "and 57 more" in sentence
    assert OLD in sentence
    assert "--refetch" in sentence


def test_an_import_of_the_whole_history_leaves_no_seam(tmp_path: Path) -> None:
    notices(tmp_path, lines(names(5), range(10, 30)), later=False)
    assert notices(tmp_path, lines(names(5), range(30), 0.995)) == []


def test_a_ratio_that_ends_within_the_overlap_is_reported(tmp_path: Path) -> None:
    """The dividend lies in the overlap: bars before it differ, bars after it do not."""
    notices(tmp_path, lines(names(2), range(30)), later=False)
    rows = [*lines(names(2), range(20, 25), 0.99), *lines(names(2), range(25, 30))]
    (sentence,) = notices(tmp_path, rows)
    assert f"AAX x 0.99 from {days()[20]} to {days()[24]}" in sentence


@pytest.mark.parametrize(
    "rows",
    [
        lambda: lines(names(3), [25], 0.995),
        lambda: lines(names(3), [24, 25], 0.995),
        lambda: [*lines(names(1), [24], 0.99), *lines(names(1), [25], 1.02), *lines(names(1), [26], 0.97)],
        lambda: lines(names(3), range(20, 30), 1.001),
        lambda: lines(names(3), range(20, 30)),
        lambda: lines(names(3), range(20, 30), 0.5, 2.0),
        lambda: lines(names(3), range(20, 30), 0.8, 1.25),
    ],
    ids=["one bar", "two bars", "three corrections", "rounding", "equal", "a split of 2", "a split of 5:4"],
)
def test_other_differences_are_no_seam(tmp_path: Path, rows: object) -> None:
    notices(tmp_path, lines(names(3), range(30)), later=False)
    assert callable(rows)
    assert notices(tmp_path, rows()) == []


def test_a_refetch_of_the_last_sessions_reports_it_too() -> None:
    with KisSetup(generated_instruments(2)) as kis:
        create_instruments(*kis.market)
        kis.collect(sessions()[-2], CollectionOptions(since=sessions()[-40]))
        for instrument in kis.market.values():
            instrument.bars[:] = [
                bar._replace(
                    **{name: round(getattr(bar, name) * 1.01) for name in ("open", "high", "low", "close", "base")}
                )
                for bar in instrument.bars
            ]
        options = CollectionOptions(codes=tuple(kis.market), since=sessions()[-10], refetch=True)
        report = kis.collect(sessions()[-1], options)
        assert any("The closes of 2 instruments differ" in notice for notice in report.notices)
        whole = CollectionOptions(codes=tuple(kis.market), since=sessions()[-40], refetch=True)
        assert kis.collect(sessions()[-1], whole).notices == ()
