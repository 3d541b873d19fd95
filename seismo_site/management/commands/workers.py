"""manage.py workers: as many task clusters as the queues need and the host can bear."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from marketdata.management.command import SeismoCommand
from seismo_site.supervisor import Supervisor

MOST = 64


class Command(SeismoCommand):
    help = "Start and end task clusters by what waits in the queues, and by the CPU and memory left."
    is_request = False  # it runs tasks, each under its own identifier
    examples = ("workers --min 2 --max 10", "workers --min 4 --max 4")

    def add_arguments(self, parser: CommandParser) -> None:
        least = len(settings.TASK_QUEUES)
        parser.add_argument("--min", type=int, default=least, help=f"fewest clusters in all, {least} or more")
        parser.add_argument("--max", type=int, default=10, help=f"most clusters in all, up to {MOST}")

    def handle(self, **options: Any) -> None:
        least, most = options["min"], options["max"]
        if not len(settings.TASK_QUEUES) <= least <= most <= MOST:
            raise CommandError(
                f"--min {least} --max {most}: each of the {len(settings.TASK_QUEUES)} queues needs a cluster, "
                f"and --max is --min or more, {MOST} at most."
            )
        Supervisor(least=least, most=most).run()
