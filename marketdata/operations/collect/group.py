"""A collection of daily bars as a task group: each member collects some of the instruments.

1. The task that collects has the lease of the market's collection, and plans. Its instruments are in `parts` by their
   code, so that a task that is done again has the same members.
2. A member plans its own instruments: one that is done again, since its worker was lost, requests what that one had not
   recorded. All members share the pace of the source's calls, as other processes do.
3. Their reports become one (the join). The instruments of a member that was given up are a failure with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from marketdata.operations import sources
from marketdata.operations.collect.plan import CollectionOptions, CollectionPlan
from marketdata.operations.collect.planner import make_plan
from marketdata.operations.collect.prices import execute_plan
from marketdata.operations.collect.report import CollectionProgress, CollectionReport
from marketdata.operations.record.corrections import Counts

KIND = "collection part"


def is_possible() -> bool:
    """Whether this code runs in a task, and so may send out a group."""
    from marketdata.operations.tasks import groups  # the queue takes long to import, and commands need none

    return groups.in_task()


def collect_in_group(plan: CollectionPlan, *, progress: Callable[[CollectionProgress], None]) -> CollectionReport:
    """The joined report of the plan's parts, each collected by a member of a group. `progress` is called whenever one
    has ended; its exception ends the group."""
    from marketdata.operations.tasks.groups import GroupMember, run_group

    started = time.perf_counter()

    def note(members: Sequence[GroupMember]) -> None:
        report = _join(members)
        rows = report.counts.new + report.counts.corrected + report.counts.unchanged
        progress(CollectionProgress(report.calls, max(plan.calls, report.calls), rows, time.perf_counter() - started))

    market, source = plan.market.name, plan.source
    members = [
        {"market": market, "source": source, "options": options_json(replace(plan.options, part=part))}
        for part in range(plan.options.parts)
    ]
    ended = run_group(KIND, f"{market} {source}", members, progress=note)
    return replace(_join(ended), seconds=time.perf_counter() - started)


def collect_part(
    market: str, source: str, options: Mapping[str, Any], *, clock: Callable[[], datetime]
) -> dict[str, Any]:
    """The report of a part as JSON types, collected as a member of a group."""
    from marketdata.operations.tasks.groups import member_permit

    chosen = options_of(options)
    with closing(sources.get_daily_bar_source(market, source)) as bars:
        plan = make_plan(bars, market=market, options=chosen, as_of=clock())
        report = execute_plan(bars, plan, clock=clock, permit=member_permit, part=f"-part{chosen.part}")
    return _report_json(report)


def _join(members: Sequence[Any]) -> CollectionReport:
    """One report of members, those without a result yet left out."""
    report = CollectionReport()
    for number, member in enumerate(members, 1):
        if member.error:
            lost = f"Part {number} of {len(members)} was given up: {member.error}"
            report = replace(report, stopped=" ".join(filter(None, (report.stopped, lost))))
        elif member.result is not None:
            report = _sum(report, _report_of(member.result))
    return report


def _sum(one: CollectionReport, other: CollectionReport) -> CollectionReport:
    """Both as one: counts are added, and a sentence of both is there once."""
    reasons = {*one.rejected, *other.rejected}
    return CollectionReport(
        counts=one.counts + other.counts,
        calls=one.calls + other.calls,
        planned=one.planned + other.planned,
        seconds=one.seconds + other.seconds,
        failures=one.failures | other.failures,
        stopped=" ".join(dict.fromkeys(filter(None, (one.stopped, other.stopped)))),
        refused=one.refused or other.refused,
        unknown=one.unknown + other.unknown,
        refetched=tuple(sorted(one.refetched + other.refetched)),
        settled=one.settled + other.settled,
        absent=tuple(sorted(one.absent + other.absent)),
        rejected={reason: one.rejected.get(reason, 0) + other.rejected.get(reason, 0) for reason in sorted(reasons)},
        reject_file=one.reject_file or other.reject_file,
        notices=tuple(dict.fromkeys(one.notices + other.notices)),
    )


def options_json(options: CollectionOptions) -> dict[str, Any]:
    """The options as JSON types."""
    return asdict(options) | {"since": options.since and f"{options.since}", "codes": list(options.codes)}


def options_of(values: Mapping[str, Any]) -> CollectionOptions:
    """The options of JSON types."""
    since = values["since"] and date.fromisoformat(values["since"])
    return CollectionOptions(**{**values, "since": since, "codes": tuple(values["codes"])})


def _report_json(report: CollectionReport) -> dict[str, Any]:
    absent = [[code, f"{day}"] for code, day in report.absent]
    return asdict(report) | {"absent": absent, "reject_file": report.reject_file and f"{report.reject_file}"}


def _report_of(values: Mapping[str, Any]) -> CollectionReport:
    """The report of JSON types."""
    tuples = {name: tuple(values[name]) for name in ("unknown", "refetched", "notices")}
    absent = tuple((code, date.fromisoformat(day)) for code, day in values["absent"])
    file = values["reject_file"] and Path(values["reject_file"])
    return CollectionReport(
        **{**values, **tuples, "absent": absent, "reject_file": file, "counts": Counts(**values["counts"])}
    )
