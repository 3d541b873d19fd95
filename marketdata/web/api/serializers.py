"""`?fields=code,name`: the members of a list's rows that are wanted, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any

from rest_framework import ISO_8601, fields
from rest_framework.fields import Field, SerializerMethodField
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from marketdata.nearest_name import did_you_mean
from marketdata.web.api.problems import Problem

MemberReader = Callable[[Any, Any], Any]
"""A serializer and what it is of -> one member."""


PLAIN: Mapping[type[Field[Any, Any, Any, Any]], type] = {
    fields.BooleanField: bool,
    fields.CharField: str,
    fields.FloatField: float,
    fields.IntegerField: int,
}
"""Fields that tell values of these types as they are."""


class PlannedSerializer(Serializer[Any]):
    """A serializer of objects that lists have many of: how each member is read follows from the declared fields as
    ever, but is worked out once for each class and not for each row. An object has all members; of a mapping those
    that are there are told."""

    wanted: Sequence[str] | None = None

    def tells(self, name: str) -> bool:
        """Whether it tells the member."""
        return self.wanted is None or name in self.wanted

    def to_representation(self, instance: Any) -> dict[str, Any]:
        if isinstance(instance, Mapping):
            told: dict[str, Any] = super().to_representation(instance)
            return {name: value for name, value in told.items() if self.tells(name)}
        plan, wanted = _plan(type(self)).items(), self.wanted
        if wanted is None:
            return {name: tell(self, instance) for name, tell in plan}
        return {name: tell(self, instance) for name, tell in plan if name in wanted}


@cache
def _plan(form: type[PlannedSerializer]) -> Mapping[str, MemberReader]:
    members = form().fields.items()
    return {name: _teller(field) for name, field in members if not field.write_only}


def _teller(field: Field[Any, Any, Any, Any]) -> MemberReader:
    if isinstance(field, SerializerMethodField):
        method = attrgetter(str(field.method_name))
        return lambda form, row: method(form)(row)
    path = ".".join(field.source_attrs)
    tell: Callable[[Any], Any] = field.to_representation
    if not path:
        return lambda _, row: tell(row)
    read, plain = attrgetter(path), PLAIN.get(type(field))
    if type(field) is fields.DateField and getattr(field, "format", ISO_8601) == ISO_8601:
        tell = _day(tell)

    def told(_: Any, row: Any) -> Any:
        value = read(row)
        return value if value is None or type(value) is plain else tell(value)

    return told


def _day(tell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same of a day, without looking up each time how days are told."""
    return lambda value: value.isoformat() if type(value) is date else tell(value)


def member_names(row: type[Serializer[Any]]) -> list[str]:
    """The members of a row."""
    return list(row().fields)


def parse_fields(request: Request, row: type[Serializer[Any]]) -> tuple[str, ...] | None:
    """The members that were asked for; None: all."""
    given = request.query_params.get("fields")
    if given is None:
        return None
    names = tuple(dict.fromkeys(one.strip() for one in given.split(",")))
    there = member_names(row)
    for name in names:
        if name not in there:
            raise Problem(
                "unknown_field",
                f"A row has no field {name!r}: choose among {', '.join(there)}.{did_you_mean(name, there)}",
                status_code=400,
                known=there,
            )
    return names


def select_members(serializer: BaseSerializer[Any], names: Sequence[str] | None) -> BaseSerializer[Any]:
    """The serializer (of one row or of many) with these members alone."""
    if names is None:
        return serializer
    row: Any = serializer.child if isinstance(serializer, ListSerializer) else serializer
    if isinstance(row, PlannedSerializer):
        row.wanted = names
        if row is not serializer:
            return serializer  # whose fields nobody looks at
    for name in list(row.fields):
        if name not in names:
            row.fields.pop(name)
    return serializer


def serialize_list(rows: BaseSerializer[Any], names: Sequence[str] | None) -> Any:
    """What a list tells of these members."""
    found = select_members(rows, names).data
    if isinstance(rows, ListSerializer) and rows.child is not None:
        # Else the two would keep each other, and every row with them, until the collector comes by.
        rows.child.parent = None  # type: ignore[assignment]
    return found
