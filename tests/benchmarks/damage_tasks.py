"""Inside a measured process: files of the lake and of the score cache are damaged, and scans go on over them."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from marketdata.errors import LakeError
from marketdata.models import Instrument
from marketdata.operations.projection import project
from marketdata.operations.record import flows
from marketdata.queries.records import get_lake, get_record
from marketdata.sources.batches import FlowBatch
from scans.models import ScannerVersion
from scans.operations.scan import run
from scans.operations.scan.request import RunRequest
from tests.damage import KINDS, damaged

AS_OF = datetime(2030, 1, 1, tzinfo=UTC)
FLOWS = 60
"""Sessions with investor flow."""
READS_FLOWS = "vcp-flows"


def damage(*, market: str, count: int, seed: int) -> dict[str, Any]:
    """For each kind of file what became of `count` damages: refused (a reader that may not write got one sentence),
    mended (a scan wrote it anew), unread (what was damaged was not needed), wrong (another answer); and seconds."""
    _prepare(market)
    draw = random.Random(seed)
    record = get_record(market)
    month = record.sessions[-1].item().replace(day=1)
    lake = Path(settings.LAKE_DIR)
    files = {
        "bars": lake / get_lake().partition(market, month),
        "flows": lake / get_lake().flows(market, month),
        "index": lake / get_lake().index(market),
    }
    days = [record.sessions[-1].item()]
    right = _answers(market, days)
    outcomes = {
        name: _outcomes(file, count, draw, lambda mend: _answers(market, days, mend=mend) == right)
        for name, file in files.items()
    }
    outcomes["score cache"] = _entries(market, days, count, draw)
    return outcomes


def _prepare(market: str) -> None:
    """Flows of every instrument, and a version that reads them."""
    draw = np.random.default_rng(7)
    sessions = [day.item() for day in get_record(market).sessions[-FLOWS:]]
    codes = list(Instrument.objects.filter(market=market).values_list("code", flat=True))
    rows = [(code, day) for code in codes for day in sessions]
    values = {"foreign_net_quantity": draw.integers(-500, 500, len(rows)).tolist()}
    batch = FlowBatch.of([code for code, _ in rows], [day for _, day in rows], values)
    flows.record_flows(batch, market=market, source="file", at=AS_OF)
    project.project_flows(market)
    ScannerVersion.objects.get_or_create(slug=READS_FLOWS, defaults={"engine": "vcp", "params": {"flow_weight": 0.5}})


def _answers(market: str, days: list[date], *, mend: bool = True, cached: bool = False) -> Any:
    request = RunRequest(
        market=market, as_of=AS_OF, versions=["v1", "v2", READS_FLOWS], first=days[0], last=days[-1],
        save=False, cached=cached, mend=mend,
    )  # fmt: skip
    made = run.run_scan(request)
    for one in made:
        if one.error:
            raise RuntimeError(one.error)
    return [
        (answer.date, answer.input_digest, answer.result_digest, answer.regime, answer.scored)
        for one in made
        for answer in one.answers
    ]


def _outcomes(file: Path, count: int, draw: random.Random, is_right: Callable[[bool], bool]) -> dict[str, Any]:
    seen: Counter[str] = Counter()
    spent = []
    for n in range(count):
        whole = file.read_bytes()
        spoiled = damaged(whole, draw, KINDS[n % len(KINDS)])
        file.write_bytes(spoiled)
        try:
            seen["wrong"] += not is_right(False)
        except LakeError:
            seen["refused"] += 1
        began = time.perf_counter()
        seen["wrong"] += not is_right(True)
        spent.append(time.perf_counter() - began)
        is_mended = file.read_bytes() != spoiled
        seen["mended" if is_mended else "unread"] += 1
        if not is_mended:
            file.write_bytes(whole)
    return {"count": count, "seconds": spent, **seen}


def _entries(market: str, days: list[date], count: int, draw: random.Random) -> dict[str, Any]:
    right = _answers(market, days, cached=True)
    files = sorted(Path(settings.SCORE_CACHE).glob("*.parquet"))
    seen: Counter[str] = Counter()
    spent = []
    for n in range(count):
        file = files[n % len(files)]
        whole = file.read_bytes()
        spoiled = damaged(whole, draw, KINDS[n % len(KINDS)])
        file.write_bytes(spoiled)
        began = time.perf_counter()
        seen["wrong"] += _answers(market, days, cached=True) != right
        spent.append(time.perf_counter() - began)
        seen["mended" if file.read_bytes() != spoiled else "unread"] += 1
    return {"count": count, "seconds": spent, "files": len(files), **seen}
