"""Import of files of investor flow (`record.flows`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marketdata.operations.imports.files import import_files
from marketdata.operations.imports.report import ImportProgress, ImportReport
from marketdata.operations.record import flows
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.validation import Validator
from marketdata.sources.batches import FlowBatch
from marketdata.sources.files import FLOW_FORMS


def import_flows(
    *,
    files: Sequence[Path],
    source: str | None = None,
    market: str | None = None,
    strict: bool = False,
    as_of: datetime,
    progress: Callable[[ImportProgress], None] | None = None,
    code: str | None = None,
    day: date | None = None,
    adjusted: bool = False,
) -> ImportReport:
    """Import `files` (see `files.import_files`); the default source is file, the default market kr. A file whose values
    are in another unit than the market's currency is refused from that batch on."""
    return import_files(
        files=files,
        forms=FLOW_FORMS,
        recorder=_FlowRecorder(),
        source=source,
        market=market,
        strict=strict,
        as_of=as_of,
        progress=progress,
        code=code,
        day=day,
        adjusted=adjusted,
    )


class _FlowRecorder:
    """See `files.Recorder`."""

    def check(self, check: Validator, batch: FlowBatch) -> NDArray[np.int8]:
        return check.flows(batch)

    def against_record(self, batch: FlowBatch, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
        return flows.against_bars(batch, reasons, market=market)

    def record(self, batch: FlowBatch, valid: NDArray[np.intp], *, market: str, source: str, at: datetime) -> Counts:
        return flows.record_flows(batch.take(valid), market=market, source=source, at=at)
