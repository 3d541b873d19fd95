"""Versions that read market caps: what they see, and what their answers depend on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.markets import OWN_CAP
from marketdata.operations.imports.index_series import choose_index
from marketdata.queries.records import get_lake
from scans.models import ScannerVersion
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.reference import bars as reference
from tests.reference import index as reference_index
from tests.scans.conftest import AS_OF, frame

Importer = Callable[..., Any]


def with_caps(sessions: list[date]) -> pd.DataFrame:
    """The market of `conftest.frame` in which each instrument has a cap on some sessions only, the last one on none."""
    rows = frame(sessions)
    codes = sorted(rows["code"].unique())
    number = rows["code"].map({code: n for n, code in enumerate(codes)})
    place = rows["date"].map({day: n for n, day in enumerate(sessions)})
    cap = rows["close"] * 1_000.0 * (number + 1)
    return rows.assign(market_cap=cap.where((place % (number + 4) == 3) & (number < len(codes) - 1)))


@pytest.fixture
def versions(db: None) -> None:
    """`caps` ranks by the growth of the cap over three sessions; `plain` reads no cap."""
    score = "market_cap / shift(market_cap, 3)"
    for slug, match, ranked in (("caps", "market_cap >= 1", score), ("plain", "close > sma(close, 3)", "rsi(5)")):
        params = {"match": match, "score": ranked, "min_bars": 5, "top_n": 100}
        ScannerVersion.objects.create(slug=slug, engine="formula", params=params)


def scanned(first: date, last: date, *slugs: str, **options: Any) -> list[Scan]:
    scans = run_scan(
        RunRequest(market="kr", as_of=AS_OF, versions=list(slugs), first=first, last=last, save=False, **options)
    )
    assert not [scan.error for scan in scans if scan.error]
    return scans


def digests(scan: Scan) -> list[str]:
    return [answer.input_digest for answer in scan.answers]


def scores(scan: Scan) -> list[dict[str, float]]:
    return [{row["code"]: row["score"] for row in answer.ranks} for answer in scan.answers]


def test_a_formula_sees_recorded_and_carried_caps(versions: None, bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    bring(rows)
    raw = rows.assign(amount=np.nan, base_price=np.nan, ratio=np.nan, eligible_kind=True)
    frames = reference.build(raw, sessions)
    caps = pd.DataFrame({code: reference_index.carried_caps(one) for code, one in frames.items()}, index=sessions)
    growth = caps / caps.shift(3)
    (scan,) = scanned(sessions[4], sessions[-1], "caps")
    for answer, wanted in zip(scores(scan), growth.iloc[4:].to_dict("records"), strict=True):
        defined = {code: value for code, value in wanted.items() if value == value}
        assert answer == pytest.approx(defined, rel=1e-8)
    assert len(scores(scan)[-1]) == 5
    assert scan.answers[-1].notes == "5 of 6 eligible have a market cap"
    shown = {row["code"]: row["components"]["market_cap"] for row in scan.answers[-1].ranks}
    assert shown == pytest.approx(caps.iloc[-1].dropna().to_dict(), rel=1e-8)
    for n, day in enumerate(sessions[4:]):
        (daily,) = scanned(day, day, "caps", cached=False)
        assert daily.answers[0] == scan.answers[n]


def test_nothing_after_a_session_changes_it(versions: None, bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    bring(rows[rows["date"] <= sessions[25]])
    (early,) = scanned(sessions[4], sessions[25], "caps")
    bring(rows)
    (late,) = scanned(sessions[4], sessions[25], "caps")
    assert early.answers == late.answers


def test_a_corrected_cap_changes_only_what_reads_it(versions: None, bring: Importer, sessions: list[date]) -> None:
    rows = with_caps(sessions)
    bring(rows)
    caps, plain = scanned(sessions[4], sessions[-1], "caps", "plain")
    choose_index(market="kr", name=OWN_CAP)
    (by_cap,) = scanned(sessions[4], sessions[-1], "plain")
    choose_index(market="kr", name="")
    at = rows.index[(rows["date"] == sessions[19]) & (rows["code"] == "000020")]
    assert rows.loc[at, "market_cap"].notna().all()
    rows.loc[at, "market_cap"] *= 2
    bring(rows, AS_OF + timedelta(days=1))
    caps_after, plain_after = scanned(sessions[4], sessions[-1], "caps", "plain")
    assert plain_after.answers == plain.answers
    assert digests(caps)[:15] == digests(caps_after)[:15]
    assert not set(digests(caps)[15:]) & set(digests(caps_after)[15:])
    assert scores(caps_after)[15]["000020"] == pytest.approx(2 * scores(caps)[15]["000020"])
    choose_index(market="kr", name=OWN_CAP)
    (by_cap_after,) = scanned(sessions[4], sessions[-1], "plain")
    assert [one == other for one, other in zip(digests(by_cap), digests(by_cap_after), strict=True)] == [
        day < sessions[19] for day in sessions[4:]
    ]


@pytest.mark.slow
def test_executors_and_the_cache_change_nothing(versions: None, bring: Importer, sessions: list[date]) -> None:
    bring(with_caps(sessions))
    whole = scanned(sessions[-3], sessions[-1], "caps", "plain", cached=False)
    for options in ({"executor": "process", "workers": 2, "cached": False}, {}, {}):
        other = scanned(sessions[-3], sessions[-1], "caps", "plain", **options)
        assert [one.answers for one in other] == [one.answers for one in whole]


def test_a_missing_or_damaged_file_of_caps_is_written_anew(
    versions: None, bring: Importer, sessions: list[date]
) -> None:
    bring(with_caps(sessions))
    (before,) = scanned(sessions[-1], sessions[-1], "caps", cached=False)
    lake = get_lake()
    path = lake.caps("kr", date(2024, 3, 1))
    file = Path(lake.root) / path
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    (after,) = scanned(sessions[25], sessions[-1], "caps", cached=False)
    assert after.answers[-1] == before.answers[0]
    file.unlink()
    (after,) = scanned(sessions[25], sessions[-1], "caps", cached=False)
    assert after.answers[-1] == before.answers[0]
