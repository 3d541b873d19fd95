"""The notebooks of docs/notebooks run, and show what they give."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scans import seismo
from scans.operations.research.periods import SweepProblem
from tests.notebooks import FOLDER, execute, import_market

pytestmark = pytest.mark.slow


def test_notebooks_show_their_true_outputs(
    db: None, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "seismo", seismo)  # as after `pip install .`
    import_market(tmp_path)
    paths = sorted(FOLDER.glob("*.ipynb"))
    assert [path.stem for path in paths] == ["first-screen", "one-stock", "study"]
    for path in paths:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        assert execute(recorded) == recorded, f"{path.name}: run python -m tests.notebooks"
    assert execute(recorded) == recorded, "a study that is recorded is the same again"
    with pytest.raises(SweepProblem, match="A sweep named dips exists"):
        seismo.sweep("dips", horizon=5, top_n=[3, 6])
