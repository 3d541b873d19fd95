"""Which executor `auto` stands for, and how instruments are cut into pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.execution import executors
from scans.execution.shards import CELLS, instrument_slices


def test_auto_is_one_thread_for_little_and_threads_for_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executors, "cores", lambda: 4)
    assert executors.choose_executor("auto", 640 * 2_537) == "inline"
    assert executors.choose_executor("auto", 640 * 20_000) == "thread"
    monkeypatch.setattr(executors, "cores", lambda: 1)
    assert executors.choose_executor("auto", 640 * 20_000) == "inline"


def test_auto_means_threads_on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "scan")
    assert executors.choose_executor("auto", 1) == "thread"


def test_executor_is_chosen_by_name_and_unknown_ones_are_refused() -> None:
    assert executors.choose_executor("process", 1) == "process"
    assert executors.choose_executor("dask", 1) == "dask"
    with pytest.raises(ValueError, match="Unknown executor 'ray': choose among auto, inline"):
        executors.choose_executor("ray", 1)


@given(sessions=st.integers(1, 3000), instruments=st.integers(0, 25_000), least=st.integers(1, 8))
def test_pieces_cover_every_instrument_once_and_are_bounded(sessions: int, instruments: int, least: int) -> None:
    parts = instrument_slices(sessions, instruments, least)
    assert parts[0].start == 0
    assert parts[-1].stop == instruments
    assert all(one.stop == other.start for one, other in itertools.pairwise(parts))
    assert all((part.stop - part.start - 1) * sessions <= CELLS for part in parts)
    assert len(parts) >= min(least, max(instruments, 1))
