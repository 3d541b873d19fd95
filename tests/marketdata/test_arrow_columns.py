"""NumPy arrays as columns of Arrow, against Arrow's own conversion."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketdata import arrow_columns

ARRAYS = {
    "float64": np.array([1.5, np.nan, -0.0, np.inf, 7e300, 2.0, 3.0, 4.0, 5.0]),
    "every other": np.arange(18.0)[::2],
    "int8": np.array([-1, 0, 1, 2, 3, 4, 5, 6, 7], dtype=np.int8),
    "int64": np.arange(9) - 4,
    "bool": np.array([True, False, True, True, False, False, False, True, True]),
    "text": np.array(["005930", "", "삼성", "A", "BRK.B", "x" * 40, "7", "8", "9"]),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("rows", [0, 1, 8, 9])
def test_a_column_is_that_of_arrow(name: str, rows: int) -> None:
    array = ARRAYS[name][:rows]
    made, expected = arrow_columns.to_arrow(array), pa.array(array)
    made.validate(full=True)
    assert made.type == expected.type
    assert repr(made.to_pylist()) == repr(expected.to_pylist())


@pytest.mark.parametrize("name", [one for one in ARRAYS if one != "text"])
@pytest.mark.parametrize("ends", [(), (3,), (1, 4, 8)])
def test_values_of_a_column_in_chunks_that_begin_anywhere(name: str, ends: Any) -> None:
    array = ARRAYS[name]
    whole = pa.array(array)
    bounds = [1, *ends, len(whole)]
    chunks = [whole.slice(low, high - low) for low, high in itertools.pairwise(bounds)]
    values = arrow_columns.to_numpy(pa.chunked_array(chunks))
    assert values.dtype == array.dtype
    np.testing.assert_array_equal(values, array[1:])
    nothing = arrow_columns.to_numpy(pa.chunked_array([], type=whole.type))
    assert (nothing.dtype, nothing.shape) == (array.dtype, (0,))
