"""The steps of "Add an engine" in CONTRIBUTING.md, followed to the letter on a copy of the code in that document."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.scans.conftest import AS_OF, bring, market, sessions

__all__ = ["bring", "market", "sessions"]

DOCUMENT = Path(__file__).parents[3] / "CONTRIBUTING.md"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """The engine of the document, loaded from a file and registered as `breakout`."""
    from scans.engines.registry import ENGINES

    text = DOCUMENT.read_text(encoding="utf-8")
    section = text[text.index("## Add an engine") : text.index("## Add a source")]
    code = re.search(r"^ *```python\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)
    assert code
    file = tmp_path / "documented_breakout.py"
    file.write_text(textwrap.dedent(code[1]), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    ENGINES["breakout"] = module.Engine()
    yield ENGINES["breakout"]
    del ENGINES["breakout"]
    del sys.modules[file.stem]


def naive_breakouts(rows: pd.DataFrame, day: date, ratio: float) -> list[str]:
    """The codes, best first, by plain arithmetic on the raw bars, which this market never adjusts."""
    scores = {}
    for code, bars in rows[rows["date"] <= day].groupby("code"):
        high, volume, close = (bars[name].tolist() for name in ("high", "volume", "close"))
        top = max(high[-21:-1])
        if close[-1] > top and volume[-1] >= ratio * np.mean(volume[-20:]):
            scores[str(code)] = close[-1] / top - 1
    return sorted(scores, key=lambda code: -scores[code])


def test_the_documented_engine_picks_what_plain_arithmetic_picks(
    engine: Any, market: pd.DataFrame, sessions: list[date]
) -> None:
    from scans.models import ScannerVersion
    from scans.operations.scan.request import RunRequest
    from scans.operations.scan.run import run_scan

    ScannerVersion.objects.create(slug="breakout", engine="breakout", params={"volume_ratio": 1.0})
    request = RunRequest(
        market="kr", as_of=AS_OF, versions=["breakout"], first=sessions[25], last=sessions[-1], save=False
    )
    (scan,) = run_scan(request)
    assert not scan.error
    picks = {answer.date: [rank["code"] for rank in answer.ranks] for answer in scan.answers}
    expected = {str(day): naive_breakouts(market, day, 1.0) for day in sessions[25:]}
    assert picks == expected
    assert sum(map(len, expected.values())) >= 5


def test_the_documented_engine_explains_every_condition(engine: Any) -> None:
    from tests.scans.engines import panels
    from tests.scans.engines.asking import answer, features
    from tests.scans.engines.asking import market as random_market

    made = random_market(engine, 3)
    universe, outcome = answer(engine, made, panels.index(made), engine.Params(volume_ratio=0.5))
    measured = features(engine, made, engine.Params())
    assert len(outcome.ranks.day)
    day, column = int(outcome.ranks.day[0]), int(outcome.ranks.column[0])
    checks = engine.explain(universe, measured, panels.index(made), engine.Params(0.5), day=day, column=column)
    assert [check.name for check in checks] == ["eligible", "measured", "high", "volume"]
    assert all(check.holds for check in checks)
