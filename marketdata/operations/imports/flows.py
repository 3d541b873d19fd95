"""Import of files of investor flow (`record.flows`)."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from marketdata.operations.imports.files import ImportOptions, import_files
from marketdata.operations.imports.report import ImportReport
from marketdata.operations.record import flows
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.validation import Validator
from marketdata.sources.batches import FlowBatch
from marketdata.sources.files import FLOW_FORMS


def import_flows(**options: Unpack[ImportOptions]) -> ImportReport:
    """Import `files` (see `files.import_files`); the default source is file, the default market kr. A file whose values
    are in another unit than the market's currency is refused from that batch on."""
    return import_files(FLOW_FORMS, _FlowRecorder(), options)


class _FlowRecorder:
    """See `files.Recorder`."""

    def check(self, check: Validator, batch: FlowBatch) -> NDArray[np.int8]:
        return check.flows(batch)

    def against_record(self, batch: FlowBatch, reasons: NDArray[np.int8], *, market: str) -> NDArray[np.int8]:
        return flows.against_bars(batch, reasons, market=market)

    def record(self, batch: FlowBatch, valid: NDArray[np.intp], *, market: str, source: str, at: datetime) -> Counts:
        return flows.record_flows(batch.take(valid), market=market, source=source, at=at)
