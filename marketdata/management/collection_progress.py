"""What a collection shows: its plan, progress while it runs (on a terminal only) and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from marketdata.management.import_progress import Screen
from marketdata.management.progress_bar import duration, time_left
from marketdata.operations.collect import CollectionPlan, CollectionProgress, CollectionReport
from marketdata.operations.collect.flows import FlowPlan, FlowReport

SHOWN = 20


class CollectionScreen(Screen):
    """What a collection of daily bars or flow shows."""

    def plan(self, plan: CollectionPlan) -> None:
        """What will be asked for, how many calls it takes and how long."""
        quoted = sum(len(group) for group in plan.quotes)
        asked = len({request.code for request in plan.requests})
        write = self._out.write
        write(
            f"{plan.market.name} from {plan.source}, up to {plan.last}: {plan.instruments:,} instruments, "
            f"{plan.complete:,} complete, {plan.missing:,} sessions missing"
        )
        if plan.unknown:
            write(
                f"  {len(plan.unknown):,} are unknown to {plan.source} and left out (name them with --codes to ask "
                f"again): {list_codes(plan.unknown)}"
            )
        if plan.note:
            write(f"  {plan.note}")
        if plan.settle:
            write(
                f"  the last sessions of {len(plan.settle):,} instruments are read again: their bars were read on the "
                "day itself"
            )
        write(
            f"  {quoted:,} quotes in {len(plan.quotes):,} calls, bars of {asked:,} instruments in "
            f"{plan.calls - len(plan.quotes):,} calls: {plan.calls:,} calls, {duration(plan.seconds)} at the limit"
        )

    def progress(self, told: CollectionProgress) -> None:
        """Show how far it has come, how fast, and how long it will take."""
        rate = told.calls / told.seconds if told.seconds else 0.0
        notes = (f"{told.rows:,} rows", f"{rate:.1f} calls/s", time_left(told.remaining))
        share = told.calls / told.of if told.of else 1.0
        self._bar.show(f"{told.calls:,} of {told.of:,} calls", share, *notes)

    def summary(self, report: CollectionReport | FlowReport) -> None:
        """Show what became of it, failures aside."""
        counts, rejected = report.counts, sum(report.rejected.values())
        write = self._out.write
        write(
            f"{counts.new:,} new, {counts.corrected:,} corrected, {counts.unchanged:,} unchanged, {rejected:,} "
            f"rejected; {report.calls:,} calls in {duration(report.seconds)}"
        )
        if isinstance(report, CollectionReport):
            self._bars(report)
        for reason, rows in report.rejected.items():
            write(f"  rejected: {rows:,} {reason}")
        if report.reject_file:
            write(f"  rejected rows are in {report.reject_file}")

    def _bars(self, report: CollectionReport) -> None:
        write = self._out.write
        for notice in report.notices:
            write(f"WARNING: {notice}")
        if report.calls > report.planned:
            write(f"  {report.planned:,} calls were needed; the others were refused, failed or for a token")
        if report.refetched:
            write(f"  history asked for again, since it was restated: {list_codes(sorted(report.refetched))}")
        if report.settled:
            write(f"  {report.settled:,} bars differed once they were settled, and are corrected")
        if report.absent:
            bars = [f"{code} {day}" for code, day in report.absent]
            write(f"  recorded bars that the source no longer has, which stay: {list_codes(bars)}")

    def flow_plan(self, plan: FlowPlan) -> None:
        """The same of a plan for flow."""
        self._out.write(
            f"{plan.market.name} from {plan.source}, up to {plan.last}: {plan.instruments:,} instruments, "
            f"{len(plan.codes):,} without flow of that session: {len(plan.codes):,} calls, "
            f"{duration(plan.seconds)} at the limit"
        )

    @staticmethod
    def failures(report: CollectionReport | FlowReport) -> str:
        """What did not go well, "" where everything did."""
        lines = [report.stopped] if report.stopped else []
        if isinstance(report, CollectionReport) and report.refused:
            lines.append(report.refused)
        if isinstance(report, CollectionReport) and report.unknown:
            lines.append(f"No such instrument: {list_codes(report.unknown)}.")
        if report.failures and not report.stopped:
            lines.append(f"{len(report.failures):,} instruments failed; the same command asks for them again:")
            shown = list(report.failures.items())[:SHOWN]
            lines += [f"  {code}: {why}" for code, why in shown]
            if len(report.failures) > SHOWN:
                lines.append(f"  and {len(report.failures) - SHOWN:,} more")
        return "\n".join(lines)


def list_codes(codes: Sequence[str]) -> str:
    """The first of many codes, and how many more there are."""
    more = f" and {len(codes) - SHOWN:,} more" if len(codes) > SHOWN else ""
    return ", ".join(codes[:SHOWN]) + more
