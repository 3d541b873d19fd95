"""What an import shows: progress while it runs, on a terminal only, and a summary of each file."""

from __future__ import annotations

from django.core.management.base import OutputWrapper

from marketdata.management.progress_bar import ProgressBar, time_left
from marketdata.operations.imports.report import FileReport, ImportProgress, ImportReport

INTERRUPTED = "Interrupted: whole batches are recorded and nothing else; the same command completes the rest."


class Screen:
    """Progress goes to standard error, results to standard output."""

    def __init__(self, bar: ProgressBar, out: OutputWrapper) -> None:
        self._bar, self._out = bar, out


class ImportScreen(Screen):
    """What an import shows."""

    def progress(self, told: ImportProgress) -> None:
        """Show how far the file has come, how fast, and how long it will take."""
        rate = told.rows / told.seconds if told.seconds else 0.0
        notes = (f"{told.rows:,} rows", f"{rate:,.0f} rows/s", time_left(told.remaining))
        self._bar.show(told.path.name, told.share, *notes)

    def summary(self, file: FileReport) -> None:
        """Show what became of a file that could be read at all."""
        if not file.form:
            return
        counts, rejected = file.counts, sum(file.rejected.values())
        rate = file.rows / file.seconds if file.seconds else 0.0
        write = self._out.write
        write(f"{file.path.name}: {file.form} file, market {file.market}, source {file.source}")
        for note in file.notes:
            write(f"  {note}")
        write(
            f"  {file.rows:,} rows: {counts.new:,} new, {counts.corrected:,} corrected, "
            f"{counts.unchanged:,} unchanged, {rejected:,} rejected; "
            f"{file.seconds:.1f} s, {rate:,.0f} rows/s"
        )
        for reason, rows in file.rejected.items():
            write(f"  rejected: {rows:,} {reason}")
        if file.reject_file:
            first = f"the first {file.reject_rows:,} " if file.reject_rows < rejected else ""
            write(f"  {first}rejected rows are in {file.reject_file}")
        if file.ignored:
            more = f" and {len(file.ignored) - 20:,} more" if len(file.ignored) > 20 else ""
            write(f"  columns not read: {', '.join(file.ignored[:20])}{more}")

    @staticmethod
    def failures(report: ImportReport) -> str:
        """One sentence for each file that was refused, broke off, or needs a look (`FileReport.doubt`)."""
        failed, doubtful = report.failed, report.doubtful
        many = ""
        if len(failed) + len(doubtful) > 1:
            many = f"{len(failed)} of {len(report.files)} files failed"
            many += f", and {len(doubtful)} lost half of the rows or all.\n" if doubtful else ".\n"
        sentences = [*(file.error for file in failed), *(file.doubt for file in doubtful)]
        return many + "\n".join(sentences)
