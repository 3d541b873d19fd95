"""Does a recorded run again and says whether it comes out the same, or exactly what differs.

The rerun uses the parameters, segments, limits and index that the run recorded. An answer is *identical* where data,
parameters and ranks are; where the data were corrected since, the record says which instruments on which days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from marketdata.number_format import count_of
from marketdata.queries.corrections import RecordChange, get_changes
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, ScanRun, ScanSession
from scans.operations.scan import run as scanning
from scans.operations.scan.code_revision import code_revision
from scans.operations.scan.publish import same_ranks


class NoSuchRun(LookupError):
    """There is no run of that number, or its engine is not here."""


@dataclass(slots=True)
class Reproduction:
    """How a rerun compares: `data` are the sessions whose data differ, `ranks` those whose ranks do, `unlike` those
    whose ranks differ though the data are the same, `changes` what was written to the record since the run."""

    run: int
    sessions: int
    notes: list[str] = field(default_factory=list)
    data: list[date] = field(default_factory=list)
    ranks: list[date] = field(default_factory=list)
    unlike: list[date] = field(default_factory=list)
    changes: Sequence[RecordChange] = ()

    @property
    def identical(self) -> bool:
        """Nothing differs."""
        return not self.data and not self.ranks


def reproduce_run(number: int, *, as_of: datetime) -> Reproduction:
    """Run `number` again, without publishing, and compare session by session; NoSuchRun where that cannot be."""
    run = ScanRun.objects.select_related("version").filter(pk=number).first()
    if run is None:
        newest = ScanRun.objects.order_by("-pk").values_list("pk", flat=True).first()
        known = f"the newest is {newest}" if newest else "there are none yet"
        raise NoSuchRun(f"There is no run {number}: {known}.")
    refuse_other_engine(run, run.version)
    found = Reproduction(run=number, sessions=run.sessions)
    if run.code_revision != code_revision():
        found.notes.append(f"The run was made by code {run.code_revision}, this is {code_revision()}.")
    request = scanning.RunRequest(
        market=run.market,
        as_of=as_of,
        versions=[run.version.slug],
        first=run.first,
        last=run.last,
        save=False,
        cached=False,
        pinned={run.version.slug: run.params},
        index=run.index,
    )
    scan = scanning.run_scan(request)[0]
    if scan.error:
        found.notes.append(scan.error)
    now = {answer.date: answer for answer in scan.answers}
    for then in ScanSession.objects.filter(run=run).order_by("date"):
        answer = now.get(then.date.isoformat())
        same_data = answer is not None and answer.input_digest == then.input_digest
        alike = answer is not None and same_ranks(then, answer)
        if not same_data:
            found.data.append(then.date)
        if not alike:
            found.ranks.append(then.date)
            if same_data:
                found.unlike.append(then.date)
    if found.data:
        found.changes = get_changes(
            run.market,
            run.started_at,
            until=run.last,
            index=run.index,
            flows=scan.task.reads_flows,
        )
    return found


def refuse_other_engine(run: ScanRun, version: ScannerVersion) -> None:
    """NoSuchRun where `version` has no longer the engine that `run` used, or the engine another revision."""
    if version.engine == run.engine and run.engine in ENGINES:
        if ENGINES[run.engine].revision == run.revision:
            return
        here = f"is revision {ENGINES[run.engine].revision}"
    elif run.engine in ENGINES:
        here = f"version {version.slug} uses {version.engine}"
    else:
        here = "is no such engine"
    raise NoSuchRun(
        f"Run {run.pk} used engine {run.engine} revision {run.revision}, here {here}: check out "
        f"{run.code_revision or 'the code it ran with'} to do it again."
    )


def sentence(found: Reproduction, *, most: int | None = 50) -> str:
    """The result as a person reads it, with `most` of the changes at most (None: all)."""
    lines = list(found.notes)
    if found.identical:
        sessions = f"all {found.sessions:,} sessions" if found.sessions > 1 else "its session"
        lines.append(f"Run {found.run}: identical in data and ranks on {sessions}.")
        return "\n".join(lines)
    lines.append(
        f"Run {found.run}: the data differ on {len(found.data):,} of {count_of(found.sessions, 'session')}"
        f"{_days(found.data)}, the ranks on {len(found.ranks)}{_days(found.ranks)}."
    )
    if found.unlike:
        lines.append(f"The ranks differ although the data are the same{_days(found.unlike)}: a defect to report.")
    if found.changes:
        lines.append(f"Written to the record since the run ({len(found.changes)}):")
        lines += [f"  {change.code} {change.date}  {change.what}" for change in found.changes[:most]]
        if most is not None and len(found.changes) > most:
            lines.append(f"  and {len(found.changes) - most} more (--all lists them)")
    return "\n".join(lines)


def _days(days: Sequence[date]) -> str:
    if not days:
        return ""
    return f" ({days[0]})" if len(days) == 1 else f" ({days[0]} to {days[-1]})"
