"""python -m tests.benchmarks.task_process TASK JSON: one task in a process of its own; its answer as JSON, last line.

The environment names the installation (`installations.Installation.env`). Only the task's own module is imported, so
that no other counts in its memory, and only once Django is set up, since models need that.
"""

from __future__ import annotations

import importlib
import json
import sys

import django

TASKS = {
    "overhead": "tests.benchmarks.candle_tasks",
    "states": "tests.benchmarks.candle_tasks",
    "faults": "tests.benchmarks.candle_tasks",
    "damage": "tests.benchmarks.damage_tasks",
    "scan": "tests.benchmarks.scan_tasks",
    "judge": "tests.benchmarks.scan_tasks",
    "extent": "tests.benchmarks.scan_tasks",
    "richest": "tests.benchmarks.scan_tasks",
    "reading": "tests.benchmarks.scan_tasks",
    "calendar": "tests.benchmarks.market_tasks",
    "lake": "tests.benchmarks.market_tasks",
    "tidy": "tests.benchmarks.market_tasks",
    "compare": "tests.benchmarks.comparison_tasks",
    "profile": "tests.benchmarks.profile_tasks",
    "collect": "tests.benchmarks.collection_tasks",
    "sequential": "tests.benchmarks.collection_tasks",
    "sweep": "tests.benchmarks.research_tasks",
    "forget_sweeps": "tests.benchmarks.research_tasks",
    "plans": "tests.benchmarks.collection_tasks",
    "token": "tests.benchmarks.load_tasks",
    "codes": "tests.benchmarks.load_tasks",
    "reader": "tests.benchmarks.reader_tasks",
    "changes": "tests.benchmarks.reader_tasks",
    "answers": "tests.benchmarks.reader_tasks",
    "cached_history": "tests.benchmarks.database_tasks",
    "beside_ranges": "tests.benchmarks.queue_tasks",
    "instrument_tasks": "tests.benchmarks.throughput_tasks",
    "session_requests": "tests.benchmarks.throughput_tasks",
    "draft_turns": "tests.benchmarks.throughput_tasks",
    "evening": "tests.benchmarks.throughput_tasks",
}


def main() -> int:
    task, text = sys.argv[1:]
    django.setup()
    module = importlib.import_module(TASKS[task])
    print(json.dumps(getattr(module, task)(**json.loads(text))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
