"""Keys: equal for equal questions, different for different ones, fit for any cache server."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching import keys

SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
)
PARTS = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def form(part: object) -> object:
    """What a part is, types included, in a form that Python compares (True is not 1, 1.0 is not 1, 0.0 is not -0.0)."""
    if isinstance(part, list):
        return ("list", tuple(form(one) for one in part))
    if isinstance(part, dict):
        return ("map", frozenset((key, form(value)) for key, value in part.items()))
    return (type(part).__name__, repr(part))


@pytest.mark.slow
@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4))
def test_digests_are_equal_exactly_for_equal_arguments(one: list[object], other: list[object]) -> None:
    assert (keys.digest(one) == keys.digest(other)) == (form(one) == form(other))


@given(st.dictionaries(st.text(max_size=3), SIMPLE, min_size=2))
def test_the_order_of_a_mapping_does_not_count(given_map: dict[str, object]) -> None:
    turned = dict(reversed(given_map.items()))
    assert keys.digest([given_map]) == keys.digest([turned])


def test_neighbours_do_not_run_together() -> None:
    class Side(enum.Enum):
        BUY = 1

    groups: list[list[object]] = [
        ["ab", "c"], ["a", "bc"], ["abc"], [["ab", "c"]], ["ab", ["c"]], [1, "1"], ["1", 1], [1], [True], [1.0],
        [Decimal(1)], [None], ["None"], [()], [], [date(2026, 1, 2)], [datetime(2026, 1, 2, tzinfo=UTC)],
        ["2026-01-02"], [frozenset({"a", "b"})], [{"a": "b"}], [Side.BUY], ["Side.BUY"], ["a,str1=b"], ["a", "b"],
    ]  # fmt: skip
    assert len({keys.digest(parts) for parts in groups}) == len(groups)


def test_a_key_is_short_and_plain() -> None:
    key = keys.answer("x" * 100, version=1, generation=2**63, parts=["한글 text\n" * 1000])
    assert len(keys.lease(key)) <= 200
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


def test_each_of_version_and_generation_makes_another_key() -> None:
    made = {
        keys.answer(what, version=version, generation=generation, parts=["a"])
        for what in ("chart", "list")
        for version in (1, 2)
        for generation in (1, 2)
    }
    assert len(made) == 8


@pytest.mark.parametrize("part", [object(), b"bytes", len, [object()]])
def test_what_makes_no_key_is_refused(part: object) -> None:
    with pytest.raises(keys.KeyPartError, match="No cache key can be made from a"):
        keys.digest([part])


@pytest.mark.parametrize("name", ["", "with space", "star*", "x" * 101, "line\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name something cached"):
        keys.generation(name)
