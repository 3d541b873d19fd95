"""An external index series from a file into the record, and chosen for a market."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from tests import realdata

AT = datetime(2024, 6, 1, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def output_of(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_index", *arguments, stdout=out)
    return out.getvalue()


def bars() -> pd.DataFrame:
    """Two series of three sessions each."""
    days = ["2024-03-04", "2024-03-05", "2024-03-06"]
    rows = [
        (day, code, level, level + 5.0, level - 5.0, level + 1.0)
        for code, start in (("KS11", 2600.0), ("KQ11", 850.0))
        for day, level in zip(days, start + np.arange(3) * 10, strict=True)
    ]
    return pd.DataFrame(rows, columns=["date", "code", "open", "high", "low", "close"])


@pytest.fixture
def written(data_dir: Path, tmp_path: Path) -> Any:
    def written(rows: pd.DataFrame, name: str = "index.csv") -> Path:
        rows.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return written


def recorded(name: str = "KS11") -> dict[date, float]:
    from marketdata.models import IndexBar

    return dict(IndexBar.objects.filter(market="kr", name=name).values_list("date", "close"))


def test_one_series_of_a_file_is_recorded_and_a_repeat_changes_nothing(written: Any) -> None:
    from marketdata.operations.imports.index_series import import_index

    file = written(bars())
    made = import_index(file=file, market="kr", name="KS11", as_of=AT)
    assert (made.counts.new, made.missing, made.rejected) == (3, 0, {})
    assert recorded() == {
        date(2024, 3, 4): 2601.0,
        date(2024, 3, 5): 2611.0,
        date(2024, 3, 6): 2621.0,
    }
    assert recorded("KQ11") == {}
    again = import_index(file=file, market="kr", name="KS11", as_of=AT)
    assert (again.counts.new, again.counts.corrected, again.counts.unchanged) == (0, 0, 3)


def test_a_correction_replaces_and_keeps_when_it_was_first_recorded(written: Any) -> None:
    from marketdata.models import IndexBar
    from marketdata.operations.imports.index_series import import_index

    import_index(file=written(bars()), market="kr", name="KS11", as_of=AT)
    better = bars()
    better.loc[1, "close"] = 2612.5
    later = AT + timedelta(days=1)
    made = import_index(file=written(better), market="kr", name="KS11", as_of=later)
    assert (made.counts.new, made.counts.corrected, made.counts.unchanged) == (0, 1, 2)
    bar = IndexBar.objects.get(name="KS11", date=date(2024, 3, 5))
    assert (bar.close, bar.created_at, bar.updated_at) == (2612.5, AT, later)


def test_rows_that_cannot_be_right_are_kept_out_and_counted(written: Any) -> None:
    from marketdata.operations.imports.index_series import import_index

    rows = pd.concat([bars()[:3]] * 3, ignore_index=True)
    rows["date"] = [
        "2024-03-04",
        "2024-03-05",
        "2024-03-08",
        "2024-03-09",  # a Saturday
        "2031-01-06",
        "soon",
        "2024-03-05",  # again
        "2024-03-11",
        "2024-03-12",
    ]
    rows = rows.astype({"high": object})
    rows.loc[7, "high"], rows.loc[8, "high"] = 1.0, "much"
    made = import_index(file=written(rows), market="kr", name="KS11", as_of=AT)
    assert made.rejected == {
        "not a session": 1,
        "date in the future": 1,
        "no date": 1,
        "duplicate key in the file": 1,
        "high below low": 1,
        "not a number": 1,
    }
    assert made.reject_file is not None
    kept_out = pd.read_csv(made.reject_file)
    assert sorted(kept_out["row"]) == [4, 5, 6, 7, 8, 9]
    assert sorted(recorded()) == [date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 8)]
    assert made.missing == 2


def test_it_is_chosen_on_request_and_by_the_admin_only_where_it_is_recorded(written: Any) -> None:
    from django.core.exceptions import ValidationError

    from marketdata.markets import OWN_INDEX
    from marketdata.models import IndexChoice
    from marketdata.queries import index_series

    text = output_of(str(written(bars())), "--name=KS11")
    assert "KS11 of market kr, 2024-03-04 to 2024-03-06: 3 new, 0 corrected" in text
    assert text.endswith("The regimes of market kr depend on own-equal.\n")
    assert output_of(str(written(bars())), "--name=KS11", "--choose").endswith("depend on KS11.\n")
    assert index_series.get_index_name("kr") == index_series.get_index_name("kr-adj") == "KS11"
    assert index_series.get_index_name("us") == OWN_INDEX
    IndexChoice(market="kr-adj", name="").save()
    assert index_series.get_index_name("kr-adj") == OWN_INDEX
    for market, name, sentence in (
        ("kr", "KS99", "Market kr has no index series 'KS99' \\(its own: own-equal, own-cap; recorded: KS11\\)"),
        ("mars", "KS11", "Unknown market 'mars'"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            IndexChoice(market=market, name=name).full_clean()


def test_a_wrong_file_is_one_sentence_and_nothing_is_recorded(written: Any, tmp_path: Path) -> None:
    good, odd = written(bars()), written(bars().drop(columns="low"), "odd.csv")
    off = written(bars().assign(date="2024-03-09"), "off.csv")
    for arguments, sentence in (
        ((str(good), "--name=KS99"), "has no series 'KS99': choose one of KQ11, KS11"),
        ((str(good), "--name=K S"), "is no name of a series"),
        ((str(good), "--name=KS11", "--market=mars"), "Unknown market 'mars'"),
        ((str(odd), "--name=KS11"), "and this one lacks low"),
        ((str(off), "--name=KS11"), "none of the 3 rows of KS11 can be right"),
        ((str(tmp_path / "none.csv"), "--name=KS11"), "There is no file"),
    ):
        with pytest.raises(CommandError, match=sentence):
            output_of(*arguments)
    assert not recorded()


def test_the_recorded_index_of_krx(data_dir: Path) -> None:
    """From 1995 on, without the Saturdays on which KRX traded until 1998, which the calendar does not know."""
    text = output_of(str(realdata.path("krx_index_1990_2026.parquet")), "--name=KS11")
    assert "1995-05-02 to 2026-03-20: 7,607 new" in text
    assert "rejected: 177 not a session" in text
