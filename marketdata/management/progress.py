"""What an import shows: a line that moves while it runs, on a terminal only, and a summary of each file."""

from __future__ import annotations

import math

from django.core.management.base import OutputWrapper

from marketdata.operations.file_import import FileReport, ImportReport, Progress


class Screen:
    """Progress goes to standard error, results to standard output."""

    interrupted = "Interrupted: whole batches are recorded and nothing else; the same command completes the rest."

    def __init__(self, errors: OutputWrapper, out: OutputWrapper) -> None:
        self._errors, self._out = errors, out
        self._moves = errors.isatty()


class ImportScreen(Screen):
    """What an import shows."""

    def progress(self, told: Progress) -> None:
        """Show how far the file has come, how fast, and how long it will take."""
        if not self._moves:
            return
        rate = told.rows / told.seconds if told.seconds else 0.0
        left = "" if math.isinf(told.remaining) else f", {duration(told.remaining)} left"
        line = f"{told.path.name}: {told.share:4.0%}, {told.rows:,} rows, {rate:,.0f} rows/s{left}"
        self._errors.write(f"\r{line:<79}", ending="" if told.share < 1 else "\n")
        self._errors.flush()

    def summary(self, file: FileReport) -> None:
        """Show what became of a file that could be read at all."""
        if not file.form:
            return
        counts, rejected = file.counts, sum(file.rejected.values())
        rate = file.rows / file.seconds if file.seconds else 0.0
        write = self._out.write
        write(f"{file.path.name}: {file.form} file, market {file.market}, source {file.source}")
        write(
            f"  {file.rows:,} rows: {counts.new:,} new, {counts.corrected:,} corrected, "
            f"{counts.unchanged:,} unchanged, {rejected:,} rejected; "
            f"{file.seconds:.1f} s, {rate:,.0f} rows/s"
        )
        for reason, rows in file.rejected.items():
            write(f"  rejected: {rows:,} {reason}")
        if file.reject_file:
            write(f"  rejected rows are in {file.reject_file}")
        if file.ignored:
            write(f"  columns not read: {', '.join(file.ignored)}")

    @staticmethod
    def failures(report: ImportReport) -> str:
        """One sentence for each file that was refused or broke off."""
        failed = report.failed
        many = f"{len(failed)} of {len(report.files)} files failed.\n" if len(failed) > 1 else ""
        return many + "\n".join(file.error for file in failed)


def duration(seconds: float) -> str:
    """Seconds as a person says them, rounded up."""
    whole = math.ceil(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
