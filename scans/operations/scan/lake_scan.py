"""Scans of a lake in a bucket, with its catalogue in place of the record's database; the ranks are Parquet files.

    <output>/market=kr/scanner_version=v2/date=2026-09-11/ranks-<input digest>.parquet

Each has the ranks of one version on one session, also where there is none, and the session's answer in the footer's
metadata `seismo.answer`. The same inputs give the same file, so a scan may be repeated; a reader never has a part of
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from marketdata.operations import lake_copies
from scans.models import ActiveVersion, ScannerVersion
from scans.operations.scan.answers import Scan, SessionAnswer, parameters
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.queries.versions import active_versions, all_versions

FIELDS: list[pa.Field[Any]] = [
    pa.field("rank", pa.int32(), nullable=False),
    pa.field("code", pa.string(), nullable=False),
    *(pa.field(name, pa.string()) for name in ("name", "strategy", "label", "segment")),
    *(pa.field(name, pa.float64()) for name in ("score", "close", "change_pct", "amount", "entry", "target", "stop")),
    *(pa.field(name, pa.int32()) for name in ("holding_min", "holding_max")),
    pa.field("signals", pa.list_(pa.string())),
    pa.field("components", pa.map_(pa.string(), pa.float64())),
]
SCHEMA = pa.schema(FIELDS)


class ScanFailed(Exception):
    """Versions of a scan failed; the message names each, with its error, and the files of the others."""


def copy_lake(
    market: str, bucket: str, *, rebuild: bool = False, progress: Callable[[str, int, int], None] | None = None
) -> lake_copies.CopyReport:
    """Copy the market's lake and a catalogue with all versions to the address `bucket`; `rebuild`: also files that
    were copied before. OSError where that cannot be written."""
    versions = (all_versions(), active_versions())
    return lake_copies.copy_lake(market, bucket, versions, rebuild=rebuild, progress=progress)


def scan_lake(
    market: str, output: str, *, versions: Sequence[str], session: date | None, as_of: datetime
) -> dict[str, Any]:
    """Scan one session of the market in the configured lake, a copy (None: the last complete session as of `as_of`),
    and write the ranks of each version to the address `output`; returns the summary. ScanFailed where a version
    failed, after those of the others are written."""
    lake_copies.load_catalogue(market, (ScannerVersion, ActiveVersion))
    request = RunRequest(
        market=market,
        as_of=as_of,
        versions=versions,
        first=session,
        last=session,
        executor="thread",
        save=False,
        mend=False,
        cached=False,
    )
    scans = run_scan(request)
    files = [_write(scan, answer, output) for scan in scans if not scan.error for answer in scan.answers]
    errors = [scan.error for scan in scans if scan.error]
    if errors:
        written = ", ".join(file["file"] for file in files) or "nothing"
        raise ScanFailed(f"{len(errors)} of {len(scans)} versions failed: {'; '.join(errors)}. Written: {written}.")
    return {"market": market, "answers": files}


def _write(scan: Scan, answer: SessionAnswer, output: str) -> dict[str, Any]:
    """Write the answer's file; returns its summary."""
    version = scan.version.slug
    head = {name: value for name, value in asdict(answer).items() if name != "ranks"}
    head |= {
        "market": scan.market,
        "scanner_version": version,
        "engine": scan.task.engine.slug,
        "revision": scan.task.engine.revision,
        "params": parameters(scan.task),
        "index": scan.index,
    }
    rows = [{**rank, "components": list(rank["components"].items())} for rank in answer.ranks]
    table = pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata({"seismo.answer": json.dumps(head)})
    path = f"market={scan.market}/scanner_version={version}/date={answer.date}/ranks-{answer.input_digest}.parquet"
    lake_copies.write_object(output, path, lambda stream: pq.write_table(table, stream, compression="zstd"))
    return {
        "scanner_version": version,
        "date": answer.date,
        "status": answer.status,
        "reason": answer.reason,
        "scored": answer.scored,
        "matched": answer.matched,
        "ranks": len(answer.ranks),
        "input_digest": answer.input_digest,
        "result_digest": answer.result_digest,
        "file": path,
        "seconds": round(scan.duration, 3),
        "executor": scan.executor,
    }
