"""manage.py sweep: many variants of one engine, judged before a test period, the best one tested against luck."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from marketdata.management.progress_bar import ProgressBar
from marketdata.number_format import count_of
from scans.management.arguments import ScanCommand
from scans.management.delivery import add_delivery, deliver, delivery
from scans.management.sweep_options import add_sweep_options, sweep_request
from scans.management.sweep_tables import sweep_results
from scans.models import Sweep
from scans.operations.research.look import get_sweep, look_at_test
from scans.operations.research.sweep import cancel_sweep, run_sweep


class Command(ScanCommand):
    help = "Judge many variants of an engine before a test period, and test the best one against luck."
    examples = (
        "sweep volume --engine v2 --set vol_mult=2:4:0.25 --set ext_max=0.02,0.025,0.03",
        "sweep volume --test",
        "sweep volume --cancel",
        "sweep volume --engine v2 --set vol_mult=2:4:0.01 --shard 3/8",
        "sweep volume --engine v2 --set vol_mult=2:4:0.01 --executor dask",
        "sweep early --engine v2 --set vol_mult=2:4:0.01 --halving",
        "sweep wide --version v2 --set vol_mult=1:5:0.1 --set price_min=1000:5000:500 --random 200 --seed 7",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_sweep_options(parser)
        add_delivery(parser)

    def handle(self, **options: Any) -> None:
        where = delivery(options)
        if options["cancel"]:
            stopped = cancel_sweep(get_sweep(options["name"]).slug)
            self.stdout.write("It stops after its batch." if stopped else "It is not running.")
            return
        sweep = self._run(options) if options["grid"] else get_sweep(options["name"])
        if options["shard"].count > 1:
            recorded = f"{sweep.variants.count()} of {count_of(sweep.size, 'variant')} are recorded"
            self.stdout.write(f"{recorded}; the same command without --shard, once all have ended, joins them.")
            return
        if options["test"]:
            look_at_test(sweep, as_of=timezone.now(), looked_by="manage.py sweep")
        deliver(sweep_results(sweep), where, self.stdout)

    def _run(self, options: dict[str, Any]) -> Sweep:
        request, bar = sweep_request(options), ProgressBar(self.stderr)

        def show(done: int, count: int) -> None:
            bar.show("variants", done / count, f"{done}/{count}")

        try:
            return run_sweep(request, progress=show, shard=options["shard"], executor=options["executor"])
        finally:
            bar.close()
