"""Entries of the score cache: what comes back is what was kept, and the key is made of what it depends on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as settings_of_django
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.engines.base import Engine, Universe
from scans.engines.engine_params import read
from scans.engines.registry import ENGINES
from scans.execution.shards import EngineTask
from scans.feature_cache import entries
from tests.scans.engines import panels
from tests.scans.engines.asking import FLOWING, features, lenient, market, rows
from tests.scans.probe import Probe

every_engine = pytest.mark.parametrize("engine", [*ENGINES.values(), FLOWING], ids=[*ENGINES, "vcp with flow"])
DAY: np.datetime64[date] = np.datetime64("2026-08-21")
BASE = Path(settings_of_django.BASE_DIR)
NAME = "0123456789abcdef" * 2


@every_engine
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_a_session_that_was_kept_scores_as_if_it_had_been_computed(engine: Engine, seed: int) -> None:
    made, params = market(engine, seed), lenient(engine)
    universe = panels.universe(made, engine.min_bars)
    index = panels.index(made, seed)
    result = features(engine, made)
    origins = np.arange(len(universe.codes), dtype=np.uint64)
    made_entries = entries.session_entries(universe, result)
    kept = [replace(entry, data="d1", window="w1", origins=origins) for entry in made_entries]
    assert len(kept) == len(universe.sessions)
    for k in (0, len(kept) - 1):
        back = entries.decode_entry(entries.encode_entry(kept[k], NAME), NAME)
        assert back.features.keys() == result.keys()
        for name, array in result.items():
            assert back.features[name].dtype == array.dtype
            np.testing.assert_array_equal(back.features[name], array[k : k + 1])
        for fact in ("sessions", "eligible", "amount", "close", "change_pct", "segment"):
            theirs, ours = getattr(back.universe, fact), getattr(universe, fact)[k : k + 1]
            assert theirs.dtype == ours.dtype
            np.testing.assert_array_equal(theirs, ours)
        assert back.universe.codes.tolist() == universe.codes.tolist()
        assert back.universe.segments == universe.segments
        assert (back.data, back.window) == ("d1", "w1")
        np.testing.assert_array_equal(back.origins, origins)
        alone = engine.score(kept[k].universe, kept[k].features, index, params)
        again = engine.score(back.universe, back.features, index, params)
        assert rows(back.universe, again) == rows(kept[k].universe, alone)


def test_features_of_another_shape_are_not_kept() -> None:
    made = panels.panel(1)
    universe = panels.universe(made, 2)
    assert entries.session_entries(universe, {"one": np.zeros(len(universe.codes))}) == []


def test_a_file_that_is_another_entrys_or_none_is_refused() -> None:
    made = panels.panel(1)
    universe: Universe = panels.universe(made, 2)
    entry = entries.session_entries(universe, {"one": np.zeros(universe.eligible.shape)})[0]
    file = entries.encode_entry(entry, NAME)
    with pytest.raises(ValueError, match="it is not the entry fedc"):
        entries.decode_entry(file, NAME[::-1])
    for broken in (file[:-100], b"", b"no Parquet at all"):
        with pytest.raises((ValueError, OSError)):
            entries.decode_entry(broken, NAME)


def task(slug: str = "v2", **options: Any) -> EngineTask:
    engine = ENGINES[slug]
    return EngineTask(engine, read(engine.Params, options), ("KOSPI", "KOSDAQ"), {"KOSPI": 200})


def key(of: EngineTask, market: str = "kr", session: np.datetime64[date] = DAY) -> str:
    return entries.entry_key(of, market=market, session=session)


def test_a_key_is_made_of_all_that_features_depend_on_but_the_data() -> None:
    now = key(task())
    assert now == key(task())
    assert len(now) == 32
    different = [
        key(task(), market="us"),
        key(task(), session=DAY - 1),
        key(task("v3")),
        key(replace(task(), segments=("KOSPI",))),
        key(task("vcp")),
        key(task("vcp", flow_weight=0.5)),
        key(task("formula", match="raw_close > 5")),
        key(task("formula", match="raw_close > 6")),
        key(task("formula", match="raw_close > 6", min_bars=61)),
    ]
    assert len({now, *different}) == 1 + len(different)


def test_what_only_scores_shares_its_key() -> None:
    assert key(task(vol_mult=3.0)) == key(task())
    assert key(replace(task(), top=5)) == key(task())
    assert key(replace(task(), limits={})) == key(task())
    assert key(task("vcp", flow_weight=0.5)) == key(task("vcp", flow_weight=0.6))
    assert key(task("formula", top_n=7)) == key(task("formula"))


def test_another_revision_or_other_code_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    now = key(task())
    monkeypatch.setattr(type(ENGINES["v2"]), "revision", 2)
    later = key(task())
    monkeypatch.setattr(entries, "code_digest", lambda: "edited")
    assert len({now, later, key(task())}) == 3


def test_the_code_is_that_which_computes_features() -> None:
    """All of the engines, the kernels, the execution and the lake, and what they stand on."""
    files = {str(path.relative_to(BASE)) for path in entries.source_files()}
    for part in ("scans/engines", "scans/kernels", "scans/execution", "scans/feature_cache", "marketdata/lake"):
        there = {str(path.relative_to(BASE)) for path in (BASE / part).rglob("*.py")}
        assert there
        assert there <= files
    assert {
        "marketdata/adjust.py",
        "marketdata/queries/carry_forward.py",
        "marketdata/markets.py",
    } <= files
    assert all((BASE / file).is_file() for file in files)


def test_an_engine_that_does_not_say_has_no_key() -> None:
    assert key(EngineTask(Probe(), Probe.Params(), (), {})) == ""
