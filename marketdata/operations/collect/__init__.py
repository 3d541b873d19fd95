"""Bars from sources into the record: planned before any call, recorded batch by batch."""

from marketdata.operations.collect.collection import Callbacks, run
from marketdata.operations.collect.plan import CollectionOptions, CollectionPlan
from marketdata.operations.collect.planner import make_plan
from marketdata.operations.collect.prices import execute_plan
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.collect.whole_sessions import SessionPlan, plan_sessions, run_sessions

__all__ = [
    "Callbacks",
    "CollectionOptions",
    "CollectionPlan",
    "CollectionProgress",
    "CollectionReport",
    "SessionPlan",
    "execute_plan",
    "make_plan",
    "plan_sessions",
    "run",
    "run_sessions",
]
