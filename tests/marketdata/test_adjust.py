"""Sessions without a trade: every instrument of a market, and one alone, are filled as a naive walk fills them."""

from __future__ import annotations

from math import isnan, nan
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marketdata import adjust

PRICE = st.sampled_from([nan, 0.7, 1.0, 99.5, 1250.0])
CELL = st.tuples(
    st.sampled_from([0, adjust.PRESENT, adjust.PRESENT | adjust.TRADED]),
    PRICE,
    st.none() | st.sampled_from([0.5, 3.0, 1000.0]),
    st.none() | st.sampled_from([0.2, 1.0, 1.5]),
)
"""State, recorded close, base price and ratio of an event, where there are any."""


def walked(column: list[Any], first: int, carry: float) -> tuple[list[float], list[bool]]:
    """The closes of one instrument and which of its sessions have no trade, session by session."""
    closes, idle, before = [], [], carry
    for t, (state, close, base, ratio) in enumerate(column):
        quiet = t >= first and not state & adjust.TRADED
        if quiet and base is not None:
            close = base
        elif quiet and not isnan(before):
            close = before * (1.0 if ratio is None else ratio)
        closes.append(close)
        idle.append(quiet)
        before = close
    return closes, idle


def sparse(cells: list[list[Any]], member: int) -> adjust.Sparse:
    values = [nan if cell[member] is None else cell[member] for row in cells for cell in row]
    at = np.flatnonzero(~np.isnan(values))
    return adjust.Sparse(at, np.array(values)[at])


@given(st.data(), st.integers(1, 10), st.integers(1, 3))
def test_sessions_without_a_trade(data: st.DataObject, sessions: int, instruments: int) -> None:
    cells = data.draw(
        st.lists(
            st.lists(CELL, min_size=instruments, max_size=instruments),
            min_size=sessions,
            max_size=sessions,
        )
    )
    first = data.draw(st.lists(st.integers(0, sessions), min_size=instruments, max_size=instruments))
    carry = data.draw(st.lists(PRICE, min_size=instruments, max_size=instruments))
    for chosen in (range(instruments), *((n,) for n in range(instruments))):
        chosen_cells = [[row[n] for n in chosen] for row in cells]
        close = np.array([[cell[1] for cell in row] for row in chosen_cells])
        state = np.array([[cell[0] for cell in row] for row in chosen_cells], dtype=np.uint8)
        idle = adjust.fill(
            close,
            state,
            np.array([first[n] for n in chosen], dtype=np.int32),
            np.array([carry[n] for n in chosen]),
            sparse(chosen_cells, 2),
            sparse(chosen_cells, 3),
        )
        for at, n in enumerate(chosen):
            closes, quiet = walked([row[n] for row in cells], first[n], carry[n])
            assert np.array_equal(close[:, at], closes, equal_nan=True)
            assert idle[:, at].tolist() == quiet
