"""python -m tests.bench.inside TASK JSON: one task in a process that does only that; its answer as JSON, last line.

The environment says which installation it works in (`places.Place.env`). A task's module is imported when it is asked
for: what it does not need would count in its memory, and models may be imported only once Django is set up.
"""

from __future__ import annotations

import importlib
import json
import sys

import django

TASKS = {
    "overhead": "tests.bench.candled",
    "states": "tests.bench.candled",
    "faults": "tests.bench.candled",
    "damage": "tests.bench.damaging",
    "scan": "tests.bench.scanned",
    "judge": "tests.bench.scanned",
    "extent": "tests.bench.scanned",
    "richest": "tests.bench.scanned",
    "reading": "tests.bench.scanned",
    "calendar": "tests.bench.markets",
    "lake": "tests.bench.markets",
    "tidy": "tests.bench.markets",
    "compare": "tests.bench.rivalry",
    "profile": "tests.bench.profiling",
    "collect": "tests.bench.collected",
    "sequential": "tests.bench.collected",
    "plans": "tests.bench.collected",
    "token": "tests.bench.reader",
    "codes": "tests.bench.reader",
}


def main() -> int:
    task, text = sys.argv[1:]
    django.setup()
    module = importlib.import_module(TASKS[task])
    print(json.dumps(getattr(module, task)(**json.loads(text))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
