"""docs/formula.md is what the language has."""

from __future__ import annotations

from pathlib import Path

import pytest

from scans.engines.engine_params import read
from scans.engines.formula import docs
from scans.engines.formula.examples import DIP, LEADERS, NEUTRAL, V1
from scans.engines.formula.functions import FUNCTIONS, GROUPS
from scans.engines.registry import ENGINES

DOCUMENT = Path(__file__).parents[4] / "docs" / "formula.md"


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == docs.text(), (
        "run: python -m scans.engines.formula.docs > docs/formula.md"
    )


def test_every_function_is_in_it_once() -> None:
    assert sum(map(len, GROUPS.values())) == len(FUNCTIONS)
    shown = DOCUMENT.read_text(encoding="utf-8")
    for one in FUNCTIONS.values():
        assert shown.count(f"| `{one.usage}` |") == 1


@pytest.mark.parametrize("example", [DIP, LEADERS, NEUTRAL, V1])
def test_its_examples_are_right(example: dict[str, str]) -> None:
    assert read(ENGINES["formula"].Params, example)
