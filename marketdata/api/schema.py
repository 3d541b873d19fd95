"""Parameters of the schema that many endpoints share."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

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
