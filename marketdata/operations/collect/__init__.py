"""Bars from sources into the record: planned before any call, recorded batch by batch through the one door."""

from marketdata.operations.collect.collection import Watch, run
from marketdata.operations.collect.plan import plan
from marketdata.operations.collect.plans import Options, Plan
from marketdata.operations.collect.prices import collect
from marketdata.operations.collect.report import Progress, Report

__all__ = ["Options", "Plan", "Progress", "Report", "Watch", "collect", "plan", "run"]
