"""Whether a scan request fits its versions and its market, before anything of it is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marketdata.nearest_name import did_you_mean
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.execution.executors import CHOICES
from scans.models import ScannerVersion
from scans.models.versions import MOST_LIMIT

MAX_DRAFT_SESSIONS = 250
"""Sessions, of all versions together, of a request that publishes nothing: its answers are kept as they are."""


class RequestRefused(ValueError):
    """The request cannot be done as asked; `field` names what does not fit, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_request(
    chosen: Sequence[ScannerVersion],
    asked: Mapping[str, Any],
    segments: Sequence[str],
    sessions: int,
) -> None:
    """RequestRefused for what does not fit the versions or the market."""
    known = {*segments, *(segment for version in chosen for segment in version.segments)}
    for segment, most in asked["limits"].items():
        if segment not in known:
            raise RequestRefused(
                "limits",
                f"Unknown segment {segment!r}: choose among {', '.join(sorted(known))}.{did_you_mean(segment, known)}",
            )
        if type(most) is not int or not 1 <= most <= MOST_LIMIT:
            raise RequestRefused("limits", f"The limit of {segment} must be a whole number from 1 to {MOST_LIMIT}.")
    if asked["top"] is not None and not 1 <= asked["top"] <= MOST_LIMIT:
        raise RequestRefused("top", f"top must be a whole number from 1 to {MOST_LIMIT}.")
    if asked["executor"] not in CHOICES:
        raise RequestRefused("executor", f"Choose an executor among {', '.join(CHOICES)}.")
    for version in chosen:
        given = dict(asked["pinned"].get(version.slug, version.params))
        for name in ("segments", "limits", "top"):
            given.pop(name, None)
        try:
            engine_params.read(ENGINES[version.engine].Params, given)
        except (KeyError, engine_params.ParamError) as error:
            raise RequestRefused("versions", f"{version.slug} cannot be run: {error}") from error
    if not asked["publishes"] and sessions * len(chosen) > MAX_DRAFT_SESSIONS:
        raise RequestRefused(
            "save",
            f"{sessions} sessions of {len(chosen)} versions are too many to keep without publishing them: "
            f"ask for at most {MAX_DRAFT_SESSIONS} in all.",
        )
