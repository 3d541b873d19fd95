"""The OpenAPI schema: parameters and errors that many endpoints share, and hooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from marketdata.tables.text import ENCODINGS
from marketdata.web.api import serializers
from marketdata.web.api.bodies import ProblemBody
from marketdata.web.api.pagination import MOST
from marketdata.web.api.problems import MEDIA_TYPE
from marketdata.web.api.responses import MEDIA_TYPES
from marketdata.web.api.views import BaseView

ERRORS = {
    400: "A parameter or a field is unknown or does not fit; `errors` names it",
    404: "There is no such thing; `known` or `nearest` names what there is",
    409: "The record cannot answer this, or it is not how things stand",
    412: "It has changed since: If-Match names another state",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "This Idempotency-Key was used for something else",
    503: "Not now: the lake is behind the record, too many ask at once, or the task queue cannot be reached",
}
COMMON_ERRORS = {
    401: "The caller has to authenticate",
    403: "The caller lacks the permission",
    429: "Too many requests: Retry-After says when to come back",
}
NOT_MODIFIED = {304: OpenApiResponse(description="What If-None-Match names is still what there is")}


class SeismoSchema(AutoSchema):
    """The schema of an endpoint by its view: the parameters that every list has, and its filters."""

    def get_override_parameters(self) -> list[Any]:
        """`fields`, `ordering`, `limit`, `cursor` and `format`, where the view has them."""
        view = self.view
        if not isinstance(view, BaseView) or self.method != "GET":
            return []
        parameters = []
        row = view.row()
        pages: Any = view.pagination_class
        if row:
            parameters += [_fields(serializers.member_names(row)), FORMAT, ENCODING]
        if pages and pages.orders:
            parameters += [_ordering(pages.names()), *PAGE_PARAMETERS]
        return parameters

    def get_filter_backends(self) -> list[Any]:
        """The filters of a list, whatever the shape of its answer."""
        view = self.view
        if isinstance(view, BaseView) and view.filterset_class and self.method == "GET":
            return list(view.filter_backends)
        return []


PAGE_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"Rows a page, at most {MOST}, e.g. 100"),
    OpenApiParameter(
        "cursor",
        OpenApiTypes.STR,
        description="As `next` or `previous` of another page has it, e.g. WyJjb2RlIixmYWxzZSwiIixbIjAwNTkzMCIsMV1d",
    ),
]
FORMAT = OpenApiParameter(
    "format",
    OpenApiTypes.STR,
    enum=list(MEDIA_TYPES),
    description="csv, parquet or xlsx: the whole list as a file (with limit, that page), e.g. json; Accept says it too",
)
ENCODING = OpenApiParameter(
    "encoding",
    OpenApiTypes.STR,
    enum=list(ENCODINGS),
    description="Of csv: utf-8-sig begins with a byte order mark, which Excel wants; a program takes e.g. utf-8",
)


def _fields(names: list[str]) -> OpenApiParameter:
    first = ",".join(names[:2])
    return OpenApiParameter(
        "fields",
        OpenApiTypes.STR,
        description=f"The members of a row that are wanted, of {', '.join(names)}; e.g. {first}",
    )


def _ordering(names: list[str]) -> OpenApiParameter:
    return OpenApiParameter(
        "ordering",
        OpenApiTypes.STR,
        enum=names,
        description=f"By what the rows are ordered, - for the largest first; e.g. {names[0]}",
    )


def add_downloads(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: the media types of downloads."""
    for methods in result["paths"].values():
        for operation in methods.values():
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            answer = operation["responses"].get("200", {})
            if "format" not in names or not answer.get("content"):
                continue
            answer["content"] |= {
                MEDIA_TYPES["csv"]: {"schema": {"type": "string"}},
                MEDIA_TYPES["parquet"]: {"schema": {"type": "string", "format": "binary"}},
                MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
            }
    return result


EXAMPLE = re.compile(r"\be\.g\. ([^\s;]+)")
CONVERTERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": lambda text: text == "true",
    "array": lambda text: text.split(","),
}


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: the example of a parameter is what follows "e.g." in its description, else the first of its
    choices."""
    for methods in result["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if "example" in parameter or "examples" in parameter:
                    continue
                match = EXAMPLE.search(parameter.get("description", ""))
                if match:
                    parameter["example"] = CONVERTERS.get(parameter["schema"].get("type"), str)(match[1])
                elif "enum" in parameter["schema"]:
                    parameter["example"] = parameter["schema"]["enum"][0]
    return result


WRITE_ERRORS = (400, 404, 409, 413, 415)
"""The errors of endpoints that take a body."""


def location_header(status: int, description: str) -> OpenApiParameter:
    """The Location header of answers with this status."""
    return OpenApiParameter(
        "Location", OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=[status]
    )


def path_parameter(
    name: str, description: str, examples: Mapping[str, Any], kind: OpenApiTypes = OpenApiTypes.STR
) -> OpenApiParameter:
    """A part of an address, with its examples: title -> value."""
    shown = [OpenApiExample(title, value=value) for title, value in examples.items()]
    return OpenApiParameter(name, kind, OpenApiParameter.PATH, description=description, examples=shown)


IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what is to be changed: where it has changed since, nothing is done",
    examples=[OpenApiExample("A tag", value='"0f343b0931126a20f133d67c2b018a3b"')],
)


def error_responses(*numbers: int) -> dict[tuple[int, str], Any]:
    """The error responses of an endpoint, with those that all endpoints share."""
    errors = {**{number: ERRORS[number] for number in numbers}, **COMMON_ERRORS}
    return {
        (number, MEDIA_TYPE): OpenApiResponse(ProblemBody, description=text) for number, text in sorted(errors.items())
    }
