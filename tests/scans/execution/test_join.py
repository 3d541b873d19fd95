"""Pieces put together again: each array once, however many tasks share it, and no piece kept longer than needed."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from scans.engines.base import Features, Universe
from scans.execution.cost import Cost
from scans.execution.shards import EngineTask, Piece, join_pieces

SESSIONS = np.array(["2024-03-04", "2024-03-05"], dtype="datetime64[D]")


def piece(codes: list[str], *features: Features | Exception) -> Piece:
    shape = (len(SESSIONS), len(codes))
    facts = Universe(
        sessions=SESSIONS,
        codes=np.array(codes),
        eligible=np.zeros((0, 0), dtype=bool),
        amount=np.ones(shape),
        close=np.ones(shape),
        change_pct=np.zeros(shape),
        segment=np.zeros(shape, dtype=np.int8),
        segments=("KOSPI",),
    )
    eligible = tuple(np.ones(shape, dtype=bool) for _ in features)
    return Piece(facts, eligible, list(features), Cost(), (Cost(),) * len(features), 0)


def tasks(count: int) -> list[EngineTask]:
    return [EngineTask(cast("Any", None), None, ("KOSPI",), {}) for _ in range(count)]


def made(codes: list[str], seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=(2, len(codes))) for name in ("gap", "ext")}


def test_every_task_gets_its_arrays_over_all_instruments() -> None:
    left, right = made(["A", "B"], 1), made(["C"], 2)
    other, rest = made(["A", "B"], 3), made(["C"], 4)
    result = list(join_pieces([piece(["A", "B"], left, other), piece(["C"], right, rest)], tasks(2)))
    for (universe, features), (one, two) in zip(result, ((left, right), (other, rest)), strict=True):
        assert universe.codes.tolist() == ["A", "B", "C"]
        assert universe.eligible.shape == (2, 3)
        assert not isinstance(features, Exception)
        for name, values in features.items():
            np.testing.assert_array_equal(values, np.hstack([one[name], two[name]]))


@pytest.mark.parametrize("pieces", [1, 2])
def test_what_tasks_share_is_put_together_once(pieces: int) -> None:
    parts = [made(["A"], seed) for seed in range(pieces)]
    own = [{"gap": part["gap"], "rsi": part["ext"] + 1} for part in parts]
    rows = [piece([code], part, values) for code, part, values in zip("AB"[:pieces], parts, own, strict=True)]
    (_, first), (_, second) = join_pieces(rows, tasks(2))
    assert not isinstance(first, Exception)
    assert not isinstance(second, Exception)
    assert first["gap"] is second["gap"]
    assert set(second) == {"gap", "rsi"}
    assert all(not one.features for one in rows)  # the pieces keep nothing any more


def test_a_task_that_failed_in_one_piece_leaves_the_others_standing() -> None:
    odd = ValueError("odd")
    left, right = made(["A"], 1), made(["B"], 2)
    rows = [piece(["A"], left, left), piece(["B"], odd, right)]
    (_, failed), (_, whole) = join_pieces(rows, tasks(2))
    assert failed is odd
    assert not isinstance(whole, Exception)
    np.testing.assert_array_equal(whole["ext"], np.hstack([left["ext"], right["ext"]]))
