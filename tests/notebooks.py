"""Execute the notebooks of docs/notebooks over the generated market that they name, without Jupyter.

python -m tests.notebooks      executes each in a data directory of its own and writes its outputs into it
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
MARKET = {"instruments": 80, "sessions": 320, "end": "2026-06-30"}


def import_market(folder: Path) -> None:
    """The market that the notebooks name, through the door."""
    from django.core.management import call_command

    file = folder / "demo.parquet"
    options = [part for name, value in MARKET.items() for part in (f"--{name}", str(value))]
    call_command("make_demo_prices", "--output", str(file), *options, stdout=io.StringIO())
    call_command("import_prices", str(file), "--market", "kr", stdout=io.StringIO(), stderr=io.StringIO())


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its cells: what they print, and the value of their last expression as text."""
    names: dict[str, Any] = {}
    count, cells = 0, []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell = {**cell, "execution_count": count, "outputs": _outputs("".join(cell["source"]), names, count)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    body = ast.parse(source).body
    last = None
    if isinstance(body[-1], ast.Expr):
        last = ast.Expression(body[-1].value)
        del body[-1]
    printed, outputs = io.StringIO(), list[dict[str, Any]]()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "cell", "exec"), names)  # noqa: S102 - the cells of our own notebooks
        value = None if last is None else eval(compile(last, "cell", "eval"), names)  # noqa: S307
    if text := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append({"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return outputs


def main() -> None:
    """Execute every notebook and write it."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    import_market(Path(os.environ["SEISMO_DATA_DIR"]))
    sys.modules["seismo"] = importlib.import_module("scans.seismo")  # as after `pip install .`
    for path in sorted(FOLDER.glob("*.ipynb")):
        text = json.dumps(execute(json.loads(path.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(SEISMO_DATA_DIR=folder, DJANGO_SETTINGS_MODULE="seismo_site.settings", DATABASE_URL="")
        main()
