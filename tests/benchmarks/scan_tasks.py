"""Inside a measured process: scans, and what a scan reads of the lake."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyarrow import fs

from marketdata.lake.footers import survey
from marketdata.lake.layout import Lake
from marketdata.models import LakePartition
from marketdata.queries.records import get_record
from marketdata.queries.window import open_window
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.execution.shards import EngineTask, field_reach
from scans.operations.evaluation import evidence
from scans.operations.evaluation.evaluate import evaluate_versions
from scans.operations.scan import run
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from tests.benchmarks import measurement
from tests.benchmarks.scenarios import NO_LIMIT

Answer = dict[str, Any]

AS_OF = datetime(2027, 1, 1, tzinfo=UTC)


class UnmappedLake(Lake):
    """A local lake that is read through the file system's calls instead of memory maps, so that the system counts."""

    def open(self) -> tuple[fs.FileSystem, str]:
        return fs.LocalFileSystem(), str(Path(self.root).absolute())


def request(first: str, last: str, **options: Any) -> RunRequest:
    """A request of the benchmarks; features are computed unless `given` has them `cached`."""
    return RunRequest(
        as_of=AS_OF,
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        started_by="bench",
        **{"cached": False, **options},
    )


def scan(*, market: str, first: str, last: str, turns: Sequence[Mapping[str, Any]], runs: int, warm: bool) -> Answer:
    """Each of `turns` (executor, workers, save, ...) run `runs` times, in turns, after one round that is not counted
    where `warm`; for each turn seconds, CPU seconds, stages, peak memory, and what came of it.

    A run that saves and names no limits changes a parameter of no effect each time, so that it publishes.
    """
    answers: list[Answer] = [{"seconds": [], "cpu": [], "stages": [], "peak_mb": 0.0, "workers_mb": 0.0} for _ in turns]
    limits: dict[str, int] = {}
    for n in range(-1 if warm else 0, runs):
        for turn, seen in zip(turns, answers, strict=True):
            limits = {} if limits else NO_LIMIT
            scan_request = request(first, last, market=market, **{"limits": limits, **turn})
            with measurement.Memory(workers=turn.get("executor") == "process") as memory:
                began, busy = time.perf_counter(), measurement.cpu_seconds()
                made = run.run_scan(scan_request)
                spent, busy = time.perf_counter() - began, measurement.cpu_seconds() - busy
            for one in made:
                if one.error:
                    raise RuntimeError(one.error)
            seen |= {"executor": made[0].executor, "unchanged": made[0].unchanged}
            seen["sessions"] = len(made[0].answers)
            seen["ranks"] = sum(len(answer.ranks) for one in made for answer in one.answers)
            seen["peak_mb"] = max(seen["peak_mb"], memory.own)
            seen["workers_mb"] = max(seen["workers_mb"], memory.workers)
            if n >= 0:
                seen["seconds"].append(spent)
                seen["cpu"].append(busy)
                seen["stages"].append(_stages(made))
    return {"turns": answers}


def _stages(made: Sequence[Scan]) -> dict[str, float]:
    """Seconds by stage: reading and features, which all versions share, then those of each added up."""
    shared = {name: made[0].seconds[name] for name in ("read", "features")}
    own = {name for one in made for name in one.seconds} - set(shared)
    return shared | {name: sum(one.seconds[name] for one in made) for name in sorted(own)}


def judge(*, market: str, versions: Sequence[str], first: str, last: str, runs: int) -> Answer:
    """The evaluation of published picks over the usual horizons, after one that is not counted."""
    evaluation_request = evidence.EvaluationRequest(
        market=market,
        as_of=AS_OF,
        versions=versions,
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
    )
    spent, stages = [], []
    with measurement.Memory() as memory:
        for n in range(runs + 1):
            began = time.perf_counter()
            evaluation = evaluate_versions(evaluation_request)
            if n:
                spent.append(time.perf_counter() - began)
                stages.append(evaluation.seconds)
    picks = sum(line.figures.picks for line in evaluation.lines if line.horizon == 1)
    return {
        "seconds": spent,
        "stages": stages,
        "sessions": evaluation.sessions,
        "picks": picks,
        "lines": len(evaluation.lines),
        "peak_mb": memory.own,
    }


def extent(*, market: str) -> Answer:
    """What the market's record holds."""
    record = get_record(market)
    rows = LakePartition.objects.filter(market=market).values_list("rows", "bytes")
    return {
        "sessions": [str(day) for day in record.sessions],
        "rows": sum(row[0] for row in rows),
        "bytes": sum(row[1] for row in rows),
    }


def richest(*, market: str, version: str, first: str, last: str) -> Answer:
    """The session with the most ranks, the latest of equals."""
    (made,) = run.run_scan(request(first, last, market=market, versions=[version], save=False))
    if made.error:
        raise RuntimeError(made.error)
    best = max(made.answers, key=lambda answer: (len(answer.ranks), answer.date))
    return {"date": best.date, "ranks": len(best.ranks), "regime": best.regime}


def reading(*, market: str, version: str, day: str, runs: int) -> Answer:
    """What one session reads of the lake: bytes, and the seconds of its parts."""
    record = get_record(market)
    sessions = record.between(date.fromisoformat(day), date.fromisoformat(day))
    engine = ENGINES[version]
    task = EngineTask(engine, engine_params.read(engine.Params, {}), record.market.segments, {})
    window = open_window(record, sessions, engine.warm_up)
    plain = UnmappedLake(window.lake.root)
    before = measurement.read_bytes()
    survey(plain, window.survey.parts)
    footers = measurement.read_bytes()
    replace(window, lake=plain).read(field_reach([task]))
    after = measurement.read_bytes()
    return {
        "footers": footers - before,
        "bars": after - footers,
        "sessions": len(window.sessions),
        "instruments": len(window.survey.codes),
        "parts": len(window.survey.parts),
        "record": measurement.seconds(lambda: get_record(market), runs),
        "window": measurement.seconds(lambda: open_window(record, sessions, engine.warm_up), runs),
        "read": measurement.seconds(lambda: window.read(field_reach([task]), threads=2), runs),
    }
