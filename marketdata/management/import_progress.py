"""The output of an import: progress, on a terminal only, and a summary of each file."""

from __future__ import annotations

from django.core.management.base import OutputWrapper

from marketdata.management.progress_bar import ProgressBar, time_left
from marketdata.number_format import count_of
from marketdata.operations.imports.report import FileReport, ImportProgress, ImportReport

INTERRUPTED = "Interrupted: whole batches are recorded and nothing else; the same command completes the rest."


class Screen:
    """Progress goes to standard error, results to standard output."""

    def __init__(self, bar: ProgressBar, out: OutputWrapper) -> None:
        self._bar, self._out = bar, out


class ImportScreen(Screen):
    """The output of an import."""

    def progress(self, progress: ImportProgress) -> None:
        """Show the share of the file done, the speed and the time left."""
        rate = progress.rows / progress.seconds if progress.seconds else 0.0
        notes = (f"{progress.rows:,} rows", f"{rate:,.0f} rows/s", time_left(progress.remaining))
        self._bar.show(progress.path.name, progress.share, *notes)

    def summary(self, file: FileReport) -> None:
        """Write the outcome of a file with a recognised form."""
        if not file.form:
            return
        counts, rejected = file.counts, sum(file.rejected.values())
        rate = file.rows / file.seconds if file.seconds else 0.0
        write = self._out.write
        write(f"{file.path.name}: {file.form} file, market {file.market}, source {file.source}")
        for note in file.notes:
            write(f"  {note}")
        write(
            f"  {count_of(file.rows, 'row')}: {counts.new:,} new, {counts.corrected:,} corrected, "
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
        """One sentence for each file that was refused, ended early, or needs a look (`FileReport.doubt`)."""
        failed, doubtful = report.failed, report.doubtful
        many = ""
        if len(failed) + len(doubtful) > 1:
            many = f"{len(failed)} of {count_of(len(report.files), 'file')} failed"
            many += f", and {len(doubtful)} lost half of the rows or all.\n" if doubtful else ".\n"
        sentences = [*(file.error for file in failed), *(file.doubt for file in doubtful)]
        return many + "\n".join(sentences)
