"""Validation of a scan request against its versions and its market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marketdata.nearest_name import did_you_mean
from marketdata.number_format import count_of
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.execution.executors import CHOICES
from scans.models import ScannerVersion
from scans.models.versions import MOST_LIMIT

MAX_DRAFT_SESSIONS = 250
"""Most sessions, over all versions, of a request that publishes nothing, since its whole answers are stored."""


class RequestRefused(ValueError):
    """The request is invalid; `field` names the option, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_request(
    versions: Sequence[ScannerVersion], options: Mapping[str, Any], segments: Sequence[str], sessions: int
) -> None:
    """Raises RequestRefused if an option does not fit the versions or the market."""
    segment_names = {*segments, *(segment for version in versions for segment in version.segments)}
    for segment, limit in options["limits"].items():
        if segment not in segment_names:
            raise RequestRefused(
                "limits",
                f"Unknown segment {segment!r}: choose among {', '.join(sorted(segment_names))}."
                f"{did_you_mean(segment, segment_names)}",
            )
        if type(limit) is not int or not 1 <= limit <= MOST_LIMIT:
            raise RequestRefused("limits", f"The limit of {segment} must be a whole number from 1 to {MOST_LIMIT}.")
    if options["top"] is not None and not 1 <= options["top"] <= MOST_LIMIT:
        raise RequestRefused("top", f"top must be a whole number from 1 to {MOST_LIMIT}.")
    if options["executor"] not in CHOICES:
        raise RequestRefused("executor", f"Choose an executor among {', '.join(CHOICES)}.")
    for version in versions:
        params = dict(options["pinned"].get(version.slug, version.params))
        for name in ("segments", "limits", "top"):
            params.pop(name, None)
        try:
            engine_params.read(ENGINES[version.engine].Params, params)
        except (KeyError, engine_params.ParamError) as error:
            raise RequestRefused("versions", f"{version.slug} cannot be run: {error}") from error
    if not options["publishes"] and sessions * len(versions) > MAX_DRAFT_SESSIONS:
        raise RequestRefused(
            "save",
            f"{count_of(sessions, 'session')} of {count_of(len(versions), 'version')} are too many to keep without "
            f"publishing them: ask for at most {MAX_DRAFT_SESSIONS} in all.",
        )
