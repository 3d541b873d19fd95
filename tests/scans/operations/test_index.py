"""Scans whose regimes stand on an external index series."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.data_quality import report
from marketdata.markets import OWN_INDEX
from marketdata.models import IndexChoice
from marketdata.operations.imports.index_series import choose_index, import_index
from scans.models import ScanRun
from scans.operations.scan import reproduce
from scans.operations.scan.answers import SessionAnswer
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF

Bring = Callable[[pd.DataFrame], None]


def levels(sessions: list[date]) -> pd.DataFrame:
    """An index that moves so much that every regime of a day occurs."""
    moves = np.random.default_rng(7).normal(0, 0.02, len(sessions))
    close = 2600 * np.cumprod(1 + moves)
    return pd.DataFrame({"date": sessions, "high": close + 9, "low": close - 9, "close": close})


def corrected(sessions: list[date]) -> pd.DataFrame:
    """The same with another close on session 20."""
    rows = levels(sessions)
    return rows.assign(close=rows["close"] + (rows.index == 20))


@pytest.fixture
def index(market: pd.DataFrame, tmp_path: Path) -> Bring:
    """Records a frame as the series KS11, a day after the bars."""

    def index(rows: pd.DataFrame) -> None:
        rows.to_csv(tmp_path / "index.csv", index=False)
        later = AS_OF + timedelta(days=1)
        import_index(file=tmp_path / "index.csv", market="kr", name="KS11", as_of=later)

    return index


def scanned(sessions: list[date], **options: object) -> list[SessionAnswer]:
    request = RunRequest(
        market="kr",
        as_of=AS_OF,
        versions=["v1"],
        first=sessions[0],
        last=sessions[-1],
        **options,  # type: ignore[arg-type]
    )
    (scan,) = run_scan(request)
    assert not scan.error
    return scan.answers


def regimes(close: list[float]) -> list[str]:
    """What the returns from close to close say by the table of regime_daily; NaN says neutral."""
    rows = ["neutral"]
    for before, now in itertools.pairwise(close):
        m = now / before - 1
        rows.append("crash" if m < -0.025 else "bear" if m < -0.01 else "bull" if m > 0.01 else "neutral")
    return rows


def test_the_regime_of_a_session_is_the_chosen_indexs(index: Bring, sessions: list[date]) -> None:
    own = scanned(sessions, save=False)
    rows = levels(sessions)
    index(rows)
    assert [one.regime for one in scanned(sessions, save=False)] == [one.regime for one in own]
    choose_index(market="kr", name="KS11")
    answers = scanned(sessions, save=False)
    assert [one.regime for one in answers] == regimes(rows["close"].tolist())
    assert {one.regime for one in answers} == {"bull", "neutral", "bear", "crash"}
    assert not {one.input_digest for one in answers} & {one.input_digest for one in own}
    choose_index(market="kr", name=OWN_INDEX)
    assert scanned(sessions, save=False) == own


def test_session_missing_in_the_index_has_no_regime_nor_the_next_a_return(index: Bring, sessions: list[date]) -> None:
    rows = levels(sessions)
    index(rows.drop(index=[10, 11]))
    choose_index(market="kr", name="KS11")
    rows.loc[[10, 11], "close"] = np.nan
    answers = [one.regime for one in scanned(sessions, save=False)]
    assert answers == regimes(rows["close"].tolist())
    assert answers[10:13] == ["neutral"] * 3
    (gaps,) = (one for one in report.get_findings("kr") if one.check == "index_gaps")
    assert [case["session"] for case in gaps.cases] == [str(sessions[10]), str(sessions[11])]


def test_an_answer_depends_on_the_index_up_to_its_session_alone(index: Bring, sessions: list[date]) -> None:
    index(levels(sessions[:30]))
    choose_index(market="kr", name="KS11")
    before = scanned(sessions[:30], save=False)
    index(levels(sessions))
    assert scanned(sessions[:30], save=False) == before
    index(corrected(sessions))
    after = scanned(sessions[:30], save=False)
    same = [one.input_digest == two.input_digest for one, two in zip(before, after, strict=True)]
    assert same == [True] * 20 + [False] * 10


def test_a_scan_beyond_the_end_of_the_index_is_refused(index: Bring, sessions: list[date]) -> None:
    index(levels(sessions[:30]))
    choose_index(market="kr", name="KS11")
    sentence = f"The index KS11, chosen for market kr, ends on {sessions[29]}, before {sessions[-1]}"
    for command in (
        ("run_scan", "--version=v1"),
        ("run_scan", "--version=v1", "--explain=005930"),
        ("evaluate_scans", "--versions=v1", "--source=fly", "--horizons=1"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command(*command)
    run = ScanRun.objects.get()  # of the command that would publish
    assert (run.status, run.sessions, sentence in run.reason) == ("failed", 0, True)
    run.delete()
    IndexChoice.objects.update(name="KS99")
    with pytest.raises(CommandError, match="Market kr has no index series 'KS99'"):
        call_command("run_scan", "--version=v1")


def test_a_run_is_done_again_on_its_own_index_and_a_correction_is_named(index: Bring, sessions: list[date]) -> None:
    index(levels(sessions))
    choose_index(market="kr", name="KS11")
    out = io.StringIO()
    call_command("run_scan", "--version=v1", f"--date={sessions[-1]}", stdout=out)
    assert f"regime {regimes(levels(sessions)['close'].tolist())[-1]} by KS11" in out.getvalue()
    made = ScanRun.objects.get()
    assert made.index == "KS11"
    ScanRun.objects.update(started_at=AS_OF)
    choose_index(market="kr", name=OWN_INDEX)
    assert reproduce.reproduce_run(made.pk, as_of=AS_OF).identical
    index(corrected(sessions))
    answers = reproduce.reproduce_run(made.pk, as_of=AS_OF)
    assert answers.data == [sessions[-1]]
    text = reproduce.sentence(answers, most=None)
    assert f"KS11 {sessions[20]}  index bar" in text
