"""Serializers of list rows, and the selection of their members by `?fields=code,name`."""

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
"""A function of a serializer and an object that returns one member."""


PLAIN: Mapping[type[Field[Any, Any, Any, Any]], type] = {
    fields.BooleanField: bool,
    fields.CharField: str,
    fields.FloatField: float,
    fields.IntegerField: int,
}
"""Fields that represent values of these types unchanged."""


class PlannedSerializer(Serializer[Any]):
    """A serializer of list rows: its member readers follow from the declared fields, once per class and not per row. An
    object has all members; of a mapping those that it has are serialized."""

    selected: Sequence[str] | None = None

    def includes(self, name: str) -> bool:
        """Whether the member is selected."""
        return self.selected is None or name in self.selected

    def to_representation(self, instance: Any) -> dict[str, Any]:
        if isinstance(instance, Mapping):
            members: dict[str, Any] = super().to_representation(instance)
            return {name: value for name, value in members.items() if self.includes(name)}
        readers, selected = _readers(type(self)).items(), self.selected
        if selected is None:
            return {name: read(self, instance) for name, read in readers}
        return {name: read(self, instance) for name, read in readers if name in selected}


@cache
def _readers(form: type[PlannedSerializer]) -> Mapping[str, MemberReader]:
    members = form().fields.items()
    return {name: _reader(field) for name, field in members if not field.write_only}


def _reader(field: Field[Any, Any, Any, Any]) -> MemberReader:
    if isinstance(field, SerializerMethodField):
        method = attrgetter(str(field.method_name))
        return lambda form, row: method(form)(row)
    path = ".".join(field.source_attrs)
    represent: Callable[[Any], Any] = field.to_representation
    if not path:
        return lambda _, row: represent(row)
    read_value, plain = attrgetter(path), PLAIN.get(type(field))
    if type(field) is fields.DateField and getattr(field, "format", ISO_8601) == ISO_8601:
        represent = _date_representation(represent)

    def read_member(_: Any, row: Any) -> Any:
        value = read_value(row)
        return value if value is None or type(value) is plain else represent(value)

    return read_member


def _date_representation(represent: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for a date, without a look-up of the date format each time."""
    return lambda value: value.isoformat() if type(value) is date else represent(value)


def member_names(row: type[Serializer[Any]]) -> list[str]:
    """The members of a row."""
    return list(row().fields)


def parse_fields(request: Request, row: type[Serializer[Any]]) -> tuple[str, ...] | None:
    """The requested members, None for all; a Problem (400) where a row has none such."""
    text = request.query_params.get("fields")
    if text is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    choices = member_names(row)
    for name in names:
        if name not in choices:
            raise Problem(
                "unknown_field",
                f"A row has no field {name!r}: choose among {', '.join(choices)}.{did_you_mean(name, choices)}",
                status_code=400,
                known=choices,
            )
    return names


def select_members(serializer: BaseSerializer[Any], names: Sequence[str] | None) -> BaseSerializer[Any]:
    """The serializer (of one row or of many) with these members alone."""
    if names is None:
        return serializer
    row: Any = serializer.child if isinstance(serializer, ListSerializer) else serializer
    if isinstance(row, PlannedSerializer):
        row.selected = names
        if row is not serializer:
            return serializer  # its fields are not read
    for name in list(row.fields):
        if name not in names:
            row.fields.pop(name)
    return serializer


def serialize_list(rows: BaseSerializer[Any], names: Sequence[str] | None) -> Any:
    """The rows of a list as dictionaries of these members."""
    data = select_members(rows, names).data
    if isinstance(rows, ListSerializer) and rows.child is not None:
        # Breaks the reference cycle, so that the rows are released at once.
        rows.child.parent = None  # type: ignore[assignment]
    return data
