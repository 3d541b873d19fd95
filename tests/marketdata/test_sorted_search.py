"""Search in ascending arrays against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marketdata.sorted_search import positions_in

numbers = st.lists(st.integers(-50, 50), max_size=20)


@given(values=numbers, wanted=numbers)
def test_each_is_found_where_it_is(values: list[int], wanted: list[int]) -> None:
    ascending = sorted(set(values))
    expected = [ascending.index(one) if one in ascending else -1 for one in wanted]
    assert positions_in(np.array(ascending, dtype=int), np.array(wanted, dtype=int)).tolist() == expected
