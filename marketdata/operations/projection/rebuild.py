"""What is made from the record, made anew: after the record itself was replaced."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from marketdata.models import FlowPartition, Generation, LakePartition, LeaseRow
from marketdata.operations import generations
from marketdata.operations.projection import project


def everything() -> int:
    """Write the lake of every market anew, and begin a generation of everything that answers are kept by; how many
    months were written. Leases are of processes that worked on another record, and end. The months are marked first, so
    that what is broken off is done by whatever reads them next."""
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
