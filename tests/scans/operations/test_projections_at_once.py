"""Processes that project the same month at once: the file of the later generation stays, and none writes in vain."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.models import LakePartition
from marketdata.operations.projection import partitions, project
from marketdata.operations.projection.project import ProjectionReport
from marketdata.queries.records import get_record
from marketdata.queries.window import open_window
from tests.scans.conftest import AS_OF, Importer


def last_closes() -> list[float]:
    record = get_record("kr")
    assert record.stale == ()
    panel = open_window(record, record.sessions[-1:], 1).read({"close": 1})
    closes: list[float] = panel["close"][-1].tolist()
    return closes


def test_a_slow_writer_does_not_replace_a_later_file(
    market: pd.DataFrame, sessions: list[date], bring: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction comes, and is projected, while another projection has read the rows before it."""
    read_rows = partitions.partition_rows
    begun: list[date] = []
    within: list[ProjectionReport] = []
    last_month = sessions[-1].replace(day=1)
    corrected = market[market.date == sessions[-1]].copy()
    corrected[["open", "high", "low", "close"]] += 2

    def read_slowly(name: str, month: date, statuses: Any) -> Any:
        rows = read_rows(name, month, statuses)
        if not begun and month == last_month:
            begun.append(month)
            bring(corrected, AS_OF + timedelta(minutes=1))
            within.append(project.project_bars("kr"))
        return rows

    monkeypatch.setattr(partitions, "partition_rows", read_slowly)
    done = project.project_bars("kr")
    assert within[0].rows == (market.date >= last_month).sum()
    assert done.rows == (market.date < last_month).sum()
    np.testing.assert_array_equal(last_closes(), corrected.sort_values("code").close)


def test_a_month_that_another_writes_meanwhile_is_not_marked_again(
    market: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stale as one looked has been written as it marks the months with other sessions."""
    look, looks = get_record, []

    def look_slowly(name: str) -> Any:
        record = look(name)
        looks.append(record.stale)
        if len(looks) == 1:
            project.project_bars("kr")
        return record

    monkeypatch.setattr("marketdata.operations.projection.project.get_record", look_slowly)
    project.project_bars("kr")
    assert looks[0]
    assert set(LakePartition.objects.values_list("wanted", "written")) == {(1, 1)}
    np.testing.assert_array_equal(last_closes(), market[market.date == market.date.max()].sort_values("code").close)
