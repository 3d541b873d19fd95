"""What lies in the cache is data: it comes back as it was, and nothing of it can run."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack
import numpy as np
import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from caching.cached import cached
from caching.serializer import UnreadableValue, pack, register, unpack

RAN: list[str] = []


@dataclass(frozen=True, slots=True)
class Pick:
    code: str
    parts: tuple[float, ...]
    other: Any = None


@dataclass
class Stranger:
    code: str = ""


register(Pick)

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.decimals(allow_nan=False)
    | st.uuids()
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(0, 9) | st.dates(), inner, max_size=3)
        | st.frozensets(st.text() | st.integers(0, 9), max_size=3)
        | st.builds(Pick, st.text(), st.just((0.5, 1.0)), inner)
    ),
    max_leaves=8,
)


def kinds(value: Any) -> Any:
    """A value with the type of each part, since 1 == 1.0 == True and (1,) is not [1]."""
    match value:
        case list() | tuple():
            return type(value), [kinds(one) for one in value]
        case dict():
            return {key: kinds(one) for key, one in value.items()}
        case Pick():
            return Pick, kinds(value.code), kinds(value.parts), kinds(value.other)
    return type(value), value


@given(VALUES)
def test_a_value_comes_back_with_its_types(value: Any) -> None:
    assert kinds(unpack(pack(value))) == kinds(value)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, np.nan], [np.inf, -0.0]]),
        np.arange(6, dtype=np.int32).reshape(2, 3)[:, ::2],
        np.array(["2026-08-21", "NaT"], "datetime64[D]"),
        np.zeros((0, 3), bool),
    ],
)
def test_an_array_comes_back_as_it_was(array: Any) -> None:
    restored = unpack(pack({"bars": array}))["bars"]
    assert (restored.dtype, restored.shape) == (array.dtype, array.shape)
    assert restored.tobytes() == np.ascontiguousarray(array).tobytes()
    if restored.size:
        restored[...] = restored  # it may be written to


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2026-08-21"), date(2026, 8, 21)),
    ],
)
def test_a_numpy_scalar_is_what_it_says(value: Any, plain: Any) -> None:
    assert kinds(unpack(pack([value]))) == kinds([plain])


@pytest.mark.parametrize(
    "value",
    [Stranger(), object(), len, lambda: 1, Pick, np.array([object()]), {"deep": [Stranger()]}],
)
def test_what_is_no_data_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be cached"):
        pack(value)


def test_an_integer_beyond_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        pack(2**64)


class Trap:
    """Pickled, it calls when it is read."""

    def __reduce__(self) -> Any:
        return RAN.append, ("ran",)


def evil() -> list[bytes]:
    """Bytes that another program might write into a cache."""
    stranger = msgpack.packb([f"{__name__}.Stranger", {"code": "x"}])
    missing = msgpack.packb([f"{__name__}.Pick", {"code": "x"}])
    return [
        pickle.dumps(Trap()),
        pickle.dumps((Trap(),)),
        msgpack.packb(msgpack.ExtType(8, stranger)),
        msgpack.packb(msgpack.ExtType(8, msgpack.packb(["os.system", {"command": "true"}]))),
        msgpack.packb(msgpack.ExtType(8, missing)),
        msgpack.packb(msgpack.ExtType(7, msgpack.packb(["O", [1], b"\0" * 8]))),
        msgpack.packb(msgpack.ExtType(99, b"")),
        b"",
        b"\xc1",
        pack([1, 2, 3])[:-1],
        pack("one") + b"more",
    ]


@pytest.mark.parametrize("content", evil())
def test_foreign_content_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableValue):
        unpack(content)
    assert RAN == []


@pytest.mark.backend
def test_what_is_written_beside_the_cache_is_a_miss_and_never_runs() -> None:
    """As it would lie in Redis: raw bytes under a real key."""
    for n, content in enumerate(evil()):
        kept = cached("published", what="test", version=n)(lambda: "computed")
        key = kept.key()
        client = getattr(cache, "client", None)
        if client is not None:
            client.get_client(write=True).set(client.make_key(key), content)
        else:
            cache.set(key, content)
        assert kept() == "computed"
        assert kept() == "computed"
    assert RAN == []


def test_values_of_every_kind_by_hand() -> None:
    """The form on the wire: what one release writes the next one reads."""
    wire = {
        (1, 2): b"\xc7\x03\x01\x92\x01\x02",
        date(2026, 8, 21): b"\xc7\x0a\x022026-08-21",
        datetime(2026, 8, 21, 9, tzinfo=UTC): b"\xc7\x19\x032026-08-21T09:00:00+00:00",
        Decimal("1.50"): b"\xd6\x041.50",
        UUID(int=1): b"\xd8\x09" + bytes(15) + b"\x01",
    }
    for value, content in wire.items():
        assert pack(value) == content
        assert unpack(content) == value
