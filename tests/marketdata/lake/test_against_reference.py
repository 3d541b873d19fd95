"""Panels read from the lake against the naive reference, bar by bar."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import market_index
from marketdata.lake.carried_closes import read_carried_closes
from marketdata.panel import Panel
from marketdata.record import Days
from tests.marketdata.lake import lake_files
from tests.reference import bars as reference
from tests.reference import index as reference_index

EVERYTHING = ("open", "high", "low", "close", "volume", "amount", "raw_close")
NAMES = dict(zip(EVERYTHING, ("O", "H", "L", "C", "V", "A", "rawC"), strict=True))


def everything(sessions: int) -> dict[str, int]:
    return dict.fromkeys(EVERYTHING, sessions)


def compare(panel: Panel, frames: Mapping[str, pd.DataFrame], days: Days) -> None:
    """Every field of every instrument; adjusted values to rounding, since products are taken in another order."""
    assert list(panel.codes) == sorted(frames)
    eligible = panel.eligible(segments=("KOSPI",), min_bars=5)
    for column, code in enumerate(panel.codes):
        frame = frames[str(code)]
        begin = len(days) - len(frame)
        for name, theirs in NAMES.items():
            ours = panel[name][:, column]
            assert np.isnan(ours[:begin]).all(), (code, name)
            np.testing.assert_allclose(
                ours[begin:],
                np.asarray(frame[theirs], dtype=np.float64),
                rtol=1e-12,
                err_msg=f"{code} {name}",
            )
        for row, day in enumerate(panel.output_sessions):
            upto = frame[: str(day)]
            wanted = len(upto) and reference.is_eligible(upto, min_bars=5, segments=("KOSPI",))
            assert eligible[row, column] == bool(wanted), (code, day)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**9), sessions=st.integers(2, 90), instruments=st.integers(1, 14))
def test_a_panel_is_what_the_definitions_say(seed: int, sessions: int, instruments: int) -> None:
    days = lake_files.sessions(sessions)
    raw = lake_files.market(seed, days, instruments)
    if raw.empty or raw["close"].isna().all():
        return
    with tempfile.TemporaryDirectory() as folder:
        lake = lake_files.here(Path(folder))
        window = lake_files.window(lake, lake_files.store(lake, raw), days, 0)
        panel = window.read(everything(sessions))
        compare(panel, reference.build(raw, days), days)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    days = lake_files.sessions(330)
    raw = lake_files.market(7, days, 40)
    lake = lake_files.here(tmp_path_factory.mktemp("lake"))
    return days, raw, lake, lake_files.store(lake, raw)


@pytest.mark.slow
def test_suspected_actions_keep_out_for_252_sessions_and_no_longer(stored) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    panel = lake_files.window(lake, parts, days, 260).read(everything(330))
    frames = reference.build(raw, days)
    suspected = sum(int(frame["suspected"].sum()) for frame in frames.values())
    assert suspected > 5  # else this market shows nothing
    compare(panel, frames, days)


@pytest.mark.slow
def test_the_index_is_what_the_definitions_say(stored) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    window = lake_files.window(lake, parts, days, 0)
    values = market_index.compute_index(market_index.read_panel(window))
    frames = reference.build(raw, days)
    for series, (m, spread) in zip(("own-equal", "own-cap"), (values[:2], values[2:]), strict=True):
        expected = reference_index.market_index(frames, days, series=series)
        np.testing.assert_allclose(m, expected["m"].to_numpy(float), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(spread, expected["range"].to_numpy(float), rtol=1e-9, atol=1e-15)
    assert 20 < np.isfinite(values[2]).sum() < np.isfinite(values[0]).sum()  # else own-cap shows nothing


@pytest.mark.slow
def test_market_caps_are_carried_as_the_definitions_say(stored) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    panel = lake_files.window(lake, parts, days, 0).read({"market_cap": 0})
    frames = reference.build(raw, days)
    for column, code in enumerate(panel.codes):
        expected = np.full(len(days), np.nan)
        expected[len(days) - len(frames[code]) :] = reference_index.carried_caps(frames[code])
        np.testing.assert_allclose(panel["market_cap"][:, column], expected, rtol=1e-9, err_msg=str(code))


@pytest.mark.slow
def test_the_index_does_not_depend_on_how_much_was_read(stored) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    panel = market_index.read_panel(lake_files.window(lake, parts, days, 0))
    start = market_index.INDEX_LOOK_BACK
    low = 330 - start - 20
    for since in (low, low + start - 1, low + start - 30):
        caps = market_index.cap_state(panel, since - 1)
        window = lake_files.window(
            lake, parts, days[low:], start, carry=carried(raw, days, low), caps=caps, caps_row=since - low
        )
        part = market_index.compute_index(market_index.read_panel(window))
        np.testing.assert_array_equal(market_index.compute_index(panel)[:, low + start :], part)


def carried(raw, days: np.ndarray, low: int) -> dict[str, float]:  # type: ignore[no-untyped-def]
    frames = reference.build(raw[raw["date"] < days[low]], days[:low])
    return {code: float(frame["rawC"].iloc[-1]) for code, frame in frames.items()}


@pytest.mark.slow
def test_shards_and_short_fields_are_cut_from_the_whole(stored) -> None:  # type: ignore[no-untyped-def]
    days, _, lake, parts = stored
    window = lake_files.window(lake, parts, days, 300)
    whole = window.read(everything(330))
    for part in (slice(0, 1), slice(3, 17), slice(17, 40)):
        piece = window.read({"close": 300, "high": 7, "amount": 3, "raw_close": 0}, instruments=part, threads=2)
        assert list(piece.codes) == list(whole.codes[part])
        for name, rows in {"close": 330, "high": 37, "amount": 33, "raw_close": 30}.items():
            np.testing.assert_array_equal(piece[name][-rows:], whole[name][-rows:, part])
        np.testing.assert_array_equal(piece.suspect, whole.suspect[:, part])
        ours = np.array([*piece.segments, ""])[piece.segment]
        theirs = np.array([*whole.segments, ""])[whole.segment[:, part]]
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_chosen_instruments_are_read_as_among_all(stored) -> None:  # type: ignore[no-untyped-def]
    days, _, lake, parts = stored
    window = lake_files.window(lake, parts, days, 300)
    whole = window.read(everything(330))
    for at in ([0], [5, 6, 31], [1, 39], list(range(0, 40, 3))):
        codes = window.survey.codes[at]
        chosen = replace(window, survey=replace(window.survey, codes=codes)).read(everything(330), threads=2)
        assert chosen.codes.tolist() == whole.codes[at].tolist()
        for name, array in whole.fields.items():
            np.testing.assert_array_equal(chosen[name], array[:, at])
        for name in ("first", "flags", "suspect"):
            np.testing.assert_array_equal(getattr(chosen, name), getattr(whole, name)[..., at])
        ours, theirs = (np.array([*panel.segments, ""]) for panel in (chosen, whole))
        np.testing.assert_array_equal(ours[chosen.segment], theirs[whole.segment[:, at]])
        idle = set(window.survey.idle_at(days[200]))
        assert replace(window.survey, codes=codes).idle_at(days[200]) == [c for c in chosen.codes.tolist() if c in idle]


@pytest.mark.slow
def test_a_window_carries_in_what_its_idle_instruments_were_worth(stored) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    low = 60
    carry = carried(raw, days, low)
    panel = lake_files.window(lake, parts, days[low:], 0, carry=carry).read(everything(330))
    whole = lake_files.window(lake, parts, days, 0).read(everything(330))
    at = np.searchsorted(whole.codes, panel.codes)
    np.testing.assert_array_equal(panel["raw_close"], whole["raw_close"][low:, at])
    np.testing.assert_allclose(panel["close"], whole["close"][low:, at], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("low", [1, 20, 21, 63, 64, 200, 329])
def test_the_lake_alone_carries_in_the_same(stored, low: int) -> None:  # type: ignore[no-untyped-def]
    days, raw, lake, parts = stored
    window = lake_files.window(lake, parts, days[low : low + 9], 0)
    idle = window.survey.idle_at(days[low])
    before = tuple(part for part in parts if np.datetime64(part.month) <= days[low - 1])
    expected = {code: close for code, close in carried(raw, days, low).items() if code in idle}
    closes = read_carried_closes(lake, before, days[:low], idle, {})
    assert closes == pytest.approx(expected, rel=1e-12)
    # a life that began ten sessions before: nothing older belongs to it
    birth = max(low - 10, 0)
    young = carried(raw[raw["date"] >= days[birth]], days, low)
    expected = {code: close for code, close in young.items() if code in idle}
    closes = read_carried_closes(lake, before, days[:low], idle, dict.fromkeys(idle, str(days[birth])))
    assert closes == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_arrays_are_read_only(stored) -> None:  # type: ignore[no-untyped-def]
    days, _, lake, parts = stored
    panel = lake_files.window(lake, parts, days, 300).read(everything(330))
    with pytest.raises(ValueError, match="read-only"):
        panel["close"][0, 0] = 1.0
