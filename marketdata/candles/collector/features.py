"""The optimisations of the collector that a flag turns off, and the rules by which the guard does."""

from __future__ import annotations

from enum import StrEnum

from marketdata.feature_guard import Rule, Worse


class Feature(StrEnum):
    COMBINED_CACHE = "combined_cache"
    ADAPTIVE_WINDOW = "adaptive_window"
    LOOK_AHEAD = "look_ahead"
    ADVISED_PACE = "advised_pace"


OFF_AT_FIRST = frozenset({Feature.ADVISED_PACE})
"""Features that a person turns on."""

# Seconds, bytes per chunk and ratios of an ordinary collection; a deployment sets its own.
RULES = (
    Rule(Feature.COMBINED_CACHE, "cache_hit_ratio", 0.05, Worse.LOWER, window=500),
    Rule(Feature.ADAPTIVE_WINDOW, "seconds_per_slot", 0.05, Worse.HIGHER),
    Rule(Feature.ADVISED_PACE, "retries_per_call", 0.05, Worse.HIGHER),
    Rule(Feature.LOOK_AHEAD, "seconds_analysis", 0.25, Worse.HIGHER),
)
