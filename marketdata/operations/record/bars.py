"""The door: the one way by which bars enter the record.

In one transaction, for a batch of one source's rows that have passed `validation`:

1. Take a 0 that means missing for missing (`BarBatch.without_zeros`), whichever source brought it. Compare with what
   is recorded (`replacing`): rows are new, corrected or unchanged. What a row does not say leaves that as it is.
2. Insert the new; update the corrected and keep what they said before (`BarCorrection`).
3. Bring `Instrument` up to date, then what the source says of each (`membership_runs`).
4. Mark the lake's months whose bars or whose membership changed, and begin a new generation of the market.
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
from marketdata.sources.batches import BarBatch


def record_bars(batch: BarBatch, *, market: str, source: str, at: datetime, reason: str = "") -> Counts:
    """Record a validated batch (no key twice) in one transaction of its own; `at` becomes its time of record, `reason`
    that of its corrections."""
    if not len(batch):
        return Counts()
    batch = batch.take(np.lexsort((batch.date, batch.code))).without_zeros()
    bars = bulk.WriteBatch(batch.codes, batch.code, batch.date, batch.values)
    with transaction.atomic():
        bulk.lock(market)
        known = instruments.InstrumentTable(market, batch)
        found = corrections.compare(bars, known.recorded(source), BAR_TABLE)
        bulk.insert(bars.take(found.new), market=market, source=source, at=at)
        corrections.replace_rows(
            bars,
            found,
            BAR_TABLE,
            BarCorrection,
            market=market,
            source=source,
            at=at,
            reason=reason,
        )
        known.write()
        changed = np.concatenate([found.new, found.corrected])
        months = months_of(batch.date[changed])
        months |= statuses.write(batch, known, market=market, source=source, at=at)
        dirty_months.mark(market, months | dirty_months.affected_months(market, batch.date[changed]))
        generations.advance(market)
    return Counts(len(found.new), len(found.corrected), len(batch) - len(changed))
