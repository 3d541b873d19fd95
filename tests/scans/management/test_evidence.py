"""manage.py evidence: a page whose figures are those of evaluate_scans, with and without costs."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from scans.management import evidence_periods
from tests.scans.probe import Probe


def call(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def period(sessions: list[date]) -> str:
    return f"--period=kr:{sessions[5]}:{sessions[12]}"


def test_page_has_the_figures_of_an_evaluation(
    market: pd.DataFrame,
    probe: Probe,
    sessions: list[date],
    period: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(evidence_periods, "HORIZONS", (1, 5))
    call("evidence", "--versions=rises", period, f"--write={tmp_path / 'evidence.md'}")
    page = (tmp_path / "evidence.md").read_text(encoding="utf-8")
    order = ["evaluate_scans", "--versions=rises", f"--from={sessions[5]}", f"--to={sessions[12]}", "--source=fly"]
    lines = [json.loads(line) for line in call(*order, "--horizons=1,5", "--format=json").splitlines()]
    for line in lines:
        (row,) = [
            row for row in page.splitlines() if row.startswith(f"| rises | {line['horizon']} | {line['picks']} |")
        ]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        names = ("hit_rate_pct", "universe_hit_rate_pct", "gross_mean_pct", "costs_pct", "mean_pct")
        assert [float(cell) for cell in cells[9:14]] == pytest.approx([line[name] for name in names], abs=0.006)
    assert page.startswith("# Which version is better: the evidence\n\n**After costs no shipped version is ahead")
    assert "computed afterwards" in page


def test_page_counts_the_picks_of_all_periods(
    market: pd.DataFrame, probe: Probe, sessions: list[date], period: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_periods, "HORIZONS", (1,))
    page = call("evidence", "--versions=rises", period, f"--period=kr:{sessions[13]}:{sessions[20]}")
    tables = [part.split("\n\n")[1] for part in page.split("### Returns")[1:]]
    picks = [int(table.splitlines()[2].split("|")[3]) for table in tables]
    assert len(picks) == 2
    assert f"{sum(picks)} of {sum(picks)} picks were computed afterwards" in page


def test_wrong_period_is_refused(market: pd.DataFrame) -> None:
    with pytest.raises(CommandError, match="is not a period; write it as kr:2024-07-01:2026-08-21"):
        call("evidence", "--period=kr:yesterday")
