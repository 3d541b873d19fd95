"""python -m tests.benchmarks.inside TASK JSON: one task in a process of its own; its answer as JSON, last line.

The environment says which installation it works in (`places.Place.env`). A task's module is imported when it is asked
for: what it does not need would count in its memory, and models may be imported only once Django is set up.
"""

from __future__ import annotations

import importlib
import json
import sys

import django

TASKS = {
    "overhead": "tests.benchmarks.candled",
    "states": "tests.benchmarks.candled",
    "faults": "tests.benchmarks.candled",
    "damage": "tests.benchmarks.damaging",
    "scan": "tests.benchmarks.scanned",
    "judge": "tests.benchmarks.scanned",
    "extent": "tests.benchmarks.scanned",
    "richest": "tests.benchmarks.scanned",
    "reading": "tests.benchmarks.scanned",
    "calendar": "tests.benchmarks.markets",
    "lake": "tests.benchmarks.markets",
    "tidy": "tests.benchmarks.markets",
    "compare": "tests.benchmarks.rivalry",
    "profile": "tests.benchmarks.profiling",
    "collect": "tests.benchmarks.collected",
    "sequential": "tests.benchmarks.collected",
    "plans": "tests.benchmarks.collected",
    "token": "tests.benchmarks.reader",
    "codes": "tests.benchmarks.reader",
}


def main() -> int:
    task, text = sys.argv[1:]
    django.setup()
    module = importlib.import_module(TASKS[task])
    print(json.dumps(getattr(module, task)(**json.loads(text))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
