"""Next steps after a scan, where the ranks alone do not suggest them: at most one line for each version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from marketdata.management.table import Output, write_prose
from marketdata.queries.records import get_record
from scans.engines.outcomes import NOTHING_ELIGIBLE
from scans.operations.scan.answers import QUARANTINED, Scan


def write_next_steps(out: Output, scans: Sequence[Scan]) -> None:
    """Write the next steps on a terminal; nothing elsewhere."""
    for line in next_steps(scans) if out.isatty() else ():
        write_prose(out, line)


def next_steps(scans: Sequence[Scan]) -> Iterator[str]:
    """A line for each version whose last session needs something first: earlier bars, or a decision."""
    for scan in scans:
        if scan.error or not scan.answers:
            continue
        last = scan.answers[-1]
        if last.status == QUARANTINED:
            yield (
                f"Next: {scan.version.slug} of {last.date} waits for a decision in the admin, publish or discard; "
                "`manage.py check_data` shows what the session lacks."
            )
        elif last.reason == NOTHING_ELIGIBLE:
            sessions = get_record(scan.market).sessions
            recorded = int(np.searchsorted(sessions, np.datetime64(last.date), side="right"))
            least = scan.task.requirements.min_bars
            if recorded < least:
                yield (
                    f"Next: {scan.version.slug} needs {least:,} sessions of bars up to {last.date}, the record has "
                    f"{recorded:,}: bring earlier ones in with `manage.py import_prices` or `manage.py "
                    "collect_prices --since`."
                )
