"""Recording of investor flow: valid, replaced, unchanged and refused rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from marketdata.markets import get_market
from marketdata.models import FlowCorrection, FlowPartition, InstitutionalFlow, LakePartition
from marketdata.operations.record import flows
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.validation import FINE, REASONS, Validator
from marketdata.queries.market_calendar import get_sessions
from marketdata.sources.batches import FlowBatch
from tests.marketdata.operations.tidy_files import AS_OF, LATER, import_file, write_tidy

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 7, 30), date(2026, 7, 31), date(2026, 8, 3)]
BARS = [f"{day},000010,1000,1100,900,1000,50000" for day in DAYS]


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def batch(days: Sequence[date] = DAYS, code: str = "000010", /, **values: Sequence[float | None]) -> FlowBatch:
    return FlowBatch.of([code] * len(days), days, values)


def entered(batch: FlowBatch, *, at: datetime = AS_OF, source: str = "kis") -> Counts:
    return flows.record_flows(batch, market="kr", source=source, at=at)


def recorded(name: str = "foreign_net_quantity") -> list[float | None]:
    return list(InstitutionalFlow.objects.order_by("date", "source").values_list(name, flat=True))


def test_what_is_new_is_recorded_and_marks_its_months() -> None:
    flow_batch = batch(foreign_net_quantity=[1, None, -3.0], pension_net_value=[None, 2e6, 0])
    assert entered(flow_batch) == Counts(new=3)
    assert recorded() == [1, None, -3]
    assert recorded("pension_net_value") == [None, 2e6, 0]
    assert recorded("individual_net_value") == [None] * 3
    row = InstitutionalFlow.objects.order_by("date").first()
    assert row is not None
    assert (row.market, row.stock_code, row.source, row.created_at) == (
        "kr",
        "000010",
        "kis",
        AS_OF,
    )
    marked = {f"{row.month:%Y-%m}": row.wanted for row in FlowPartition.objects.all()}
    assert marked == {"2026-07": 1, "2026-08": 1}
    assert not LakePartition.objects.exists()


def test_a_repeat_writes_nothing() -> None:
    flow_batch = batch(foreign_net_quantity=[1, 2, 3])
    entered(flow_batch)
    before = list(InstitutionalFlow.objects.order_by("pk").values_list())
    assert entered(flow_batch, at=LATER) == Counts(unchanged=3)
    assert list(InstitutionalFlow.objects.order_by("pk").values_list()) == before
    assert set(FlowPartition.objects.values_list("wanted", flat=True)) == {1}


def test_a_later_value_replaces_a_provisional_one_and_the_old_one_is_kept() -> None:
    entered(batch(foreign_net_quantity=[1, 2, 3], institution_net_value=[9e6, None, None]))
    later = batch(foreign_net_quantity=[1, 20, None], institution_net_value=[None, 8e6, None])
    assert entered(later, at=LATER) == Counts(corrected=1, unchanged=2)
    assert recorded() == [1, 20, 3]
    assert recorded("institution_net_value") == [9e6, 8e6, None]
    kept = FlowCorrection.objects.get()
    assert (kept.date, kept.old) == (
        DAYS[1],
        {"foreign_net_quantity": 2.0, "institution_net_value": None},
    )
    assert kept.replaced_at == LATER
    row = InstitutionalFlow.objects.get(date=DAYS[1])
    assert (row.created_at, row.updated_at) == (AS_OF, LATER)


def test_a_blank_never_erases_and_a_silent_row_is_not_recorded() -> None:
    entered(batch(foreign_net_quantity=[5, 6, 7]))
    assert entered(batch(), at=LATER) == Counts(unchanged=3)
    assert recorded() == [5, 6, 7]
    assert entered(batch(DAYS, "000020")) == Counts(unchanged=3)
    assert InstitutionalFlow.objects.filter(stock_code="000020").count() == 0


def test_sources_stand_beside_each_other() -> None:
    entered(batch(foreign_net_quantity=[1, 2, 3]))
    assert entered(batch(foreign_net_quantity=[4, 5, 6]), source="krx") == Counts(new=3)
    assert InstitutionalFlow.objects.count() == 6


def reasons(batch: FlowBatch) -> list[str]:
    check = Validator(get_market("kr"), get_sessions("kr"), AS_OF)
    results = flows.against_bars(batch, check.flows(batch), market="kr")
    return ["" if one == FINE else str(REASONS[one]) for one in results.tolist()]


def test_rows_are_checked_by_themselves_and_against_what_was_traded(tmp_path: Path) -> None:
    import_file(write_tidy(tmp_path / "a.csv", BARS))
    days = [*DAYS, date(2026, 8, 1), date(2026, 8, 24), DAYS[0]]
    flow_batch = batch(days, foreign_net_quantity=[150_001, -40_000, np.inf, 1, 1, 1])
    assert reasons(flow_batch) == [
        "net buying beyond what was traded",
        "",
        "not a number",
        "not a session",
        "date in the future",
        "duplicate key in the file",
    ]


def test_a_value_in_another_unit_shows(tmp_path: Path) -> None:
    import_file(write_tidy(tmp_path / "a.csv", BARS))
    fine: dict[str, Any] = {"foreign_net_quantity": [10_000, -20_000, 30_000]}
    assert reasons(batch(**fine, foreign_net_value=[1e7, -2e7, 3.1e7])) == [""] * 3
    assert reasons(batch(**fine, foreign_net_value=[1e7, -20, 3.1e7])) == [
        "",
        "net value far from close x net quantity",
        "",
    ]
    with pytest.raises(flows.WrongUnit, match=r"0\.000001 times close x net quantity"):
        reasons(batch(**fine, foreign_net_value=[10, -20, 30]))
    with pytest.raises(flows.WrongUnit, match="times close x net quantity"):
        reasons(batch(**fine, foreign_net_value=[1e13, -2e13, 3e13]))


def test_values_alone_show_their_unit_against_the_turnover(tmp_path: Path) -> None:
    calendar = get_sessions("kr")
    at = int(np.searchsorted(calendar, np.datetime64("2026-08-03")))
    days = calendar[at - 30 : at + 1].tolist()
    import_file(write_tidy(tmp_path / "a.csv", [f"{day},000010,10,11,9,10,50000000" for day in days]))
    won = [(-1) ** n * 1e6 * n for n in range(len(days))]
    assert reasons(batch(days, foreign_net_value=won)) == [""] * len(days)
    with pytest.raises(flows.WrongUnit, match="times the turnover"):
        reasons(batch(days, foreign_net_value=[one / 1e6 for one in won]))
    with pytest.raises(flows.WrongUnit, match="times the turnover"):
        reasons(batch(days, foreign_net_value=[one * 1e6 for one in won]))
    # Small nets with a value of their own say nothing of the unit.
    odd = batch(days[:1], foreign_net_quantity=[1], foreign_net_value=[-1e6])
    assert reasons(odd) == [""]


def test_a_flow_without_a_bar_passes() -> None:
    assert reasons(batch(foreign_net_quantity=[1e9, 1, 1], foreign_net_value=[1, 1, 1])) == [""] * 3
