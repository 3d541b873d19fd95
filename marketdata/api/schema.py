"""What the schema says of parameters and errors that many endpoints share."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from marketdata.api.forms import ProblemBody
from marketdata.api.pages import Pages
from marketdata.api.problems import MEDIA_TYPE

MEANING = {
    400: "A parameter is unknown or does not fit",
    404: "There is no such thing; `known` or `nearest` names what there is",
    409: "The record cannot answer this",
    503: "Not now: the lake is behind the record, or too many ask for this at once",
}
ALWAYS = {
    401: "Who asks is not known, and has to be",
    403: "Who asks may not",
    429: "Too many requests: Retry-After says when to come back",
}

MARKET = OpenApiParameter(
    "market",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="kr, us, upbit, or any imported one",
    examples=[OpenApiExample("Korea", value="kr")],
)
CODE = OpenApiParameter(
    "code",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The instrument's code in its market",
    examples=[OpenApiExample("Samsung Electronics", value="005930")],
)
PAGES = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=Pages.page_size_query_description),
    OpenApiParameter("cursor", OpenApiTypes.STR, description=Pages.cursor_query_description),
]
UNCHANGED = {304: OpenApiResponse(description="What If-None-Match names is still what there is")}


EXAMPLE = re.compile(r"\be\.g\. ([^\s;]+)")
READ = {"integer": int, "number": float}


def with_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of the schema's making: what a parameter's description says after "e.g." is its example (the first of its
    choices where it has some), so that an example is written once, where the parameter is."""
    for methods in result["paths"].values():
        for operation in methods.values():
            for one in operation.get("parameters", []):
                if "example" in one or "examples" in one:
                    continue
                found = EXAMPLE.search(one.get("description", ""))
                if found:
                    one["example"] = READ.get(one["schema"].get("type"), str)(found[1])
                elif "enum" in one["schema"]:
                    one["example"] = one["schema"]["enum"][0]
    return result


def problems(*numbers: int) -> dict[tuple[int, str], Any]:
    """The errors that an endpoint answers with, besides those that any may."""
    told = {**{number: MEANING[number] for number in numbers}, **ALWAYS}
    return {
        (number, MEDIA_TYPE): OpenApiResponse(ProblemBody, description=text)
        for number, text in sorted(told.items())
    }
