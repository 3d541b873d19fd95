"""Import of price and factor-event files (`record.bars`, `record.factor_events`)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from marketdata.operations.closure_notices import DayFingerprints
from marketdata.operations.imports.files import ImportOptions, import_files
from marketdata.operations.imports.report import ImportReport
from marketdata.operations.record import bars, factor_events
from marketdata.operations.record.corrections import Counts
from marketdata.operations.record.price_basis import PriceBasis
from marketdata.operations.record.validation import Validator
from marketdata.sources.batches import BarBatch, EventBatch
from marketdata.sources.files import PRICE_FORMS


def import_prices(**options: Unpack[ImportOptions]) -> ImportReport:
    """Import `files` (see `files.import_files`); the default source is marcap for files of marcap, file for other
    forms, the default market kr. The notices name days of the files on which the market did not trade, and
    instruments whose prices are adjusted otherwise than the recorded ones."""
    recorder = _PriceRecorder()
    report = import_files(PRICE_FORMS, recorder, options)
    notices = [notice for name, days in recorder.days.items() for notice in days.closed(name)]
    notices += [notice for key, basis in recorder.bases.items() for notice in basis.notices(*key)]
    return replace(report, notices=tuple(notices))


class _PriceRecorder:
    """See `files.Recorder`. `days`: market -> the days of recorded rows; `bases`: market and source -> overlaps."""

    def __init__(self) -> None:
        self.days: dict[str, DayFingerprints] = defaultdict(DayFingerprints)
        self.bases: dict[tuple[str, str], PriceBasis] = defaultdict(PriceBasis)

    def check(self, check: Validator, batch: BarBatch | EventBatch) -> NDArray[np.int8]:
        return check.bars(batch) if isinstance(batch, BarBatch) else check.events(batch)

    def against_record(
        self, batch: BarBatch | EventBatch, reasons: NDArray[np.int8], *, market: str
    ) -> NDArray[np.int8]:
        return reasons

    def record(
        self, batch: BarBatch | EventBatch, valid: NDArray[np.intp], *, market: str, source: str, at: datetime
    ) -> Counts:
        if isinstance(batch, BarBatch):
            rows = batch.take(valid)
            self.days[market].add(rows)
            return bars.record_bars(rows, market=market, source=source, at=at, basis=self.bases[market, source])
        return factor_events.record_events(batch, valid, market=market, source=source, at=at)
