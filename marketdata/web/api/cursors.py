"""Cursors: the position in an order at which a page begins.

A cursor has its order, the direction and the values of a row in all fields of the order, so that any number of rows may
tie in some of them. The rows behind it are those with

    a > a0  or  a = a0 and (b > b0  or  b = b0 and c > c0)        for an order by a, b, c

with NULL last in either direction. The last field of every order is unique.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db.models import F, Field, FloatField, IntegerField, Model, Q
from rest_framework.request import Request

from marketdata.web.api.problems import Problem

PATTERN = re.compile(r"[A-Za-z0-9_-]{1,2000}")
NUMBER_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One field of an order."""

    name: str
    field: Field[Any, Any]
    down: bool

    def after(self, value: Any) -> Q:
        """The rows behind those that have `value` here."""
        if value is None:
            return Q(pk__in=())
        beyond = Q(**{f"{self.name}__{'lt' if self.down else 'gt'}": value})
        return beyond | Q(**{f"{self.name}__isnull": True}) if self.field.null else beyond

    def before(self, value: Any) -> Q:
        """The rows in front of those that have `value` here."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False})
        return Q(**{f"{self.name}__{'gt' if self.down else 'lt'}": value})

    def equal(self, value: Any) -> Q:
        """The rows that have `value` here."""
        return Q(**({f"{self.name}__isnull": True} if value is None else {self.name: value}))

    def reach(self, value: Any, *, backward: bool) -> Q:
        """The rows that have `value` here or lie beyond it, of a field without NULL: where an index may begin."""
        up = self.down == backward
        return Q(**{f"{self.name}__{'gte' if up else 'lte'}": value})

    def order(self, *, backward: bool) -> Any:
        """The expressions to order by; read backward, NULL comes first."""
        down, named = self.down != backward, F(self.name)
        if not self.field.null:
            return named.desc() if down else named.asc()
        if backward:
            return named.desc(nulls_first=True) if down else named.asc(nulls_first=True)
        return named.desc(nulls_last=True) if down else named.asc(nulls_last=True)

    def of(self, row: Any) -> Any:
        """The row's value."""
        for name in self.name.split("__"):
            row = getattr(row, name)
        return row

    def parse(self, value: Any) -> Any:
        """The field's value from a cursor's; ValueError or ValidationError where it is invalid."""
        if value is None and self.field.null:
            return None
        if isinstance(self.field, FloatField | IntegerField):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError("not a number")
            if not -NUMBER_LIMIT < value < NUMBER_LIMIT:  # NaN is not either
                raise ValueError("out of range")
        elif not isinstance(value, str) or "\x00" in value:
            raise ValueError("no text that a database takes")
        return self.field.to_python(value)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page behind or in front of a row. `of`: the identifier of the list's version, where it has several."""

    order: str
    backward: bool
    values: Sequence[Any]
    of: str = ""

    def text(self) -> str:
        """The cursor as a query parameter."""
        values = [value.isoformat() if isinstance(value, date) else value for value in self.values]
        text = json.dumps([self.order, self.backward, self.of, values], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(request: Request) -> Cursor | None:
    """The cursor of the request, its values not yet parsed; None without one."""
    text = request.query_params.get("cursor", "")
    if not text:
        return None
    if not PATTERN.fullmatch(text):
        refuse_cursor()
    try:
        order, backward, of, values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        refuse_cursor()
    if not (isinstance(order, str) and isinstance(backward, bool) and isinstance(of, str) and isinstance(values, list)):
        refuse_cursor()
    return Cursor(order, backward, values, of)


def refuse_cursor() -> NoReturn:
    raise Problem(
        "invalid_cursor",
        "This cursor is not one of this list's, or belongs to another order: begin again without it.",
        status_code=400,
    )


def rows_beyond(keys: Sequence[OrderKey], cursor: Cursor) -> Q:
    """The rows behind the cursor, or in front of it where it looks backward."""
    if len(cursor.values) != len(keys):
        refuse_cursor()
    try:
        values = [key.parse(value) for key, value in zip(keys, cursor.values, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError):
        refuse_cursor()
    rows = Q(pk__in=())
    for key, value in reversed(list(zip(keys, values, strict=True))):
        past = key.before(value) if cursor.backward else key.after(value)
        rows = past | (key.equal(value) & rows)
    if keys[0].field.null:
        return rows
    return rows & keys[0].reach(values[0], backward=cursor.backward)


def order_keys(model: type[Model], names: Sequence[str]) -> list[OrderKey]:
    """The keys of an order of `model`, its names spelled as for `order_by`."""
    return [OrderKey(name.removeprefix("-"), _field(model, name.removeprefix("-")), name[0] == "-") for name in names]


def _field(model: type[Model], path: str) -> Field[Any, Any]:
    """The field at the end of a path such as rank__score."""
    *relations, last = path.split("__")
    for name in relations:
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    return model._meta.pk if last == "pk" else model._meta.get_field(last)  # type: ignore[return-value]
