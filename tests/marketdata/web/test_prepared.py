"""A prepared statement returns the rows of its query set; dates of every form become the same array."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from marketdata import calendars
from marketdata.models import FactorEvent
from marketdata.web.prepared import PreparedStatement

pytestmark = [pytest.mark.django_db, pytest.mark.backend]
AT = datetime(2024, 5, 2, tzinfo=UTC)


def test_the_rows_of_the_query_set() -> None:
    first = date(2024, 5, 2)
    FactorEvent.objects.bulk_create(
        FactorEvent(
            market=market, stock_code=code, date=first + timedelta(n), ratio=n + 0.5, source="file", created_at=AT
        )
        for market in ("kr", "us")
        for code in ("a", "b'; --")
        for n in range(5)
    )  # fmt: skip

    def rows(market: str, code: str, since: date | str) -> object:
        events = FactorEvent.objects.filter(market=market, stock_code=code, date__gte=since, source="file")
        return events.order_by("-date").values_list("stock_code", "ratio")

    kept = PreparedStatement(rows, "market", "code", date(1, 1, 1))  # type: ignore[arg-type]
    for arguments in (
        ("kr", "a", first + timedelta(2)),
        ("us", "b'; --", first),
        ("kr", "none", first),
    ):
        assert [tuple(row) for row in kept.rows(*arguments)] == list(rows(*arguments))  # type: ignore[call-overload]
    assert len(kept.rows("us", "b'; --", first)) == 5


@pytest.mark.parametrize("text", [False, True])
def test_dates_as_an_array(text: bool) -> None:
    every = [date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(2035, 12, 31)]
    values = [str(day) for day in every] if text else every
    dates = calendars.to_days(values)
    assert dates.dtype == np.dtype("datetime64[D]")
    assert dates.tolist() == every
    assert calendars.to_days([]).tolist() == []
