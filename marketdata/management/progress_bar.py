"""The progress bar of commands: one line on a terminal, drawn by `rich`; nothing elsewhere."""

from __future__ import annotations

import math
from typing import Any

from django.core.management.base import OutputWrapper


class ProgressBar:
    """A line on standard error: title, bar, share done and notes. It is erased at the end, so that later output begins
    on a clean line."""

    def __init__(self, errors: OutputWrapper) -> None:
        self._errors = errors
        self._bar: Any = None
        self.is_visible = bool(errors.isatty())

    def show(self, title: str, share: float, *notes: str) -> None:
        """Show `share` (0 to 1) of `title`; at 1 the line is erased."""
        if not self.is_visible:
            return
        if self._bar is None:
            self._bar = self._start(title)
        done = min(max(share, 0.0), 1.0)
        notes = tuple(note for note in notes if note)
        self._bar.update(0, description=title, completed=done, note=", ".join(notes), refresh=True)
        if done >= 1:
            self.close()

    def close(self) -> None:
        """Erase the line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self, title: str) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.table import Column

        bar = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=True)),
            console=Console(file=_Stream(self._errors), force_terminal=True),  # type: ignore[arg-type]
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task(title, total=1.0, note="")
        bar.start()
        return bar


class _Stream:
    """Django's wrapper as a file, without line breaks added."""

    def __init__(self, wrapper: OutputWrapper) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, style_func=str, ending="")
        return len(text)

    def flush(self) -> None:
        self._wrapper.flush()

    def isatty(self) -> bool:
        return True


def time_left(seconds: float | None) -> str:
    """The time left as text, "" for unknown."""
    return "" if seconds is None or math.isinf(seconds) else f"{duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds as text, rounded up."""
    whole = math.ceil(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
