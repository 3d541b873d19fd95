"""A version by beta, whose score reads sessions before the requested ones: the same alone, in a range and in pieces."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from scans.execution import shards
from scans.models import ScannerVersion
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF


def digests(first: date, last: date, **options: Any) -> list[str]:
    options = {"save": False, "cached": False, **options}
    (scan,) = run_scan(RunRequest("kr", AS_OF, versions=["steady"], first=first, last=last, **options))
    assert scan.error == ""
    assert any(answer.ranks for answer in scan.answers)
    return [answer.result_digest for answer in scan.answers]


def test_a_session_has_the_same_betas_alone_in_a_range_and_in_pieces(
    market: pd.DataFrame, sessions: list[date], monkeypatch: Any
) -> None:
    formula = {"match": "beta(8) < 5", "score": "0 - beta(8)", "min_bars": 2}
    ScannerVersion.objects.create(slug="steady", engine="formula", params=formula)
    whole = digests(sessions[20], sessions[-1])
    assert [digests(day, day)[0] for day in sessions[20:]] == whole
    assert [digests(day, day, cached=True)[0] for day in sessions[-2:] * 2] == whole[-2:] * 2
    monkeypatch.setattr(shards, "CELLS", 60)
    assert digests(sessions[20], sessions[-1]) == whole
    assert digests(sessions[20], sessions[-1], executor="thread", workers=2) == whole
