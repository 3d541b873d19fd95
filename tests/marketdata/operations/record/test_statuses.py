"""Membership: runs of days, whatever the order in which the days came in.

The naive version is a dictionary from day to what was said on it: every import writes to it, the end compresses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.models import InstrumentStatus, LakePartition, StockPrice
from marketdata.operations.record import bars
from marketdata.operations.record.status_intervals import StatusInterval, difference, intervals, merge
from marketdata.sources.batches import BarBatch, RowStatus
from tests.marketdata.operations.tidy_files import AS_OF, COLUMNS, import_file, write_tidy

A = RowStatus("KOSPI", "", "common", False, False)
B = RowStatus("KOSDAQ", "벤처기업부", "common", False, True)
PARTIAL = RowStatus("KOSDAQ", None, "common", None, None)
SILENT = RowStatus(None, None, None, None, None)
START = date(2026, 7, 1)

Statements = Mapping[int, RowStatus]
"""Day of July 2026, from 0, -> what was said."""

IMPORTS = st.lists(
    st.dictionaries(st.integers(0, 12), st.sampled_from([A, B, PARTIAL]), min_size=1, max_size=8),
    min_size=1,
    max_size=5,
)


def day(number: int) -> date:
    return START + timedelta(days=number)


def naive(imports: Sequence[Statements]) -> list[StatusInterval]:
    status_by_day: dict[int, RowStatus] = {}
    for statements in imports:
        status_by_day.update(statements)
    result = []
    for status, group in groupby(sorted(status_by_day.items()), key=lambda item: item[1]):
        numbers = [number for number, _ in group]
        result.append(StatusInterval(day(numbers[0]), day(numbers[-1]), status))
    return result


def merge_all(imports: Sequence[Statements]) -> list[StatusInterval]:
    merged: list[StatusInterval] = []
    seen: set[int] = set()
    days: list[tuple[date, RowStatus]] = []

    def detail() -> tuple[list[tuple[date, RowStatus]], list[date]]:
        return days, [day(number) for number in sorted(seen)]

    for statements in imports:
        days = [(day(number), status) for number, status in sorted(statements.items())]
        seen |= set(statements)
        merged = merge(merged, intervals(days), detail)
    return merged


@given(IMPORTS)
def test_runs_are_those_of_a_dictionary_of_days(imports: list[Statements]) -> None:
    assert merge_all(imports) == naive(imports)


@given(IMPORTS, st.randoms(use_true_random=False))
def test_the_order_of_imports_that_agree_does_not_matter(imports: list[Statements], random: object) -> None:
    agreed: dict[int, RowStatus] = {}
    for statements in imports:
        agreed |= statements
    same = [{number: agreed[number] for number in days} for days in imports]
    shuffled = list(same)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge_all(shuffled) == merge_all(same)


def batch(statements: Statements) -> BarBatch:
    """A bar on each of these days of one instrument, with its statement."""
    count = len(statements)
    statuses = (A, B, PARTIAL, SILENT)
    numbers = list(statements)
    return BarBatch(
        row=np.arange(count),
        codes=np.array(["000010"]),
        code=np.zeros(count, dtype=np.int32),
        names=np.empty(0, dtype=np.str_),
        name=np.full(count, -1, dtype=np.int32),
        date=np.array([day(number) for number in numbers], dtype="datetime64[D]"),
        values={
            name: np.ones(count) for name in (*COLUMNS.split(",")[2:], "amount", "base_price", "market_cap", "shares")
        },
        statuses=statuses,
        status=np.array([statuses.index(statements[number]) for number in numbers], dtype=np.int32),
        unreadable=np.zeros(count, dtype=bool),
        foreign=np.zeros(count, dtype=bool),
        raw=pa.table({}),
    )


def recorded() -> list[StatusInterval]:
    rows = InstrumentStatus.objects.order_by("valid_from").values_list("valid_from", "valid_to", *RowStatus._fields)
    return [StatusInterval(first, last, RowStatus._make(rest)) for first, last, *rest in rows]


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(IMPORTS)
def test_the_record_holds_the_runs_of_the_dictionary(imports: list[Statements]) -> None:
    for model in (InstrumentStatus, StockPrice):
        model.objects.all().delete()
    for statements in imports:
        bars.record_bars(batch(statements), market="kr", source="marcap", at=AS_OF)
    assert recorded() == naive(imports)


@pytest.mark.django_db
def test_rows_that_say_nothing_leave_statements_alone() -> None:
    bars.record_bars(batch({0: A, 5: B}), market="kr", source="marcap", at=AS_OF)
    bars.record_bars(batch({2: SILENT, 7: SILENT}), market="kr", source="marcap", at=AS_OF)
    assert recorded() == [StatusInterval(day(0), day(0), A), StatusInterval(day(5), day(5), B)]


@pytest.mark.django_db
def test_sources_speak_for_themselves() -> None:
    bars.record_bars(batch({0: A, 5: A}), market="kr", source="marcap", at=AS_OF)
    bars.record_bars(batch({2: PARTIAL}), market="kr", source="file", at=AS_OF)
    rows = InstrumentStatus.objects.order_by("source").values_list("source", "valid_from", "valid_to")
    assert list(rows) == [("file", day(2), day(2)), ("marcap", day(0), day(5))]


@pytest.mark.django_db
def test_departments_of_a_file_become_intervals(tmp_path: Path) -> None:
    departments = ["", "", "관리종목(소속부없음)", "관리종목(소속부없음)", ""]
    days = ["2026-08-03", "2026-08-04", "2026-08-05", "2026-08-06", "2026-08-07"]
    rows = [f"{when},000010,1,1,1,1,1,KOSDAQ,{word}" for when, word in zip(days, departments, strict=True)]
    columns = f"{COLUMNS},segment,department"
    for part in (rows[2:4], rows[4:], rows[:2]):
        import_file(write_tidy(tmp_path / "a.csv", part, columns=columns), source="krx")
    result = InstrumentStatus.objects.order_by("valid_from").values_list(
        "valid_from", "valid_to", "managed", "caution", "segment"
    )
    assert [(f"{first:%d}", f"{last:%d}", *rest) for first, last, *rest in result] == [
        ("03", "04", False, False, "KOSDAQ"),
        ("05", "06", True, False, "KOSDAQ"),
        ("07", "07", False, False, "KOSDAQ"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ({0: A}, {0: A, 3: A}, None),  # only seen longer
        ({}, {0: A}, (day(0), None)),
        ({0: A}, {0: A, 3: B}, (day(3), None)),
        ({0: A, 6: B}, {0: A, 3: PARTIAL, 6: B}, (day(3), day(6))),  # a full statement ends it
        ({0: A, 6: PARTIAL}, {0: A, 3: B, 6: PARTIAL}, (day(3), None)),  # a partial one does not
        ({3: A}, {0: A, 3: A}, (day(0), None)),
        ({0: A, 3: B, 6: A}, {0: A, 6: A}, (day(3), None)),
    ],
)
def test_the_days_on_which_a_change_matters(
    old: Statements, new: Statements, effect: tuple[date, date | None] | None
) -> None:
    assert difference(naive([old]), naive([new])) == effect


@pytest.mark.django_db
def test_a_new_statement_marks_the_months_in_which_it_holds() -> None:
    """What is said in May holds until something else is said: the months after it are projected again."""
    months = [date(2026, month, 1) for month in (5, 6, 7)]
    later = {31: A, 40: A}  # August
    bars.record_bars(batch(later), market="kr", source="marcap", at=AS_OF)
    for first in months:
        LakePartition.objects.create(market="kr", month=first, wanted=1, written=1)
    said_in_june = {-20: PARTIAL}
    bars.record_bars(batch(said_in_june), market="kr", source="other", at=AS_OF)
    stale = LakePartition.objects.order_by("month").values_list("month", "wanted")
    assert [(f"{month:%m}", wanted) for month, wanted in stale] == [
        ("05", 1),
        ("06", 2),
        ("07", 2),
        ("08", 2),
    ]
