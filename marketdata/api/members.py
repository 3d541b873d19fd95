"""`?fields=code,name`: the members of a list's rows that are wanted, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from marketdata.api.problems import Problem


def known(row: type[Serializer[Any]]) -> list[str]:
    """The members of a row."""
    return list(row().fields)


def chosen(request: Request, row: type[Serializer[Any]]) -> tuple[str, ...] | None:
    """The members that were asked for; None: all."""
    given = request.query_params.get("fields")
    if given is None:
        return None
    names = tuple(dict.fromkeys(one.strip() for one in given.split(",")))
    there = known(row)
    for name in names:
        if name not in there:
            raise Problem(
                "unknown_field",
                f"A row has no field {name!r}: choose among {', '.join(there)}.",
                status_code=400,
                known=there,
            )
    return names


def slim(serializer: BaseSerializer[Any], names: Sequence[str] | None) -> BaseSerializer[Any]:
    """The serializer (of one row or of many) with these members alone."""
    if names is None:
        return serializer
    row: Any = serializer.child if isinstance(serializer, ListSerializer) else serializer
    for name in list(row.fields):
        if name not in names:
            row.fields.pop(name)
    return serializer
