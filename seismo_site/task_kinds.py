"""The kinds of background tasks: which queue each goes to, and when it is attempted again.

`high` is for tasks that a person waits for, `low` for everything that may take long.
"""

from __future__ import annotations

from marketdata.task_kind import TaskKind

KINDS = {
    "scan": TaskKind("scans.tasks.process_scan_request", "high", (2, 10, 60, 300)),
    "preclose": TaskKind("scans.tasks.preclose", "high", (5, 20, 60), "scans.tasks.report_preclose"),
    "delivery": TaskKind("scans.tasks.deliver", "high", (10, 60, 300, 900)),
    "range": TaskKind("scans.tasks.process_scan_request", "low", (10, 60, 300, 900)),
    "range part": TaskKind("scans.tasks.process_range_part", "low", (10, 60, 300, 900)),
    "scan shard": TaskKind("scans.tasks.scan_shard", "low", (2, 10, 60)),
    "collection": TaskKind("scans.tasks.collect", "low", (30, 120, 300)),
    "collection part": TaskKind("scans.tasks.collect_part", "low", (10, 60, 300)),
    "candle collection": TaskKind("marketdata.candles.tasks.collect_candles", "low", (30, 120, 300)),
    "candle series": TaskKind("marketdata.candles.tasks.collect_series", "low", (10, 60, 300)),
    "warm-up": TaskKind("scans.tasks.warm_up", "low", (10, 60)),
    "evening": TaskKind("scans.tasks.evening", "low", (30, 120, 300, 600), "scans.tasks.report_evening"),
    "evening version": TaskKind("scans.tasks.evening_version", "low", (5, 20, 60)),
    "settle": TaskKind("scans.tasks.settle", "low", (60, 300, 900, 1800)),
}
