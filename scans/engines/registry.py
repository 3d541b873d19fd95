"""The engines there are, in a visible table. Adding one is one file and one line."""

from __future__ import annotations

from scans.engines import formula, seismograph, v1, v2, v3, vcp
from scans.engines.base import Engine

ENGINES: dict[str, Engine] = {
    "v1": v1.Engine(),
    "v2": v2.Engine(),
    "v3": v3.Engine(),
    "seismograph": seismograph.Engine(),
    "vcp": vcp.Engine(),
    "formula": formula.Engine(),
}


class UnknownEngine(ValueError):
    """An engine's name that is not known; the message lists those that are."""


def engine(name: str) -> Engine:
    """The engine of that name; raises `UnknownEngine`."""
    try:
        return ENGINES[name]
    except KeyError:
        raise UnknownEngine(
            f"Unknown engine {name!r}: choose one of {', '.join(ENGINES)}."
        ) from None
