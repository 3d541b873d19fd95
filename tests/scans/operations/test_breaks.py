"""Breaks end to end: what is suspected leaves scans and index, a life begins anew, events are compared with the
bars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.errors import LakeError
from marketdata.lake import breaks_file
from marketdata.models import FactorEvent, Instrument, InstrumentStatus
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.projection import current_lake, index_table, project
from marketdata.operations.record import factor_events
from marketdata.queries import history
from marketdata.queries.breaks import get_breaks, get_history_digests
from marketdata.queries.index_series import get_own_index
from marketdata.queries.instruments import get_generations
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.records import get_lake, get_record
from marketdata.queries.window import open_window
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF

pytestmark = pytest.mark.django_db

PRICES = ["open", "high", "low", "close"]
Bring = Callable[[pd.DataFrame, str], None]


@pytest.fixture
def bring(data_dir: Path, tmp_path: Path) -> Bring:
    def bring(rows: pd.DataFrame, market: str) -> None:
        file = tmp_path / "prices.csv"
        rows.to_csv(file, index=False)
        (report,) = import_prices(files=[file], market=market, as_of=AS_OF).files
        assert not report.error

    return bring


def days(market: str) -> list[date]:
    """306 sessions up to the end of March 2024."""
    calendar = get_sessions(market)
    return list(calendar[calendar <= np.datetime64("2024-03-28")][-306:].tolist())


def code_of(market: str, n: int) -> str:
    name = f"T{chr(65 + n)}X"
    return f"{n:03d}010" if market.startswith("kr") else name if market == "us" else f"KRW-{name}"


def bars(market: str, instruments: int = 14) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    parts = []
    for n in range(instruments):
        code = code_of(market, n)
        on = days(market)
        close = np.round(20_000 * np.cumprod(1 + rng.normal(0.0003, 0.01, len(on))), 0)
        parts.append(
            pd.DataFrame(
                {
                    "date": on,
                    "code": code,
                    "open": close - 3,
                    "high": close + 40,
                    "low": close - 40,
                    "close": close,
                    "volume": rng.integers(500_000, 900_000, len(on)).astype(float),
                    "segment": {"kr": "KOSPI", "us": "US"}.get(market, "KRW"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def broken(market: str) -> list[tuple[str, str, str]]:
    return [(one.session, one.code, one.kind) for one in get_breaks(current_lake.current_record(market))]


def scanned(market: str, first: date, last: date) -> list[Any]:
    (scan,) = run_scan(RunRequest(market=market, as_of=AS_OF, versions=["v2"], first=first, last=last, save=False))
    return scan.answers


@pytest.mark.parametrize("market", ["us", "upbit", "bithumb"])
def test_a_raw_split_is_suspected_until_its_event_is_supplied(bring: Bring, market: str) -> None:
    rows, code = bars(market), code_of(market, 2)
    on = days(market)
    split = (rows.code == code) & (rows.date >= on[280])
    before = rows.copy()
    rows.loc[split, PRICES] /= 4
    rows.loc[split, "volume"] *= 4
    bring(rows, market)
    assert broken(market) == [(str(on[280]), code, "split")]
    record = current_lake.current_record(market)
    panel = open_window(record, record.sessions[-1:], 260).read({"close": 260, "volume": 0})
    assert [str(code) for code in panel.codes[panel.suspect[-1]]] == [code]
    unlike = get_history_digests(record, record.sessions[[279, 280]])
    factor_events.record_decision(market=market, code=code, day=on[280], ratio=0.25, source="test", at=AS_OF)
    assert broken(market) == []
    record = current_lake.current_record(market)
    alike = get_history_digests(record, record.sessions[[279, 280]])
    assert unlike[0] == alike[0]
    assert unlike[1] != alike[1]
    adjusted = open_window(record, record.sessions[-1:], 40).read({"close": 40})["close"][:, 2]
    np.testing.assert_allclose(adjusted, before[before.code == code].close.to_numpy()[-41:] / 4, rtol=1e-12)


def test_one_wrong_bar_leaves_the_index_with_its_instrument(bring: Bring) -> None:
    rows = bars("us")
    on = days("us")
    bring(rows, "us")
    sessions, m, spread = get_own_index(current_lake.current_record("us"))
    wrong = rows[(rows.code == "TBX") & (rows.date == on[290])].copy()
    wrong[PRICES] *= 100
    bring(wrong, "us")
    assert broken("us") == [
        (str(on[290]), "TBX", "scale"),
        (str(on[291]), "TBX", "scale"),
    ]
    _, with_error, range_with_error = get_own_index(current_lake.current_record("us"))
    np.testing.assert_array_equal(m[:290], with_error[:290])
    close = rows.pivot_table(index="date", columns="code", values="close").drop(columns="TBX")
    expected = (close / close.shift(1) - 1).mean(axis=1).to_numpy()
    np.testing.assert_allclose(with_error[290:], expected[290:], rtol=0, atol=1e-14)
    assert spread[290:].max() < 0.01 > range_with_error[290:].max()
    bring(rows[(rows.code == "TBX") & (rows.date == on[290])], "us")  # corrected
    assert broken("us") == []
    np.testing.assert_array_equal(get_own_index(current_lake.current_record("us"))[1], m)
    assert len(sessions) == len(m)


def reused(market: str) -> tuple[pd.DataFrame, str]:
    """One code: 40 bars of one company, nothing for 200 sessions, then 30 and more of another at a quarter."""
    rows, on = bars(market), days(market)
    code = sorted(rows.code.unique())[4]
    of_code = rows.code == code
    gone = of_code & (rows.date >= on[40]) & (rows.date < on[240])
    rows.loc[of_code & (rows.date >= on[240]), PRICES] *= 0.27
    return rows[~gone].reset_index(drop=True), code


@pytest.mark.parametrize("market", ["us", "kr"])
@pytest.mark.slow
def test_a_code_used_again_is_a_new_life(bring: Bring, market: str) -> None:
    rows, code = reused(market)
    on = days(market)
    bring(rows, market)
    assert broken(market) == [(str(on[240]), code, "life")]
    record = current_lake.current_record(market)
    for at, eligible in ((240 + 58, False), (240 + 59, True)):  # v2 wants 60 bars
        day = np.datetime64(on[at])
        panel = open_window(record, np.array([day]), 321).read({"close": 321, "volume": 0})
        column = int(np.searchsorted(panel.codes, code))
        assert panel.eligible(segments=record.market.segments, min_bars=60)[0, column] == eligible
        assert not panel.suspect[0, column]
        assert np.isnan(panel["close"][: panel.first[column], column]).all()
        assert panel.sessions[panel.first[column]] == np.datetime64(on[240])
    chart = history.get_history(history.read_instrument_table(market), code)
    assert chart is not None
    assert chart.days[0] == np.datetime64(on[240])
    # the index as if the two lives had been two instruments
    index = get_own_index(record)
    two = rows.copy()
    old = (two.code == code) & (two.date < on[240])
    two.loc[old, "code"] = "999990" if market == "kr" else "ZZX"
    bring(two, f"{market}-two")
    other = get_own_index(current_lake.current_record(f"{market}-two"))
    np.testing.assert_array_equal(index[1], other[1])
    np.testing.assert_array_equal(index[2], other[2])


@pytest.mark.slow
def test_a_backfill_over_both_lives_gives_what_single_sessions_give(bring: Bring) -> None:
    rows, code = reused("us")
    on = days("us")
    of_code = rows.code == code
    rows.loc[of_code & (rows.date < on[40]), "volume"] = 3e6
    bring(rows, "us")
    record = current_lake.current_record("us")
    window = open_window(record, record.between(on[30], on[-1]), 30)
    codes = list(window.read({"close": 30, "volume": 0}).codes)
    assert codes.count(code) == 2
    assert len(codes) == 15
    for threads in (1, 2):
        panel = window.read({"close": 30, "volume": 0}, threads=threads)
        lives = np.flatnonzero(panel.codes == code)
        eligible = panel.eligible(segments=("US",), min_bars=1)[:, lives]
        assert not (eligible[:, 0] & eligible[:, 1]).any()
        assert (eligible[:, 0].sum(), eligible[:, 1].sum()) == (10, len(on) - 240)
    whole = scanned("us", on[255], on[-1])
    for at in (256, 299, 300, len(on) - 1):
        single = scanned("us", on[at], on[at])[0]
        (same,) = (one for one in whole if one.date == str(on[at]))
        assert [row["code"] for row in single.ranks] == [row["code"] for row in same.ranks]
        assert single.universe == same.universe
        assert single.input_digest == same.input_digest


@pytest.mark.slow
@pytest.mark.parametrize(
    "explain",
    [
        lambda one, last, first: setattr(one, "listed_on", last),
        lambda one, last, first: InstrumentStatus.objects.create(
            instrument=one, source="s", valid_from=last, valid_to=last, halted=True
        ),
        lambda one, last, first: InstrumentStatus.objects.create(
            instrument=one,
            source="s",
            valid_from=date(2023, 6, 1),
            valid_to=date(2023, 6, 1),
            segment="US",
        ),
        lambda one, last, first: factor_events.record_decision(
            market="us", code=one.code, day=first, ratio=0.27, source="test", at=AS_OF
        ),
    ],
    ids=["listed before", "halted", "listed within", "event"],
)
def test_a_hole_that_something_explains_begins_no_life(bring: Bring, explain: Any) -> None:
    rows, code = reused("us")
    on = days("us")
    bring(rows, "us")
    one = Instrument.objects.get(market="us", code=code)
    explain(one, on[39], on[240])
    one.save()
    project.project_bars("us")
    assert [kind for _, _, kind in broken("us") if kind == "life"] == []
    Instrument.objects.filter(pk=one.pk).update(listed_on=on[240])
    project.project_bars("us")
    kinds = [kind for _, _, kind in broken("us")]
    assert kinds.count("life") == (0 if FactorEvent.objects.exists() else 1)


def test_holes_of_sixty_sessions_begin_no_life(bring: Bring) -> None:
    rows, on = bars("us"), days("us")
    for code, low, high in (("TAX", 50, 110), ("TBX", 50, 111)):
        rows = rows[~((rows.code == code) & (rows.date >= on[low]) & (rows.date < on[high]))]
    bring(rows, "us")
    assert broken("us") == [(str(on[111]), "TBX", "life")]


def test_an_inverted_event_is_refused_by_hand_and_suspected_from_a_file(bring: Bring, tmp_path: Path) -> None:
    rows, on = bars("kr"), days("kr")
    reduced = (rows.code == "003010") & (rows.date >= on[280])
    rows.loc[reduced, PRICES] *= 30
    bring(rows, "kr")
    before = float(rows[(rows.code == "003010") & (rows.date == on[279])].close.iloc[0])
    after = float(rows[(rows.code == "003010") & (rows.date == on[280])].close.iloc[0])
    supply: dict[str, Any] = {"market": "kr", "code": "003010", "day": on[280], "source": "test"}
    with pytest.raises(factor_events.EventRefused) as refused:
        factor_events.record_decision(**supply, ratio=1 / 30, at=AS_OF)
    left, without = after / (before / 30), after / before
    assert f"leaves a move of {left:.4g} times, {without:.4g} times without it" in str(refused.value)
    file = tmp_path / "events.csv"
    file.write_text(f"date,code,ratio\n{on[280]},003010,{1 / 30}\n", encoding="utf-8")
    import_prices(files=[file], market="kr", as_of=AS_OF)
    assert broken("kr") == [(str(on[280]), "003010", "event")]
    record = current_lake.current_record("kr")
    panel = open_window(record, record.sessions[-1:], 260).read({"close": 260, "volume": 0})
    assert panel.suspect[0].tolist() == [code == "003010" for code in panel.codes]
    factor_events.record_decision(**supply, ratio=30, at=AS_OF)
    assert broken("kr") == []
    record = current_lake.current_record("kr")
    assert not open_window(record, record.sessions[-1:], 260).read({"volume": 0}).suspect.any()


def test_a_damaged_file_of_breaks_is_made_anew(bring: Bring) -> None:
    rows, _ = reused("us")
    bring(rows, "us")
    broken_codes = broken("us")
    lake = get_lake()
    path = Path(lake.root) / lake.breaks("us")
    path.write_bytes(path.read_bytes().replace(b"life", b"live"))
    assert breaks_file.read(lake, "us") == breaks_file.NO_BREAKS
    on = days("us")
    assert scanned("us", on[-1], on[-1])
    assert broken("us") == broken_codes


@pytest.mark.slow
@pytest.mark.parametrize("killed_in", ["breaks_file.write", "index_table.refresh"])
def test_a_projection_that_is_killed_leaves_no_answer_of_former_histories(
    bring: Bring, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    """A share comes back after a hole that ends a life: killed once the months are written, and once the
    breaks are. What was computed before has another generation than what is read afterwards."""
    rows, code, on = bars("kr"), code_of("kr", 2), days("kr")
    back = (rows.code == code) & (rows.date >= on[280])
    bring(rows[~((rows.code == code) & (rows.date >= on[20]))], "kr")
    project.project_bars("kr")
    bring(rows[back], "kr")
    before = get_generations()["kr"]

    def kill(*_: Any) -> None:
        raise SystemExit

    room, name = killed_in.split(".")
    with monkeypatch.context() as patch:
        patch.setattr({"breaks_file": breaks_file, "index_table": index_table}[room], name, kill)
        with pytest.raises(SystemExit):
            project.project_bars("kr")
    left = get_generations()["kr"]
    assert left > before
    record = get_record("kr")
    assert not record.stale  # nothing asks for another projection
    if killed_in == "breaks_file.write":
        with pytest.raises(LakeError):  # so that no answer is computed, or kept
            get_breaks(record)
    lives = current_lake.read_with_repair(record, get_breaks)
    assert [(one.session, one.code, one.kind) for one in lives] == [(str(on[280]), code, "life")]
    after = get_generations()["kr"]
    assert after > left if killed_in == "breaks_file.write" else after == left


def test_a_projection_that_moves_no_beginning_keeps_the_generation(bring: Bring) -> None:
    rows, on = bars("kr"), days("kr")
    bring(rows[rows.date <= on[-2]], "kr")
    project.project_bars("kr")
    bring(rows[rows.date == on[-1]], "kr")
    before = get_generations()["kr"]
    project.project_bars("kr")
    assert get_generations()["kr"] == before
