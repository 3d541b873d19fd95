"""Columns of Arrow as arrays, against Arrow's own conversion; and that a scan's path needs no pandas."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketdata.lake import arrays

VALUES = [1.5, None, -0.0, float("nan"), None, 7e300, 2.0, None, 3.0, 4.0, None]


def cut(column: pa.Array[Any], *ends: int) -> pa.ChunkedArray[Any]:
    """The column from 1 on as chunks that begin at odd places."""
    bounds = [1, *ends, len(column)]
    chunks = [column.slice(low, high - low) for low, high in itertools.pairwise(bounds)]
    return pa.chunked_array(chunks, type=column.type)


@pytest.mark.parametrize("ends", [(), (4,), (2, 3, 9)])
@pytest.mark.parametrize("values", [VALUES, [float(n) for n in range(11)]])
def test_floats_and_their_nulls(values: list[float | None], ends: tuple[int, ...]) -> None:
    column = cut(pa.array(values, pa.float64()), *ends)
    expected = [np.nan if value is None else value for value in values[1:]]
    np.testing.assert_array_equal(arrays.floats(column), expected)


@pytest.mark.parametrize("ends", [(), (2,)])
def test_octets_and_days(ends: tuple[int, ...]) -> None:
    column = cut(pa.array([3, 0, 255, 7], pa.uint8()), *ends)
    assert arrays.octets(column).tolist() == [0, 255, 7]
    days = [date(1969, 12, 31), date(1990, 1, 2), date(2026, 8, 21)]
    dates = arrays.days(cut(pa.array([date(2000, 1, 1), *days]), *ends))
    assert dates.dtype == np.dtype("datetime64[D]")
    assert dates.tolist() == days


def test_nothing_is_nothing() -> None:
    assert arrays.floats(pa.chunked_array([], type=pa.float64())).shape == (0,)


def test_reading_an_index_imports_no_pandas(tmp_path: Any) -> None:
    """In a process of its own, since the tests themselves have pandas."""
    program = f"""
import sys
import numpy as np
from marketdata.lake import index_file
from marketdata.lake.layout import Lake
index = index_file.read(Lake({str(tmp_path)!r}), "kr")
assert index.values[0].tolist() == [0.5, 0.25], index
assert "pandas" not in sys.modules
"""
    from marketdata.lake import index_file
    from marketdata.lake.layout import Lake

    days = np.array(["2024-03-04", "2024-03-05"], dtype="datetime64[D]")
    made = index_file.IndexFile(days, np.array([[0.5, 0.25]] * 4), {})
    index_file.write(Lake(str(tmp_path)), "kr", made)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
