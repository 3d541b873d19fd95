"""The instruments of a batch: their recorded rows, and the update by the batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketdata.models import Instrument
from marketdata.operations import bulk
from marketdata.sources.batches import BarBatch

NAME_LENGTH = 120


class Mention(NamedTuple):
    """One instrument's rows in a batch sorted by (code, date): batch[start:stop]."""

    code: str
    start: int
    stop: int
    first: date
    last: date


class InstrumentRow(NamedTuple):
    """The recorded columns of one instrument; `pk` is 0 for a new one."""

    pk: int = 0
    name: str = ""
    kind: str = "common"
    segment: str = ""
    first_bar: date | None = None
    last_bar: date | None = None


class InstrumentTable:
    """The market's instruments with codes between the batch's lowest and highest; the batch is sorted by
    (code, date)."""

    def __init__(self, market: str, batch: BarBatch) -> None:
        self.market, self.batch = market, batch
        self.mentions = list(_mentions(batch))
        self.by_code = self._read()

    def recorded_rows(self, source: str) -> bulk.Rows | None:
        """The recorded bars under the batch's keys, and perhaps more; None where there can be none.

        Selected by day or by code, whichever reads less: the batch of a day's list has many codes and few days, that
        of a file sorted by code has few codes and many days.
        """
        spans = {
            code: (row.first_bar, row.last_bar) for code, row in self.by_code.items() if row.first_bar and row.last_bar
        }
        if not any(
            spans[row.code][0] <= row.last and row.first <= spans[row.code][1]
            for row in self.mentions
            if row.code in spans
        ):
            return None
        first = min(row.first for row in self.mentions)
        last = max(row.last for row in self.mentions)
        by_code = sum((to - since).days + 1 for since, to in spans.values())
        shared = sum(max((min(to, last) - max(since, first)).days + 1, 0) for since, to in spans.values())
        by_day = shared * Instrument.objects.filter(market=self.market).count() / len(spans)
        if by_day <= by_code:
            return bulk.source_rows(self.market, source, days=(first, last))
        codes = (self.mentions[0].code, self.mentions[-1].code)
        return bulk.source_rows(self.market, source, codes=codes)

    def write(self) -> set[str]:
        """Insert the new instruments and update the others: the days of their first and last bar, and the latest name,
        kind and segment. Returns the codes of those that changed."""
        written = []
        new = False
        for mention in self.mentions:
            before = self.by_code.get(mention.code)
            after = self._updated_row(before, mention)
            if after != before:
                self.by_code[mention.code] = after
                written.append((self.market, mention.code, *after[1:]))
                new = new or before is None
        bulk.upsert(Instrument, written, fields=("market", "code", *InstrumentRow._fields[1:]), key=("market", "code"))
        if new:
            self.by_code = self._read()
        return {code for _, code, *_ in written}

    def _read(self) -> dict[str, InstrumentRow]:
        rows = Instrument.objects.filter(
            market=self.market, code__gte=self.mentions[0].code, code__lte=self.mentions[-1].code
        )
        return {
            code: InstrumentRow._make(rest)
            for code, *rest in rows.values_list("code", "pk", *InstrumentRow._fields[1:])
        }

    def _updated_row(self, before: InstrumentRow | None, mention: Mention) -> InstrumentRow:
        """The instrument's row after the batch."""
        before = before or InstrumentRow()
        newest = before.last_bar is None or mention.last >= before.last_bar
        row = mention.stop - 1
        status = self.batch.statuses[self.batch.status[row]]
        name = int(self.batch.name[row])
        takes_name = name >= 0 and (newest or not before.name)
        return InstrumentRow(
            before.pk,
            str(self.batch.names[name])[:NAME_LENGTH] if takes_name else before.name,
            (status.kind if newest else None) or before.kind,
            (status.segment if newest else None) or before.segment,
            min(before.first_bar or mention.first, mention.first),
            max(before.last_bar or mention.last, mention.last),
        )


def _mentions(batch: BarBatch) -> Iterator[Mention]:
    starts = np.flatnonzero(np.diff(batch.code, prepend=-1))
    stops = np.append(starts[1:], len(batch))
    first: NDArray[np.object_] = batch.date[starts].astype(object)
    last: NDArray[np.object_] = batch.date[stops - 1].astype(object)
    codes = batch.codes[batch.code[starts]].tolist()
    yield from map(Mention._make, zip(codes, starts.tolist(), stops.tolist(), first, last, strict=True))
