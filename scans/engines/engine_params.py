"""Parameters of an engine: a frozen dataclass whose fields carry range, unit and help.

    @dataclass(frozen=True)
    class Params:
        top_n: int = param(20, least=1, most=1000, unit="instruments", help="How many picks are kept")

A parameter in money has a default for each currency: `by_market` names the markets whose default is another.

`read` makes field from a mapping and says in field sentence what does not fit; `schema` describes it for forms and the
API; `dump` gives the JSON form that a run records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, field, fields
from typing import Any, TypeVar

from marketdata.nearest_name import did_you_mean, nearest_name
from marketdata.number_format import format_number
from scans.digests import json_digest

P = TypeVar("P")

LARGEST = 2**53
"""The largest whole number that every reader of JSON keeps exact."""


class ParamError(ValueError):
    """An unknown parameter or a wrong value; the message names it, its range and the choices. `where` is its
    name where the error concerns several parameters."""

    where = ""


def param(
    default: Any,
    *,
    help: str,
    unit: str = "",
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] | None = None,
    by_market: Mapping[str, Any] | None = None,
) -> Any:
    """A dataclass field with its range (inclusive), unit, choices and help text; `by_market`: market -> its default."""
    described = {"help": help, "unit": unit, "least": least, "most": most, "choices": choices}
    return field(default=default, metadata={**described, BY_MARKET: dict(by_market or {})})


BY_MARKET = "by_market"


def read(kind: type[P], values: Mapping[str, Any], market: str = "") -> P:
    """An instance of the parameters `kind` with `values` over the defaults of `market` (a second market such as us-adj
    has those of us); raises `ParamError`."""
    by_name = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    base = market.partition("-")[0]
    own = {name: defaults[base] for name, defaults in market_defaults(kind).items() if base in defaults}
    return kind(**own | {name: _value(by_name, name, value) for name, value in values.items()})


def market_defaults(kind: type[Any]) -> dict[str, Mapping[str, Any]]:
    """Parameter -> market -> its default, of the parameters whose default depends on the market."""
    defaults = {field.name: field.metadata.get(BY_MARKET, {}) for field in fields(kind)}
    return {name: by_market for name, by_market in defaults.items() if by_market}


def param_errors(kind: type[Any], values: Mapping[str, Any]) -> dict[str, ParamError]:
    """The errors of `read` by parameter; where each parameter is right, the error of their combination."""
    by_name = {field.name: field for field in fields(kind)}
    errors: dict[str, ParamError] = {}
    for name, value in values.items():
        try:
            _value(by_name, name, value)
        except ParamError as error:
            errors[name] = error
    if not errors:
        try:
            read(kind, values)
        except ParamError as error:
            errors[error.where] = error
    return errors


def _value(by_name: Mapping[str, Field[Any]], name: str, value: Any) -> Any:
    if name not in by_name:
        near = nearest_name(name, by_name)
        hint = f"did you mean {near}, of" if near else "choose among"
        raise ParamError(f"Unknown parameter {name!r}: {hint} {', '.join(by_name)}.")
    return _converted(by_name[name], value)


def _converted(field: Field[Any], value: Any) -> Any:
    kind = type(field.default)
    if isinstance(value, str) and kind is not str:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ParamError(f"{field.name} is {value!r}; it must be {_noun(kind)}.") from None
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ParamError(f"{field.name} is too large a number.")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise ParamError(f"{field.name} is {value!r}; it must be {_noun(kind)}.")
    least, most, choices = (field.metadata.get(key) for key in ("least", "most", "choices"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ParamError(f"{field.name} is {value!r}; it must be finite.")
        if (least is not None and value < least) or (most is not None and value > most):
            unit = f" {field.metadata['unit']}" if field.metadata.get("unit") else ""
            raise ParamError(f"{field.name} is {format_number(value)}; it must lie in {_range(least, most)}{unit}.")
    if choices is not None and value not in choices:
        raise ParamError(
            f"{field.name} is {value!r}; choose one of {', '.join(choices)}.{did_you_mean(value, choices)}"
        )
    return value


def _noun(kind: type[Any]) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[kind]


def _range(least: float | None, most: float | None) -> str:
    low = "-inf" if least is None else format_number(least)
    high = "inf" if most is None else format_number(most)
    return f"{low}..{high}"


def schema(kind: type[Any]) -> list[dict[str, Any]]:
    """The parameters in order: name, type, default, least, most, unit, choices, help."""
    return [
        {
            "name": field.name,
            "type": type(field.default).__name__,
            "default": None if field.default is MISSING else field.default,
            **{name: value for name, value in field.metadata.items() if name != BY_MARKET},
        }
        for field in fields(kind)
    ]


def dump(params: Any) -> dict[str, Any]:
    """Every parameter with its value, defaults included, as JSON types."""
    return asdict(params)


def digest(params: Any) -> str:
    """A hash of all values (hex, 32 characters), equal for equal parameters whatever their order."""
    return json_digest(dump(params), ensure_ascii=True)
