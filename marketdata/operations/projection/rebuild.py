"""Rebuilds the lake and the generations after the record was replaced."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from marketdata.models import FlowPartition, Generation, LakePartition, LeaseRow
from marketdata.operations import generations
from marketdata.operations.projection import project


def rebuild_all() -> int:
    """Rewrite the lake of every market and begin new generations, by which answers are cached; returns the number of
    months written. Leases belong to processes on the former record, and are deleted. The months are marked first, so
    that the next reader completes an interrupted rebuild."""
    with transaction.atomic():
        LeaseRow.objects.all().delete()
        for kind in (LakePartition, FlowPartition):
            kind._default_manager.update(wanted=F("wanted") + 1)
        for name in Generation.objects.order_by("name").values_list("name", flat=True):
            generations.advance(name)
    months = 0
    for market in sorted(set(LakePartition.objects.values_list("market", flat=True))):
        months += (project.project_bars(market) + project.project_flows(market)).partitions
    return months
