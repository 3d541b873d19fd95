"""Records bars: the one operation by which bars enter the record.

In one transaction, for a batch of one source's rows that have passed `validation`:

1. A 0 that means missing becomes missing (`BarBatch.without_zeros`), for every source. Rows are compared with the
   recorded ones (`corrections`): new, corrected or unchanged. A missing value leaves the recorded one unchanged. The
   closes of overlapping rows show whether prices are adjusted otherwise than the recorded ones (`price_basis`).
2. New rows are inserted; corrected rows are updated, and their former values kept (`BarCorrection`).
3. `Instrument` is updated, then the statuses that the source states for each (`status_intervals`).
4. The lake's months whose bars or whose membership changed are marked, and a new generation of the market begins; of
   rows that are all recorded already, one of the corrected instruments (`generations`).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import transaction

from marketdata.models import BarCorrection
from marketdata.operations import bulk, generations
from marketdata.operations.bulk import BAR_TABLE
from marketdata.operations.projection import dirty_months
from marketdata.operations.record import corrections, instruments, statuses
from marketdata.operations.record.corrections import Counts, months_of
from marketdata.operations.record.price_basis import PriceBasis
from marketdata.sources.batches import BarBatch


def record_bars(
    batch: BarBatch, *, market: str, source: str, at: datetime, reason: str = "", basis: PriceBasis | None = None
) -> Counts:
    """Record a validated batch (no key twice) in one transaction; `at` becomes its time of record, `reason` that of its
    corrections. `basis` collects the comparison with the recorded closes."""
    if not len(batch):
        return Counts()
    batch = batch.take(np.lexsort((batch.date, batch.code))).without_zeros()
    bars = bulk.WriteBatch(batch.codes, batch.code, batch.date, batch.values)
    with transaction.atomic():
        bulk.lock(market)
        table = instruments.InstrumentTable(market, batch)
        comparison = corrections.compare(bars, table.recorded_rows(source), BAR_TABLE)
        if basis is not None:
            basis.add(bars, comparison, at)
        bulk.insert(bars.take(comparison.new), market=market, source=source, at=at)
        corrections.replace_rows(
            bars, comparison, BAR_TABLE, BarCorrection, market=market, source=source, at=at, reason=reason
        )
        codes = table.write()
        changed = np.concatenate([comparison.new, comparison.corrected])
        months = months_of(batch.date[changed])
        changed_statuses = statuses.write(batch, table, market=market, source=source, at=at)
        months |= changed_statuses.months
        dirty_months.mark(market, months | dirty_months.affected_months(market, batch.date[changed]))
        if len(comparison.new):  # perhaps a new session, which shows in every instrument
            generations.advance(market)
        else:
            codes |= changed_statuses.codes | set(np.unique(batch.codes[batch.code[changed]]).tolist())
            generations.advance_instruments(market, codes)
    return Counts(len(comparison.new), len(comparison.corrected), len(batch) - len(changed))
