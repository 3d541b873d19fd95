"""Figures of the task queues for Prometheus: what a supervisor or an orchestrator scales workers by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from marketdata.operations import task_queue
from marketdata.operations.tasks.figures import failure_shares
from marketdata.operations.tasks.recovery import running_counts
from seismo_site.host_load import CpuMeter, memory_left

CPU = CpuMeter()


def task_metrics() -> Iterator[Any]:
    """Nothing of the queues where their server does not answer: Prometheus then says that the figures are absent."""
    now = timezone.now()
    shares = GaugeMetricFamily(
        "seismo_task_failure_share", "Share of the ended tasks that failed for good.", labels=["window"]
    )
    for window, share in failure_shares(now).items():
        shares.add_metric([window], share or 0.0)
    yield shares
    yield GaugeMetricFamily(
        "seismo_host_cpu_share", "Share of the host's CPU in use since the reading before.", CPU.share()
    )
    yield GaugeMetricFamily("seismo_host_memory_left_bytes", "Memory that processes may still use.", memory_left())
    try:
        queues = task_queue.queue_states(now)
    except task_queue.QueueUnavailable:
        return
    running = running_counts()
    families = {
        "seismo_tasks_waiting": "Tasks that no worker has taken yet.",
        "seismo_task_age_seconds": "How long the oldest of them has waited.",
        "seismo_tasks_running": "Tasks that a worker has.",
        "seismo_task_workers": "Running worker processes.",
    }
    rows = {name: GaugeMetricFamily(name, text, labels=["queue"]) for name, text in families.items()}
    for queue in queues:
        age = queue.age.total_seconds() if queue.age else 0.0
        values = (queue.waiting, age, running.get(queue.name, 0), queue.workers or 0)
        for row, value in zip(rows.values(), values, strict=True):
            row.add_metric([queue.name], value)
    yield from rows.values()
