"""scan: v2 on KRX, one session and 520 of them, in process and as a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from tests.benchmarks.installations import Bench, Installation
from tests.benchmarks.measurement import BenchFailed
from tests.benchmarks.report import Line, Table
from tests.benchmarks.scenarios import LAST_SESSIONS, NO_LIMIT, RANGE, VERSION


def section(bench: Bench) -> None:
    """One session, then the range, then the command; each memory figure from a process that did only that."""
    installation = bench.krx()
    day, summary = busy_day(installation, "kr")
    _one(bench, installation, day, summary)
    _command(bench, installation, day)
    _range(bench, installation)


def busy_day(installation: Installation, market: str) -> tuple[str, str]:
    """Of the last sessions the one with the most ranks, and what it is like: publishing nothing would flatter us."""
    days = installation.run_task("extent", market=market)["sessions"]
    first, last = days[-LAST_SESSIONS:][0], days[-1]
    richest = installation.run_task("richest", market=market, version=VERSION, first=first, last=last)
    summary = f"{richest['ranks']} ranks, {richest['regime']}: the most of the last {LAST_SESSIONS} sessions"
    return str(richest["date"]), summary


def one(
    installation: Installation, day: str, runs: int, *turns: Mapping[str, Any], market: str = "kr"
) -> dict[str, Any]:
    """One session by each of `turns`, in turns."""
    each = [{"versions": [VERSION], **turn} for turn in turns]
    return installation.run_task("scan", market=market, first=day, last=day, turns=each, runs=runs, warm=True)


def stages(turn: Mapping[str, Any]) -> list[Line]:
    """Where the time of a turn goes: its stages, read + compute, and the rest."""
    seen = turn["stages"]
    names = list(seen[0])
    lines = [Line(f"  {name}", [run[name] for run in seen]) for name in names]
    rest = [whole - sum(run.values()) for whole, run in zip(turn["seconds"], seen, strict=True)]
    lines.append(Line("  the rest (record, footers, join)", rest))
    return lines


def cpu(turn: Mapping[str, Any]) -> str:
    """CPU seconds, of all threads and processes: what other work on the machine disturbs least."""
    return f"cpu {median(turn['cpu']):.2f} s"


def computing(turn: Mapping[str, Any]) -> list[float]:
    """Seconds of read, features and score of each run."""
    return [sum(run[name] for name in ("read", "features", "score")) for run in turn["stages"]]


def _one(bench: Bench, installation: Installation, day: str, summary: str) -> None:
    runs = bench.runs(9)
    kept = one(installation, day, runs, {})
    same = one(installation, day, runs, {"limits": NO_LIMIT}, {"save": False}, {"save": False, "cached": True})
    (saved,), (again, unsaved, cached) = kept["turns"], same["turns"]
    if saved["unchanged"] or not again["unchanged"]:
        raise BenchFailed("a run that should publish did not, or one that should change nothing did")
    lines = [
        Line(
            "published",
            saved["seconds"],
            peak_mb=saved["peak_mb"],
            note=cpu(saved),
            aims={"seconds": 0.5, "mb": 500},
        ),
        Line("  read + features + score", computing(saved), aims={"seconds": 0.3}),
        *stages(saved),
        Line("unchanged (the same again)", again["seconds"]),
        Line("not saved", unsaved["seconds"]),
        Line("not saved, features kept", cached["seconds"], note=cached["executor"]),
    ]
    bench.report.table(
        Table(
            "scan",
            f"one session in process, {day} ({summary}), {saved['executor']}",
            f"run_scan(RunRequest(market='kr', versions=['{VERSION}'], first=last={day}))",
            lines,
            ["published: a limit of no effect alternates, so every run replaces the one before"],
        )
    )


def _command(bench: Bench, installation: Installation, day: str) -> None:
    base = ["run_scan", "--version", VERSION, "--date", day, "--no-cache"]
    limit = [f"{name}={count}" for name, count in NO_LIMIT.items()]
    turns = [[*base, "--limit", *limit], base]
    done = [installation.manage(*turns[n % 2]) for n in range(bench.runs(5) + 1)][1:]
    startup = [installation.manage("run_scan", "--help").seconds for _ in done]
    lines = [
        Line(
            "published",
            [one.seconds for one in done],
            peak_mb=max(one.peak_mb for one in done),
            note=f"cpu {median(one.cpu for one in done):.2f} s",
            aims={"seconds": 2.0, "mb": 500},
        ),
        Line("  of it start-up (--help)", startup),
    ]
    bench.report.table(Table("scan", "one session, the whole command", f"manage.py {' '.join(base)}", lines))


def _range(bench: Bench, installation: Installation) -> None:
    sessions = installation.run_task("extent", market="kr")["sessions"]
    days = inside_range(sessions) or sessions[-520:]
    runs = bench.runs(3)
    lines = []
    for what, save, aim in (("not saved", False, 6.0), ("published", True, 15.0)):
        done = installation.run_task(
            "scan",
            market="kr",
            first=days[0],
            last=days[-1],
            turns=[{"versions": [VERSION], "save": save}],
            runs=runs,
            warm=False,
        )
        (turn,) = done["turns"]
        lines.append(
            Line(
                what,
                turn["seconds"],
                peak_mb=turn["peak_mb"],
                note=f"{cpu(turn)}  {turn['sessions']} sessions, {turn['ranks']:,} ranks, {turn['executor']}",
                aims={"seconds": aim},
            )
        )
        lines += stages(turn)
    bench.report.table(
        Table(
            "scan",
            f"{len(days)} sessions in process, {days[0]} to {days[-1]}",
            f"run_scan(RunRequest(market='kr', versions=['{VERSION}'], first, last))",
            lines,
        )
    )


def inside_range(days: Iterable[str]) -> list[str]:
    """Those of `days` that lie in the usual range."""
    return [day for day in days if RANGE[0] <= day <= RANGE[1]]
