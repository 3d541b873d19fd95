"""The image without Docker: each step of the Dockerfile, done in a directory, leaves a Seismo that runs.

Packages are not installed again: the environment of the tests has them, from the same pinned files.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seismo_site.running import ROOT, environment

pytestmark = pytest.mark.slow
STEP = re.compile(r"^(FROM|COPY|RUN|USER|ENV|WORKDIR|VOLUME|EXPOSE|CMD|ARG) (.*)$", re.MULTILINE)


def steps() -> list[tuple[str, str]]:
    """(instruction, arguments) of the last stage."""
    found = STEP.findall((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    return found[max(n for n, (name, _) in enumerate(found) if name == "FROM") :]


def test_the_image_runs_as_a_user_without_rights_on_python_3_13() -> None:
    names = [name for name, _ in steps()]
    assert steps()[0][1] == "python:3.13-slim"
    assert dict(steps())["USER"] == "seismo"
    assert names.index("USER") > max(n for n, name in enumerate(names) if name in ("COPY", "RUN"))
    assert "--uid 10001 seismo" in " ".join(text for name, text in steps() if name == "RUN")


def test_its_steps_leave_an_installation_that_starts(tmp_path: Path) -> None:
    app, data = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    programs = Path(sys.executable).parent
    env = {**environment(data), "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=app, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for name, text in steps():
        if name == "COPY" and "--from" not in text:
            *sources, target = shlex.split(text)
            for source in sources:
                place = app / target / Path(source).name if target.endswith("/") else app / target
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("*.mo", "__pycache__"))
                else:
                    shutil.copy(ROOT / source, place)
        if name == "RUN" and text.startswith("pybabel"):
            run(*shlex.split(text))
    assert list(app.glob("seismo_site/locale/*/LC_MESSAGES/*.mo"))
    run("python", "manage.py", "migrate", "--verbosity", "0")
    start = dict(steps())["CMD"]
    assert "exec granian" in start
    run("python", "manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    assert (data / "static").is_dir()
    assert run("python", "-c", "import seismo_site.wsgi as site; print(site.__file__)").startswith(str(app))
    shutil.copytree(ROOT / "tests", app / "tests", ignore=shutil.ignore_patterns("__pycache__"))  # mounted there
    assert "record-size" in run("python", "-m", "tests.benchmarks", "--help")
