"""Reproduction: repeats a recorded run and reports whether its result is identical, or what differs.

The repeated run uses the parameters, segments, limits and index of the recorded run. An answer is *identical* if data,
parameters and ranks are; if the data were corrected since, the record has the instruments and days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from marketdata.number_format import count_of
from marketdata.queries.corrections import RecordChange, get_changes
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, ScanRun, ScanSession, Status
from scans.operations.scan.code_revision import code_revision
from scans.operations.scan.publish import same_ranks
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan


class NoSuchRun(LookupError):
    """There is no run of that number, it has no answers, or its engine is not available."""


@dataclass(slots=True)
class Reproduction:
    """The comparison of a run with its repetition: `data` are the sessions whose data differ, `ranks` the sessions
    whose ranks differ, `unlike` the sessions whose ranks differ with the same data, `changes` the corrections since the
    run."""

    run: int
    sessions: int
    notes: list[str] = field(default_factory=list)
    data: list[date] = field(default_factory=list)
    ranks: list[date] = field(default_factory=list)
    unlike: list[date] = field(default_factory=list)
    changes: Sequence[RecordChange] = ()

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.data and not self.ranks


def reproduce_run(number: int, *, as_of: datetime) -> Reproduction:
    """Repeat run `number` without publishing, and compare each session; NoSuchRun if it cannot be repeated."""
    run = ScanRun.objects.select_related("scanner_version").filter(pk=number).first()
    if run is None:
        newest = ScanRun.objects.order_by("-pk").values_list("pk", flat=True).first()
        advice = f"the newest is {newest}" if newest else "there are none yet"
        raise NoSuchRun(f"There is no run {number}: {advice}.")
    if run.status in (Status.FAILED, Status.UNCHANGED):
        raise NoSuchRun(f"Run {number} has no answers to compare: it is {run.status}. {run.reason}".rstrip())
    refuse_other_engine(run, run.scanner_version)
    reproduction = Reproduction(run=number, sessions=run.sessions)
    if run.code_revision != code_revision():
        reproduction.notes.append(f"The run was made by code {run.code_revision}, this is {code_revision()}.")
    request = RunRequest(
        market=run.market,
        as_of=as_of,
        versions=[run.scanner_version.slug],
        first=run.first,
        last=run.last,
        save=False,
        cached=False,
        pinned={run.scanner_version.slug: run.params},
        index=run.index,
    )
    scan = run_scan(request)[0]
    if scan.error:
        reproduction.notes.append(scan.error)
    answers = {answer.date: answer for answer in scan.answers}
    for session in ScanSession.objects.filter(run=run).order_by("date"):
        answer = answers.get(session.date.isoformat())
        same_data = answer is not None and answer.input_digest == session.input_digest
        same_result = answer is not None and same_ranks(session, answer)
        if not same_data:
            reproduction.data.append(session.date)
        if not same_result:
            reproduction.ranks.append(session.date)
            if same_data:
                reproduction.unlike.append(session.date)
    if reproduction.data:
        reproduction.changes = get_changes(
            run.market, run.started_at, until=run.last, index=run.index, flows=scan.task.reads_flows
        )
    return reproduction


def refuse_other_engine(run: ScanRun, version: ScannerVersion) -> None:
    """Raises NoSuchRun if `version` has another engine than `run` used, or the engine another revision."""
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


def sentence(reproduction: Reproduction, *, most: int | None = 50) -> str:
    """The result as text, with at most `most` of the changes (None: all)."""
    lines = list(reproduction.notes)
    if reproduction.identical:
        sessions = f"all {reproduction.sessions:,} sessions" if reproduction.sessions > 1 else "its session"
        lines.append(f"Run {reproduction.run}: identical in data and ranks on {sessions}.")
        return "\n".join(lines)
    lines.append(
        f"Run {reproduction.run}: the data differ on {len(reproduction.data):,} of "
        f"{count_of(reproduction.sessions, 'session')}{_days(reproduction.data)}, the ranks on "
        f"{len(reproduction.ranks):,}{_days(reproduction.ranks)}."
    )
    if reproduction.unlike:
        lines.append(
            f"The ranks differ although the data are the same{_days(reproduction.unlike)}: a defect to report."
        )
    if reproduction.changes:
        lines.append(f"Written to the record since the run ({len(reproduction.changes)}):")
        lines += [f"  {change.code} {change.date}  {change.what}" for change in reproduction.changes[:most]]
        if most is not None and len(reproduction.changes) > most:
            lines.append(f"  and {len(reproduction.changes) - most} more (--all lists them)")
    return "\n".join(lines)


def _days(days: Sequence[date]) -> str:
    if not days:
        return ""
    return f" ({days[0]})" if len(days) == 1 else f" ({days[0]} to {days[-1]})"
