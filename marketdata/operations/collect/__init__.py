"""Bars from sources into the record: planned before any call, recorded batch by batch through the one door."""

from marketdata.operations.collect.planning import Options, Plan, plan
from marketdata.operations.collect.prices import Progress, Report, collect

__all__ = ["Options", "Plan", "Progress", "Report", "collect", "plan"]
