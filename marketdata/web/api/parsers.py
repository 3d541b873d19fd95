"""Request bodies: JSON of a bounded size, without unknown fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from rest_framework import fields
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.serializers import Serializer

from marketdata.nearest_name import did_you_mean

MOST = 64 * 1024
"""Bytes of a body."""


class BodyTooLarge(APIException):
    """The body has more than `MOST` bytes."""

    status_code = 413
    default_detail = f"A body has at most {MOST} bytes: send less."


class JsonParser(BaseParser):
    """JSON in UTF-8, at most `MOST` bytes, without characters that a database refuses."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = stream.read(MOST + 1)
        if len(raw) > MOST:
            raise BodyTooLarge
        try:
            body = json.loads(raw.decode(), parse_constant=_no_number)
            for text in _texts(body):
                if "\x00" in text:
                    raise ValueError("a text holds a null character")
                text.encode()
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON that can be kept: {error}") from error
        return body


class StrictBody(Serializer[Any]):
    """The serializer of a body; an unknown field is an error under its name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            names = ", ".join(self.fields)
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise ValidationError(
                    {
                        name: [f"Unknown field: choose among {names}.{did_you_mean(name, self.fields)}"]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class ChoiceField(fields.ChoiceField):
    """A choice; the error of another value names the choices and the nearest one."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid_choice":
            value, names = kwargs["input"], ", ".join(map(str, self.choices))
            near = did_you_mean(value, self.choices)
            raise ValidationError(f'"{value}" is not a valid choice: choose among {names}.{near}', code=key)
        super().fail(key, **kwargs)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _texts(value: Any) -> Iterator[str]:
    """Every text in a parsed body, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
