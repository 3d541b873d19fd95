"""`evaluate_together` against Django's own evaluation of the same query sets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Max, Model, QuerySet, Value
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext

from marketdata.joint_queries import Parameter, evaluate_together, reuse_queries
from marketdata.models import CalendarOverride, Generation, Instrument, InstrumentStatus, StockPrice

pytestmark = pytest.mark.django_db


@pytest.fixture
def instruments() -> None:
    for number, code in enumerate(["000020", "005930", "000660"]):
        instrument = Instrument.objects.create(
            market="kr", code=code, name=f"{code} % o'clock", last_bar=date(2026, 8, 21)
        )
        InstrumentStatus.objects.create(
            instrument=instrument,
            valid_from=date(2026, 8, number + 1),
            valid_to=date(9999, 12, 31),
            halted=bool(number),
            source="krx",
        )
    CalendarOverride.objects.create(market="kr", date=date(2026, 8, 17), is_open=False)
    Generation.objects.create(
        name="kr", changed_at=datetime(2026, 8, 21, 9, 30, 0, 5, tzinfo=UTC), instruments={"a": [1.1]}
    )


def query_sets() -> list[QuerySet[Any, Any]]:
    """Rows of models with related ones, columns, annotations, a union, an aggregate by group and none at all."""
    names = Instrument.objects.order_by().values_list("code", "name")
    return [
        Instrument.objects.order_by("-code"),
        InstrumentStatus.objects.select_related("instrument").order_by("-valid_from")[:2],
        Generation.objects.filter(name="kr"),
        CalendarOverride.objects.values_list("date", "is_open", "opens_at"),
        Instrument.objects.order_by("code").values_list("code", flat=True),
        Instrument.objects.order_by("code").annotate(market_name=F("market")),
        Instrument.objects.order_by().values_list("market").annotate(last=Max("last_bar")),
        StockPrice.objects.order_by("pk"),
        Instrument.objects.filter(code__in=[]),
        names.filter(code="000020").union(names.filter(code="005930").annotate(n=Value(1)).values_list("code", "name")),
        InstrumentStatus.objects.order_by("valid_from").values("halted", "valid_from", "instrument__code"),
    ]


def plain(rows: QuerySet[Any, Any]) -> list[Any]:
    """The rows, those of models by the values of their fields."""
    return [
        model_to_dict(row) | {"extra": getattr(row, "market_name", "")} if isinstance(row, Model) else row
        for row in rows
    ]


def test_rows_equal_djangos_own_in_one_statement(instruments: None) -> None:
    together = query_sets()
    with CaptureQueriesContext(connection) as made:
        evaluate_together(*together)
        results = [plain(rows) for rows in together]
    assert len(made) == 1
    for rows, own in zip(results, map(plain, query_sets()), strict=True):
        assert rows == own
    assert [len(rows) for rows in results] == [3, 2, 1, 3, 3, 3, 1, 0, 0, 2, 3]


def test_related_rows_come_with_theirs(instruments: None) -> None:
    statuses = InstrumentStatus.objects.select_related("instrument").order_by("valid_from")
    evaluate_together(Instrument.objects.order_by("code"), statuses)
    with CaptureQueriesContext(connection) as made:
        assert [status.instrument.code for status in statuses] == ["000020", "005930", "000660"]
        assert [status.halted for status in statuses] == [False, True, True]
    assert len(made) == 0


def test_query_sets_that_select_nothing_make_no_query() -> None:
    nothing = Instrument.objects.filter(code__in=[])
    with CaptureQueriesContext(connection) as made:
        evaluate_together(nothing)
        assert list(nothing) == []
    assert len(made) == 0


class _Queries:
    """Query sets by name, and several in a list."""

    def __init__(self, market: str, code: str) -> None:
        self.rows = Instrument.objects.filter(market=market, code=code).annotate(market_name=F("market"))
        self.statuses = InstrumentStatus.objects.filter(instrument__code=code).select_related("instrument")
        self.others = [Instrument.objects.filter(code__in=[]), Instrument.objects.exclude(code=code).order_by("code")]

    @property
    def query_sets(self) -> list[QuerySet[Any, Any]]:
        return [self.rows, self.statuses, *self.others]


@pytest.mark.usefixtures("instruments")
def test_reused_queries_read_the_rows_of_now() -> None:
    made: list[str] = []

    def make() -> _Queries:
        made.append("again")
        return _Queries("kr", "005930")

    for name in ("first", "second", "third"):
        Instrument.objects.filter(code="005930").update(name=name)
        Instrument.objects.create(market="kr", code=f"9{len(made)}{name[:2]}", name=name)
        queries, expected = reuse_queries("test of reuse", make), _Queries("kr", "005930")
        with CaptureQueriesContext(connection) as statements:
            evaluate_together(*queries.query_sets)
            rows = [plain(one) for one in queries.query_sets]
        assert len(statements) == 1
        assert rows == [plain(one) for one in expected.query_sets]
        assert queries.rows[0].name == name
    assert made == ["again"]


@pytest.mark.usefixtures("instruments")
def test_reused_queries_are_evaluated_by_themselves_too() -> None:
    queries = reuse_queries("another test of reuse", lambda: _Queries("kr", "000660"))
    assert [row.code for row in queries.others[1]] == ["000020", "005930"]
    again = reuse_queries("another test of reuse", lambda: _Queries("none", "none"))
    assert again.rows._result_cache is None
    assert [row.code for row in again.rows] == ["000660"]


@pytest.mark.usefixtures("instruments")
def test_reused_queries_of_another_key_are_others() -> None:
    codes = []
    for code in ("000020", "000660"):
        queries = reuse_queries(("test", code), lambda code=code: _Queries("kr", code))  # type: ignore[misc]
        evaluate_together(*queries.query_sets)
        codes += [row.code for row in queries.rows]
    assert codes == ["000020", "000660"]


@pytest.mark.usefixtures("instruments")
def test_reused_queries_have_values_of_their_own() -> None:
    Instrument.objects.filter(code="000020").update(first_bar=date(2024, 1, 2))
    Instrument.objects.filter(code="000660").update(first_bar=date(2024, 1, 3))

    class _Listed:
        def __init__(self, code: str, day: date, number: int) -> None:
            listed = Instrument.objects.filter(code=code, first_bar__lte=day).order_by("code")
            self.rows = listed.values_list("code", Value(number))

    seen = []
    for values in (("000020", date(2024, 1, 2), 7), ("000660", date(2024, 1, 2), 8), ("000660", date(2024, 1, 3), 9)):
        places: dict[Parameter, Parameter] = {"a code": values[0], date(1, 1, 1): values[1], -1: values[2]}
        queries = reuse_queries("test of values", lambda: _Listed("a code", date(1, 1, 1), -1), places)
        evaluate_together(queries.rows)
        seen.append(list(queries.rows))
    assert seen == [[("000020", 7)], [], [("000660", 9)]]
