"""throughput: instruments a second that task workers scan, and what shares a scan best.

1. Requests of one session each, published, against one task for each instrument, which computes the features of one and
   neither scores nor publishes: with 1, 2 and 4 workers, in turns.
2. The executors of a scan inside a worker: one session and a range.
3. An evening of several versions: together over one read of the lake, and in parallel as a task group.

SQLite, an installation of KRX, nothing read from the score cache.
"""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.queues import task_workers
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scenarios import VERSION

WORKERS = (1, 2, 4)
INSTRUMENTS, SESSIONS, RANGE = 200, 6, 250
AIM = 2.0
"""How many times as many instruments a second as with one task for each."""
EXECUTORS = ("auto", "inline", "thread", "process")
EVENING = ("v1", "v2", "v3", "seismograph")


def section(bench: Bench) -> None:
    """The three tables."""
    installation = replace(bench.krx(), settings={"SEISMO_SCORE_CACHE": "off"})
    days = installation.run_task("extent", market="kr")["sessions"]
    size = installation.run_task("reading", market="kr", version=VERSION, day=days[-1], runs=1)["instruments"]
    _tasks(bench, installation, days, size)
    _executors(bench, installation, days)
    _evening(bench, installation, days[-1])


def _tasks(bench: Bench, installation: Installation, days: list[str], size: int) -> None:
    lines, values = [], {"market": "kr", "version": VERSION}
    for count in WORKERS:
        with task_workers(installation, high=count):
            installation.run_task("session_requests", **values, days=days[-count:], turn=1)  # workers have begun
            single: list[float] = []
            whole: list[float] = []
            for turn in range(bench.runs(2)):
                single.append(installation.run_task("instrument_tasks", **values, count=INSTRUMENTS)["seconds"])
                request = {**values, "days": days[-SESSIONS:], "turn": turn}
                whole.append(installation.run_task("session_requests", **request)["seconds"])
        one = Line(f"a task an instrument, {count} workers", single, work=INSTRUMENTS)
        ours = Line(f"a task a session, {count} workers", whole, work=SESSIONS * size)
        ours.note = f"{ours.rate / one.rate:.1f} x: >= {AIM:g} x {'met' if ours.rate >= AIM * one.rate else 'MISSED'}"
        lines += [one, ours]
    call = "SEISMO_TASK_WORKERS_HIGH=N manage.py qcluster --queue high"
    remark = f"{VERSION}; work: instruments; {INSTRUMENTS} tasks, {SESSIONS} sessions of {size:,} instruments"
    bench.report.table(Table("throughput", "real work through the queue", call, lines, [remark]))


def _executors(bench: Bench, installation: Installation, days: list[str]) -> None:
    spans = [days[-1:], days[-RANGE:]]
    with task_workers(installation, high=1):
        values = {"market": "kr", "version": VERSION, "spans": spans, "turns": EXECUTORS}
        done = installation.run_task("draft_turns", **values, runs=bench.runs(2))["seconds"]
    lines = [
        Line(f"{executor}, {len(span)} sessions", seconds)
        for span, of_span in zip(spans, done, strict=True)
        for executor, seconds in zip(EXECUTORS, of_span, strict=True)
    ]
    bench.report.table(
        Table("throughput", "executors of a scan inside a task worker", "drafts: nothing is published", lines)
    )


def _evening(bench: Bench, installation: Installation, day: str) -> None:
    lines = []
    for count in (1, 3):
        with task_workers(installation, low=count):
            values = {"market": "kr", "versions": EVENING, "day": day, "turns": (False, True) * bench.runs(2)}
            done = installation.run_task("evening", **values)["seconds"]
        together, parallel = ([spent for each in done[n::2] for spent in each] for n in (0, 1))
        lines += [
            Line(f"together, {count + 1} workers", together),
            Line(f"in parallel, {count + 1} workers", parallel, ratio=sum(parallel) / sum(together)),
        ]
    title = f"an evening of {len(EVENING)} versions, one of the workers its own"
    bench.report.table(Table("throughput", title, "SEISMO_EVENING_PARALLEL=1", lines))
