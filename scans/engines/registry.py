"""The engines there are, in a visible table."""

from __future__ import annotations

from scans.engines.base import Engine

ENGINES: dict[str, Engine] = {}
