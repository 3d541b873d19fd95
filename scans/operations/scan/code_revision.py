"""The revision of the code: the commit that a result was computed by."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def code_revision() -> str:
    """`SEISMO_REVISION` where it is set, else the commit checked out here, else "unknown"."""
    if settings.REVISION:
        return str(settings.REVISION)
    git = Path(settings.BASE_DIR) / ".git"
    try:
        if git.is_file():  # a worktree: the file names the directory
            git = Path(git.read_text(encoding="utf-8").partition("gitdir: ")[2].strip())
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        return _branch(git, head.removeprefix("ref: "))
    except OSError:
        return "unknown"


def _branch(git: Path, name: str) -> str:
    common = git / "commondir"
    shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    loose = shared / name
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    for line in (shared / "packed-refs").read_text(encoding="utf-8").splitlines():
        if line.endswith(f" {name}"):
            return line.partition(" ")[0]
    return "unknown"
