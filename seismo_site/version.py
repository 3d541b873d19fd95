"""Seismo's version, from the one place that states it: pyproject.toml, or the installed package's metadata."""

from __future__ import annotations

from pathlib import Path

from django.utils.functional import SimpleLazyObject

ROOT = Path(__file__).resolve().parent.parent


def version(project: Path = ROOT) -> str:
    """The version of the checkout in `project`; of the installed package where there is no pyproject.toml. What reads
    them is imported here, since few commands need it."""
    import tomllib
    from importlib import metadata

    try:
        with (project / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        pass
    try:
        return metadata.version("seismo")
    except metadata.PackageNotFoundError:
        return "unknown"


VERSION = SimpleLazyObject(version)
"""The version as text; read when it is needed first."""
