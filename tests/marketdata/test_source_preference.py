"""Which of two sources a session's bars are taken from, and that nothing later changes it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.models import LakePartition, StockPrice
from marketdata.operations.projection import project
from marketdata.operations.projection.verify import verify
from marketdata.queries.market_calendar import get_sessions
from marketdata.queries.records import get_record
from marketdata.source_preference import QUALITY_SESSIONS, preferred_sources, source_qualities
from tests.marketdata.operations.tidy_files import AS_OF, import_file, write_tidy

DAYS = [date(2026, 7, 27) + timedelta(days=n) for n in range(30)]
counts = st.dictionaries(st.sampled_from(["kis", "marcap", "other"]), st.integers(1, 50), min_size=1)


def test_quality_by_hand() -> None:
    counts = {day: {"kis": 8, "marcap": 10} for day in DAYS[:6]}
    counts[DAYS[6]] = {"marcap": 10}
    qualities = source_qualities(counts, DAYS[6])
    assert qualities["marcap"] == pytest.approx(1.0)
    assert qualities["kis"] == pytest.approx(0.6 * 48 / 70 + 0.4 * 6 / 7)
    assert preferred_sources(counts, [DAYS[5]], ("kis", "marcap"))[DAYS[5]] == ("kis", "marcap")
    assert preferred_sources(counts, [DAYS[6]], ("kis", "marcap"))[DAYS[6]] == ("marcap", "kis")


def test_a_source_whose_record_begins_is_not_behind() -> None:
    """Six sessions of one source alone, then both: the new one is judged by the seventh."""
    counts = {day: {"marcap": 10} for day in DAYS[:6]}
    counts[DAYS[6]] = {"marcap": 10, "kis": 9}
    assert source_qualities(counts, DAYS[6])["kis"] == pytest.approx(0.6 * 9 / 10 + 0.4)
    assert preferred_sources(counts, [DAYS[6]], ("kis", "marcap"))[DAYS[6]] == ("kis", "marcap")


def test_the_best_counts_where_none_is_good() -> None:
    counts = {day: {"a": 1} if n % 2 else {"b": 2} for n, day in enumerate(DAYS[:8])}
    quality = source_qualities(counts, DAYS[7])
    assert max(quality.values()) < 0.8
    best = max(quality, key=lambda source: quality[source])
    assert preferred_sources(counts, [DAYS[7]], ("a", "b"))[DAYS[7]][0] == best


@given(st.lists(counts, min_size=1, max_size=20), st.integers(0, 19), counts)
def test_nothing_but_the_last_seven_sessions_decides(
    given_counts: list[dict[str, int]], at: int, other: dict[str, int]
) -> None:
    result = dict(zip(DAYS, given_counts, strict=False))
    day = list(result)[min(at, len(result) - 1)]
    order = ("kis", "marcap")
    chosen = preferred_sources(result, [day], order)
    later = {one: (other if one > day else had) for one, had in result.items()}
    assert preferred_sources(later, [day], order) == chosen
    window = sorted(one for one in result if one <= day)[-QUALITY_SESSIONS:]
    assert preferred_sources({one: result[one] for one in window}, [day], order) == chosen
    assert set(chosen[day]) == {source for one in window for source in result[one]}


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
def test_the_lake_takes_the_bars_of_the_good_source_and_says_so(data_dir: Path) -> None:
    """marcap has all ten instruments throughout; kis all of them up to the end of July, then one alone."""
    days = [day for day in get_sessions("kr").tolist() if date(2026, 7, 20) <= day <= date(2026, 8, 14)]
    both = [f"{day},{n:05d}0,100,110,90,100,{{}}" for day in days for n in range(1, 11)]
    some = [row for row in both if row[:10] < "2026-08-01" or ",000010," in row]
    for source, volume, rows in (("marcap", 1000, both), ("kis", 2000, some)):
        path = write_tidy(data_dir / f"{source}.csv", [row.format(volume) for row in rows])
        assert import_file(path, source=source, as_of=AS_OF).counts.new == len(rows)
    project.project_bars("kr")
    orders: dict[str, list[str]] = {}
    for partition in LakePartition.objects.filter(market="kr"):
        orders |= partition.orders
    taken = {day: order[0] for day, order in orders.items()}
    assert set(taken) == {str(day) for day in days}
    assert {source for day, source in taken.items() if day < "2026-08-01"} == {"kis"}
    assert taken["2026-08-14"] == "marcap"
    assert not [finding for finding in verify("kr") if finding.is_fault]
    digests = get_record("kr").digests
    # A later session, whatever its sources, changes no earlier one.
    late = date(2026, 8, 18)
    import_file(
        write_tidy(data_dir / "late.csv", [f"{late},{n:05d}0,100,110,90,100,3" for n in range(1, 11)]),
        source="kis",
    )
    project.project_bars("kr")
    after = get_record("kr").digests
    assert {day: after[day] for day in digests} == digests
    # A bar of July that comes late tells on August: its month is marked too.
    before = dict(LakePartition.objects.values_list("month", "wanted"))
    import_file(write_tidy(data_dir / "old.csv", ["2026-07-31,000110,100,110,90,100,5"]), source="kis")
    marked = dict(LakePartition.objects.values_list("month", "wanted"))
    assert {month for month in marked if marked[month] != before[month]} == set(before)
    assert StockPrice.objects.filter(stock_code="000110").count() == 1
