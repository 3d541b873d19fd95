"""The imitations as a user starts them: without the development packages."""

from __future__ import annotations

import subprocess
import sys

from tests.seismo_site.running import ROOT

DEVELOPMENT = ("pytest", "hypothesis", "pandas", "polars", "playwright", "talib")
STARTED = (
    "import runpy, sys; sys.modules.update(dict.fromkeys({names!r})); "
    "sys.argv = ['tests.exchanges', '--help']; "
    "runpy.run_module('tests.exchanges', run_name='__main__')"
)


def test_they_start_without_the_development_packages() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED.format(names=DEVELOPMENT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "{kis,krx,upbit,bithumb}" in done.stdout
