"""manage.py schedule: the daily evening of a market, run by a task worker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.arguments import add_market
from marketdata.operations import task_queue
from scans.management import evenings
from scans.management.arguments import ScanCommand, add_preclose, clock_time
from scans.operations.evening import schedule
from scans.queries import schedules


class Command(ScanCommand):
    help = "Run a market's evening every day at a time of its own clock; list or remove schedules."
    examples = (
        "schedule --market kr --at 15:40",
        "schedule --market kr --preclose 15:10 --preclose 15:18 --scale-volume",
        "schedule --list",
        "schedule --market kr --remove",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_market(parser)
        parser.add_argument("--at", type=clock_time, help="as 15:43; default: the market's own evening")
        fitting = "repeatable; default: every version that fits"
        parser.add_argument("--version", action="append", default=[], help=fitting)
        parser.add_argument("--no-collect", action="store_true", help="scan the recorded bars only")
        add_preclose(parser)
        beside = "one more, of these versions at this time; the last of the day sends the message"
        parser.add_argument("--add", action="store_true", help=beside)
        parser.add_argument("--keep", action="store_true", help="leave a schedule that exists as it is")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--list", action="store_true", help="list every schedule")
        action.add_argument("--remove", action="store_true", help="remove the market's schedule")

    def handle(self, **options: Any) -> None:
        market, at = options["market"], options["at"]
        if options["list"]:
            plans = schedules.evening_schedules()
        elif options["remove"]:
            if not schedule.remove_schedule(market):
                raise CommandError(f"Market {market} has no schedule.")
            self.stdout.write(f"Market {market} has no schedule any more.")
            return
        else:
            settings: dict[str, Any] = {"versions": options["version"], "preclose": options["preclose"]}
            settings |= {"scales_volume": options["scale_volume"], "collects": not options["no_collect"]}
            settings |= {"adds": options["add"], "keeps": options["keep"], "as_of": timezone.now()}
            before = schedules.evening_schedules()
            plans = [schedule.set_schedule(market, at=at, **settings)]
            self.stdout.write(evenings.replaced_text(before, schedules.evening_schedules()), ending="")
        self.stdout.write(evenings.schedules_text(plans), ending="")
        if plans and task_queue.advice(timezone.now()):
            self.stderr.write(evenings.NO_WORKER)
