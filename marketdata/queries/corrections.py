"""Changes of the record since a moment: why a result may differ when it is computed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from marketdata.markets import get_market
from marketdata.models import (
    BarCorrection,
    FactorEvent,
    FlowCorrection,
    IndexBar,
    InstitutionalFlow,
    StatusChange,
    StockPrice,
)
from marketdata.number_format import format_number


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A row written to the record: the instrument or index, the day, and a description."""

    code: str
    date: date
    what: str


def get_changes(
    market: str, moment: datetime, *, until: date, index: str = "", flows: bool = True
) -> list[RecordChange]:
    """The changes after `moment` of days up to `until`, ascending by day and code: bars and `flows` that were replaced
    (with their old values) or added, factor events that were added or corrected, changes of membership, and bars of the
    series `index`."""
    kinds = [kind for kind in TABLES if flows or kind != "flow"]
    changes = [change for kind in kinds for change in _written(kind, market, moment, until)]
    changes += _events(market, moment, until)
    changes += _statuses(market, moment, until)
    if index:
        changes += _index(market, index, moment, until)
    return sorted(changes, key=lambda change: (change.date, change.code))


def _written(kind: str, market: str, moment: datetime, until: date) -> Iterator[RecordChange]:
    """Rows of bars or flows that were added or replaced since."""
    rows, replaced = TABLES[kind]
    chosen = {"market": market, "date__lte": until}
    corrected = replaced.objects.filter(replaced_at__gt=moment, **chosen)
    for code, day, old in corrected.values_list("stock_code", "date", "old"):
        values = ", ".join(f"{name} {value}" for name, value in old.items())
        yield RecordChange(code, day, f"{kind} corrected; before: {values}")
    late = rows.objects.filter(created_at__gt=moment, **chosen)
    for code, day in late.values_list("stock_code", "date"):
        yield RecordChange(code, day, f"{kind} added")


TABLES: dict[str, tuple[Any, Any]] = {"bar": (StockPrice, BarCorrection), "flow": (InstitutionalFlow, FlowCorrection)}


def _events(market: str, moment: datetime, until: date) -> Iterator[RecordChange]:
    touched = Q(created_at__gt=moment) | Q(updated_at__gt=moment)
    events = FactorEvent.objects.filter(touched, market=market, date__lte=until)
    for code, day, ratio, created in events.values_list("stock_code", "date", "ratio", "created_at"):
        word = "" if created > moment else " corrected to"
        yield RecordChange(code, day, f"factor event{word} x{format_number(ratio)}")


def _statuses(market: str, moment: datetime, until: date) -> Iterator[RecordChange]:
    rows = StatusChange.objects.filter(market=market, at__gt=moment, first__lte=until)
    for code, first, before in rows.values_list("stock_code", "first", "before"):
        end = f" to the day before {before}" if before else " on"
        yield RecordChange(code, first, f"membership from this day{end} changed")


def _index(market: str, name: str, moment: datetime, until: date) -> Iterator[RecordChange]:
    rows = IndexBar.objects.filter(
        market__in=get_market(market).family, name=name, updated_at__gt=moment, date__lte=until
    )
    for day, created in rows.values_list("date", "created_at"):
        yield RecordChange(name, day, "index bar added" if created > moment else "index bar corrected")
