"""manage.py features: which optimisations are on, off or in A/B, and what the guard measured."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from marketdata.management.command import SeismoCommand
from marketdata.nearest_name import did_you_mean
from marketdata.number_format import format_number
from marketdata.operations import feature_flags

STATES = ("on", "off", "ab")


class Command(SeismoCommand):
    help = "List the optimisations with what their guard measured, or turn one on, off or to A/B."
    examples = ("features", "features score_cache off", "features score_cache ab --share 50")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("feature", nargs="?", help="the feature to turn")
        parser.add_argument("state", nargs="?", choices=STATES, help="ab: a share of the work each way, both measured")
        parser.add_argument("--share", type=int, default=50, help="percent of the work with it in A/B; default: 50")

    def handle(self, **options: Any) -> None:
        if options["feature"]:
            self._turn(options["feature"], options["state"], options["share"])
        for state in feature_flags.get_states():
            flag = state.flag
            turned = f"off since {flag.changed_at:%Y-%m-%d}" if not flag.enabled and flag.changed_at else ""
            mode = f"A/B {flag.share} %" if flag.enabled and flag.share < feature_flags.WHOLE else ""
            self.stdout.write(f"{flag.feature:18} {turned or mode or ('on' if flag.enabled else 'off')}")
            means = [f"{name} {format_number(mean, 3)} ({count})" for name, mean, count in state.means]
            self.stdout.write(f"  {flag.metric}: {', '.join(means) or 'not measured'}; limit {flag.threshold:g} + 20 %")
            if state.rollback:
                self.stdout.write(f"  turned off: {state.rollback}")

    def _turn(self, name: str, state: str | None, share: int) -> None:
        flags = {row.flag.feature: row.flag for row in feature_flags.get_states()}
        if name not in flags:
            raise CommandError(
                f"There is no feature {name!r}: choose among {', '.join(flags)}.{did_you_mean(name, flags)}"
            )
        if state is None:
            raise CommandError(f"Say what {name} is to be: {', '.join(STATES)}.")
        if state == "ab" and (sentence := feature_flags.no_share_sentence(name)):
            raise CommandError(sentence)
        if not 1 <= share < feature_flags.WHOLE:
            raise CommandError(f"--share is {share}; it must be between 1 and 99.")
        flags[name].enabled, flags[name].share = state != "off", share if state == "ab" else feature_flags.WHOLE
        feature_flags.save(flags[name], who="command", at=timezone.now())
