"""Corrections and the score cache: only the instruments whose bars changed are computed, and what is kept afterwards
is, to the last bit, what computing all of them gives."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pytest_django import Settings

from scans.engines.registry import ENGINES
from scans.feature_cache import entries
from scans.models import ScannerVersion
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, CODES, Importer, frame
from tests.scans.engines.asking import LENIENT

pytestmark = pytest.mark.one_backend
SLUGS = [f"lenient-{engine}" for engine in LENIENT]


@pytest.fixture
def versions(market: pd.DataFrame) -> list[str]:
    for engine, params in LENIENT.items():
        ScannerVersion.objects.create(slug=f"lenient-{engine}", engine=engine, params=params)
    return SLUGS


def scanned(day: date, versions: list[str], **options: Any) -> list[Any]:
    request = RunRequest(market="kr", as_of=AS_OF, versions=versions, first=day, last=day, save=False, **options)
    scans = run_scan(request)
    assert not any(scan.error for scan in scans)
    return scans


def answers(scans: list[Any]) -> list[Any]:
    return [(answer.input_digest, answer.result_digest, answer.ranks) for scan in scans for answer in scan.answers]


def kept_in(folder: Path) -> dict[str, entries.Entry]:
    return {file.stem: entries.decode_entry(file.read_bytes(), file.stem) for file in folder.iterdir()}


def assert_same(one: entries.Entry, other: entries.Entry) -> None:
    assert (one.data, one.window) == (other.data, other.window)
    assert one.universe.codes.tolist() == other.universe.codes.tolist()
    np.testing.assert_array_equal(one.origins, other.origins)
    for fact in ("eligible", "amount", "close", "change_pct"):
        np.testing.assert_array_equal(getattr(one.universe, fact), getattr(other.universe, fact))
    ours, theirs = (np.array([*entry.universe.segments, ""])[entry.universe.segment] for entry in (one, other))
    np.testing.assert_array_equal(ours, theirs)
    assert one.features.keys() == other.features.keys()
    for name, array in one.features.items():
        np.testing.assert_array_equal(array, other.features[name], err_msg=name)


def test_one_corrected_bar_computes_one_instrument(
    bring: Importer, market: pd.DataFrame, sessions: list[date], versions: list[str]
) -> None:
    whole = scanned(sessions[-1], ["lenient-v2"])[0].bars
    row = market[(market["date"] == sessions[20]) & (market["code"] == "035720")].copy()
    row["volume"] += 1
    bring(row, AS_OF + timedelta(days=1))
    (scan,) = scanned(sessions[-1], ["lenient-v2"])
    assert (scan.executor, scan.bars, whole) == ("inline", len(sessions), len(sessions) * len(CODES))
    assert answers([scan]) == answers(scanned(sessions[-1], ["lenient-v2"], cached=False))
    assert scanned(sessions[-1], ["lenient-v2"])[0].executor == "cache"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_corrections_and_appended_sessions_leave_what_computing_anew_gives(
    bring: Importer,
    market: pd.DataFrame,
    sessions: list[date],
    versions: list[str],
    settings: Settings,
    tmp_path: Path,
    seed: int,
) -> None:
    chance = random.Random(seed)
    days: list[date] = pd.bdate_range("2024-05-02", periods=12).date.tolist()
    later = [day for day in days if day not in sessions and day not in (date(2024, 5, 6), date(2024, 5, 15))]
    bars = pd.concat([market, frame(later[:2], seed + 50)]) if later else market
    known, refreshed = list(sessions), 0
    for step in range(8):
        at = AS_OF + timedelta(hours=step + 1)
        what = chance.choice(["bar", "bar", "bars", "event", "listing", "session"])
        if what == "session" and later:
            day = later.pop(0)
            bring(frame([day], seed + step), at)
            known.append(day)
        elif what == "event":
            code, day = chance.choice(CODES), known[-chance.randrange(1, 15)]
            bring(pd.DataFrame({"date": [day], "code": [code], "ratio": [chance.choice([0.5, 0.2, 2.0])]}), at)
        elif what == "listing":
            rows = frame(known[-6:], seed + step)
            rows = rows[rows["code"] == CODES[0]].assign(code=f"9{step:05d}")
            bring(rows, at)
        else:
            codes = chance.sample(CODES, 1 if what == "bar" else 3)
            rows = bars[bars["code"].isin(codes) & (bars["date"] == known[-chance.randrange(1, 12)])].copy()
            rows["volume"] += chance.randrange(1, 500)
            rows["close"] = rows["close"] + chance.choice([-1, 0, 1])
            if len(rows):
                bring(rows, at)
        settings.SCORE_CACHE = str(tmp_path / "kept")
        scans = scanned(known[-1], versions)
        refreshed += 0 < scans[0].bars < len(known) * len(CODES) // 2
        settings.SCORE_CACHE = str(tmp_path / f"anew-{step}")
        assert answers(scans) == answers(scanned(known[-1], versions))
        kept, anew = kept_in(tmp_path / "kept"), kept_in(tmp_path / f"anew-{step}")
        assert len(anew) == len(LENIENT)
        for name, entry in anew.items():
            assert_same(kept[name], entry)
    assert refreshed


def test_a_bar_corrected_before_the_window_computes_all(
    bring: Importer, market: pd.DataFrame, sessions: list[date], versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ENGINES["seismograph"]), "warm_up", 25)
    monkeypatch.setattr(type(ENGINES["seismograph"]), "inputs", dict.fromkeys(ENGINES["seismograph"].inputs, 25))
    whole = scanned(sessions[-1], ["lenient-seismograph"])[0].bars
    row = market[(market["date"] == sessions[3]) & (market["code"] == "035720")].copy()
    row["volume"] += 1
    bring(row, AS_OF + timedelta(days=1))
    (scan,) = scanned(sessions[-1], ["lenient-seismograph"])
    assert scan.bars == whole
