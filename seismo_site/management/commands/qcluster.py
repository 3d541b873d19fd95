"""manage.py qcluster: the task workers of one queue (`--queue`), or of both."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from marketdata.management.command import SeismoCommand
from seismo_site.supervisor import Supervisor
from seismo_site.task_cluster import run_cluster


class Command(SeismoCommand):
    help = "Run the task workers of both queues, or of one."
    is_request = False  # it runs tasks, each under its own identifier
    examples = ("qcluster", "qcluster --queue high")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", choices=tuple(settings.TASK_QUEUES), help="default: a cluster for each queue")
        parser.add_argument("--run-once", action="store_true", help="do a task of each queue, where one waits, and end")

    def handle(self, **options: Any) -> None:
        queue, once = options["queue"], options["run_once"]
        if queue is None and not once:
            count = len(settings.TASK_QUEUES)
            Supervisor(least=count, most=count).run()
            return
        for name in [queue] if queue else settings.TASK_QUEUES:
            run_cluster(name, once=once)
