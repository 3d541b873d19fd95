"""The output of a collection: its plan, progress (on a terminal only) and summary."""

from __future__ import annotations

from collections.abc import Sequence

from marketdata.management.import_progress import Screen
from marketdata.management.progress_bar import duration, time_left
from marketdata.number_format import count_of
from marketdata.operations.collect import CollectionPlan, CollectionProgress, CollectionReport, SessionPlan
from marketdata.operations.collect.flows import FlowPlan, FlowReport

SHOWN = 20


class CollectionScreen(Screen):
    """The output of a collection of daily bars or flow."""

    def plan(self, plan: CollectionPlan) -> None:
        """Write the plan: its requests, calls and duration."""
        quote_count = sum(len(group) for group in plan.quotes)
        requested_count = len({request.code for request in plan.requests})
        write = self._out.write
        write(
            f"{plan.market.name} from {plan.source}, up to {plan.last}: {count_of(plan.instruments, 'instrument')}, "
            f"{plan.complete:,} complete, {count_of(plan.missing, 'session')} missing"
        )
        if plan.unknown:
            write(
                f"  {len(plan.unknown):,} are unknown to {plan.source} and left out (name them with --codes to try "
                f"again): {list_codes(plan.unknown)}"
            )
        if plan.note:
            write(f"  {plan.note}")
        if plan.settle:
            write(
                f"  the last sessions of {count_of(len(plan.settle), 'instrument')} are read again: "
                "their bars were read on the day itself"
            )
        write(
            f"  {count_of(quote_count, 'quote')} in {count_of(len(plan.quotes), 'call')}, "
            f"bars of {count_of(requested_count, 'instrument')} in "
            f"{count_of(plan.calls - len(plan.quotes), 'call')}: {count_of(plan.calls, 'call')}, "
            f"{duration(plan.seconds)} at the limit"
        )

    def session_plan(self, plan: SessionPlan) -> None:
        """Write a plan of whole sessions."""
        span = f" from {plan.days[0]} to {plan.days[-1]}" if plan.days else ""
        self._out.write(
            f"{plan.market.name} from {plan.source}: {count_of(len(plan.days), 'session')} missing{span}, "
            f"{count_of(plan.calls, 'call')}, {duration(plan.seconds)} at the limit"
        )
        if plan.later:
            self._out.write(
                f"  {count_of(plan.later, 'more session')} exceed the calls of a day: run this again tomorrow"
            )
        if plan.waiting:
            session, moment = plan.waiting
            self._out.write(f"  session {session} is published from {moment:%Y-%m-%d %H:%M} on")

    def progress(self, progress: CollectionProgress) -> None:
        """Show the share done, the speed and the time left."""
        rate = progress.calls / progress.seconds if progress.seconds else 0.0
        notes = (f"{progress.rows:,} rows", f"{rate:.1f} calls/s", time_left(progress.remaining))
        share = progress.calls / progress.of if progress.of else 1.0
        self._bar.show(f"{progress.calls:,} of {progress.of:,} calls", share, *notes)

    def summary(self, report: CollectionReport | FlowReport) -> None:
        """Write the outcome, without failures."""
        counts, rejected = report.counts, sum(report.rejected.values())
        write = self._out.write
        write(
            f"{counts.new:,} new, {counts.corrected:,} corrected, {counts.unchanged:,} unchanged, {rejected:,} "
            f"rejected; {count_of(report.calls, 'call')} in {duration(report.seconds)}"
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
            write(f"  history requested again, since it has changed: {list_codes(sorted(report.refetched))}")
        if report.settled:
            write(f"  {report.settled:,} bars differed once they were settled, and are corrected")
        if report.absent:
            bars = [f"{code} {day}" for code, day in report.absent]
            write(f"  recorded bars that the source no longer has, which stay: {list_codes(bars)}")

    def flow_plan(self, plan: FlowPlan) -> None:
        """Write a plan for flow."""
        self._out.write(
            f"{plan.market.name} from {plan.source}, up to {plan.last}: {count_of(plan.instruments, 'instrument')}, "
            f"{len(plan.codes):,} without flow of that session: {count_of(len(plan.codes), 'call')}, "
            f"{duration(plan.seconds)} at the limit"
        )

    @staticmethod
    def failures(report: CollectionReport | FlowReport, what: str = "instrument") -> str:
        """The failures as text, "" where there are none; `what` has failed."""
        lines = [report.stopped] if report.stopped else []
        if isinstance(report, CollectionReport) and report.refused:
            lines.append(report.refused)
        if isinstance(report, CollectionReport) and report.unknown:
            lines.append(f"No such instrument: {list_codes(report.unknown)}.")
        if report.failures and not report.stopped:
            lines.append(f"{count_of(len(report.failures), what)} failed; the same command requests them again:")
            shown = list(report.failures.items())[:SHOWN]
            lines += [f"  {code}: {why}" for code, why in shown]
            if len(report.failures) > SHOWN:
                lines.append(f"  and {len(report.failures) - SHOWN:,} more")
        return "\n".join(lines)


def list_codes(codes: Sequence[str]) -> str:
    """The first of many codes, and the count of the others."""
    more = f" and {len(codes) - SHOWN:,} more" if len(codes) > SHOWN else ""
    return ", ".join(codes[:SHOWN]) + more
