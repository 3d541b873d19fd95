"""A read of few instruments has what a read of all has of them, whichever they are: in one row group or in several,
without a bar in some months, with base prices and events. That of all is compared with a naive reader elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marketdata.lake import assembler, writer
from tests.marketdata.lake.lake_files import here, market, sessions, store, window

REACH = {"open": 4, "close": 60, "raw_close": 0, "volume": 20, "amount": 0}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("group", [5, 1024])
def test_few_instruments_are_those_of_all(
    seed: int, group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CODES_PER_GROUP", group)
    days, random = sessions(90), np.random.default_rng(seed)
    opened = window(here(tmp_path), store(here(tmp_path), market(seed, days, 40)), days, 60)
    whole, ways = opened.read(REACH), set()
    for count in (1, 2, 2, 3, 20):
        codes = np.sort(random.choice(opened.survey.codes, count, replace=False))
        ways.add(count * assembler.FEW < len(opened.survey.codes))
        some = replace(opened, survey=replace(opened.survey, codes=codes)).read(REACH, threads=2)
        at = np.searchsorted(whole.codes, some.codes)
        assert whole.codes[at].tolist() == some.codes.tolist()
        for name, array in some.fields.items():
            np.testing.assert_array_equal(array, whole.fields[name][:, at], name)
        names = np.array([*some.segments, ""])[some.segment]
        assert names.tolist() == np.array([*whole.segments, ""])[whole.segment[:, at]].tolist()
        for name in ("flags", "suspect"):
            np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[:, at], name)
        np.testing.assert_array_equal(some.first, whole.first[at])
    assert ways == {True, False}
