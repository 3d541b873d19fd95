"""`make demo` and `make serve` in a clone, with the installed packages, without node and network: the first user makes
an account by the printed link and reads a pick and its chart."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seismo_site import assets
from tests.browser.visits import PASSWORD, PATIENCE
from tests.seismo_site.running import ROOT, environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

NODE = ("node", "npm", "npx")
NO_NETWORK = "http://127.0.0.1:9"
"""The address of a proxy that does not answer."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of this checkout with the installed packages as its environment, and the charts' script if it was
    fetched."""
    folder, venv = tmp_path / "clone", tmp_path / "clone" / ".venv"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    venv.mkdir()
    for name in ("bin", "lib", "lib64", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (venv / name).symlink_to(Path(sys.prefix) / name)
    requirements = (folder / "requirements" / "base.txt").read_bytes()
    checksum = subprocess.run(["cksum"], input=requirements, capture_output=True, check=True).stdout.split()[0].decode()
    (venv / f".base-{checksum}").touch()
    shutil.copytree(ROOT / "seismo_site" / "locale", folder / "seismo_site" / "locale", dirs_exist_ok=True)
    if assets.FOLDER.is_dir():
        shutil.copytree(assets.FOLDER, folder / "var" / "assets")
    return folder


@pytest.fixture
def offline(clone: Path) -> dict[str, str]:
    """An environment whose node, npm and npx fail, and whose network does not answer."""
    programs = clone.parent / "programs"
    programs.mkdir()
    for name in NODE:
        (programs / name).write_text("#!/bin/sh\nexit 127\n")
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in environment(clone).items() if not name.startswith("SEISMO_")}
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), NO_NETWORK)
    return {**kept, **proxies, "SEISMO_ENV_FILE": os.devnull, "PATH": f"{programs}:{kept['PATH']}"}


@contextmanager
def serve(clone: Path, env: dict[str, str]) -> Iterator[str]:
    """The link for the first user that `make serve` prints."""
    demo = {"SEISMO_DATA_DIR": "var/demo", "DATABASE_URL": "", "REDIS_URL": ""}
    link = None
    while link is None:  # a port that was free may be another's by now
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        process = subprocess.Popen(
            ["make", "serve", f"PORT={port}"],
            cwd=clone,
            env={**env, **demo},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        printed = ""
        for line in process.stdout:
            printed += line
            if link := re.search(rf"http://127\.0\.0\.1:{port}/first-user/\S+", line):
                break
        assert link or "is in use by another server" in printed, printed
    try:
        yield link.group()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()


def test_a_clone_shows_its_first_pick(chromium: Browser, clone: Path, offline: dict[str, str]) -> None:
    demo = subprocess.run(["make", "demo"], cwd=clone, env=offline, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stderr
    assert re.search(r"http://127\.0\.0\.1:8000/kr/$", demo.stdout.strip())
    with serve(clone, offline) as link:
        context = chromium.new_context(locale="ko-KR")
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        for _ in range(PATIENCE // 500):  # the link is printed before the server listens
            try:
                page.goto(link)
                break
            except Exception:
                page.wait_for_timeout(500)
        page.fill("#id_username", "ann")
        page.fill("#id_password1", PASSWORD)
        page.fill("#id_password2", PASSWORD)
        page.click("button.primary")
        page.wait_for_url("**/kr/")
        page.locator(".picks .name a").first.click()
        page.wait_for_selector("figure.drawn canvas" if (clone / "var" / "assets").is_dir() else "figure.chart svg")
        context.close()
