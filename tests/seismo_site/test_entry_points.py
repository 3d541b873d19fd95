"""The entry points of processes: what they set before the first import that reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.seismo_site.running import ROOT, environment

pytestmark = pytest.mark.slow

WATCH = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print("threads", os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Watch())
"""
COMMAND = "from seismo_site.command_line import main; sys.argv = ['manage.py', 'run_scan', '--help']; main()"


@pytest.mark.parametrize(
    "code",
    [COMMAND, "import seismo_site.wsgi", "import seismo_site.asgi", "import seismo_site.aws_lambda"],
    ids=["command line", "wsgi", "asgi", "lambda"],
)
def test_products_of_matrices_have_one_thread_before_numpy_is_imported(tmp_path: Path, code: str) -> None:
    env = environment(tmp_path)
    env.pop("OPENBLAS_NUM_THREADS", None)
    done = subprocess.run([sys.executable, "-c", WATCH + code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("threads")] == ["threads 1"]
