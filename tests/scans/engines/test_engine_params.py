"""Parameters read from text and JSON, and what is said of those that do not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from scans.engines.engine_params import ParamError, digest, dump, market_defaults, param, read, schema


@dataclass(frozen=True)
class Params:
    share: float = param(0.5, least=0, most=1, unit="fraction", help="A share")
    top_n: int = param(20, least=1, help="How many")
    model: str = param("v2", choices=("v1", "v2"), help="Which model")
    strict: bool = param(False, help="Whether")


def test_absent_parameter_keeps_its_default() -> None:
    assert read(Params, {}) == Params()
    assert read(Params, {"top_n": 3}) == Params(top_n=3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"share": "0.25"}, 0.25), ({"share": 1}, 1.0), ({"top_n": "7"}, 7), ({"model": "v1"}, "v1"),
        ({"strict": "true"}, True),
    ],
)  # fmt: skip
def test_text_is_read_as_the_type_of_the_parameter(values: dict[str, Any], expected: Any) -> None:
    result = getattr(read(Params, values), next(iter(values)))
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"shares": 1},
            r"Unknown parameter 'shares': did you mean share, of share, top_n, model, strict\.",
        ),
        ({"share": 1.5}, r"share is 1\.5; it must lie in 0\.\.1 fraction\."),
        ({"share": float("nan")}, r"share is nan; it must be finite\."),
        ({"share": "much"}, r"share is 'much'; it must be a number\."),
        ({"share": True}, r"share is True; it must be a number\."),
        ({"top_n": 0}, r"top_n is 0; it must lie in 1\.\.inf\."),
        ({"top_n": 2.5}, r"top_n is 2\.5; it must be a whole number\."),
        ({"top_n": True}, r"top_n is True; it must be a whole number\."),
        ({"model": "v9"}, r"model is 'v9'; choose one of v1, v2\."),
        ({"strict": 1}, r"strict is 1; it must be true or false\."),
        ({"strict": "yes"}, r"strict is 'yes'; it must be true or false\."),
    ],
)
def test_invalid_parameter_is_refused_in_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParamError, match=sentence):
        read(Params, values)


@dataclass(frozen=True)
class Priced:
    price_min: float = param(2000.0, least=0, by_market={"us": 2.0}, help="In won, or dollars")
    top_n: int = param(20, least=1, help="How many")


def test_a_market_may_have_a_default_of_its_own() -> None:
    assert market_defaults(Priced) == {"price_min": {"us": 2.0}}
    assert market_defaults(Params) == {}
    assert read(Priced, {}, "us") == read(Priced, {"top_n": 20}, "us-adj") == Priced(price_min=2.0)
    assert read(Priced, {}, "kr") == read(Priced, {}) == Priced()
    assert read(Priced, {"price_min": 2000}, "us") == Priced()
    assert "by_market" not in schema(Priced)[0]


def test_equal_parameters_have_one_digest_and_others_another() -> None:
    assert digest(read(Params, {"top_n": 3, "share": 1})) == digest(Params(share=1.0, top_n=3))
    assert digest(Params(top_n=3)) != digest(Params(top_n=4))
    assert dump(Params()) == {"share": 0.5, "top_n": 20, "model": "v2", "strict": False}


def test_schema_describes_every_parameter_in_order() -> None:
    described = schema(Params)
    assert [one["name"] for one in described] == ["share", "top_n", "model", "strict"]
    assert described[0] == {
        "name": "share", "type": "float", "default": 0.5, "least": 0, "most": 1, "unit": "fraction",
        "choices": None, "help": "A share",
    }  # fmt: skip
