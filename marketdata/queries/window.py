"""Windows: sessions of a market with the history before them, opened for reading.

1. `_span` chooses the sessions: those requested and up to `warm_up` before them, without a missing one.
2. Months in which the lake is behind the record are refused.
3. `footers.survey` reads the footers of the months; a missing or damaged file is refused.
4. `carry_forward` takes from the record what idle instruments bring into the window, `cap_states` the market caps of
   the month before, where they are requested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marketdata.breaks import Break
from marketdata.carried_caps import NO_CAPS
from marketdata.errors import DataProblem
from marketdata.lake.footers import Part, survey
from marketdata.lake.reader import Window
from marketdata.queries.breaks import get_breaks
from marketdata.queries.cap_states import carrying_start, get_cap_state
from marketdata.queries.carry_forward import get_carried_closes
from marketdata.queries.instrument_digests import InstrumentDigests
from marketdata.queries.records import get_lake, stale_month_error
from marketdata.record import Days, FlowRecord, Record

Choice: TypeAlias = Callable[[InstrumentDigests], NDArray[np.str_] | None]
"""From the digests of a window's instruments the codes to read, ascending; None: all."""


def open_window(
    record: Record,
    sessions: Days,
    warm_up: int,
    *,
    flows: FlowRecord | None = None,
    caps: int | None = None,
    choose: Choice | None = None,
) -> Window:
    """A window on `sessions` (consecutive) and up to `warm_up` before them, with `flows` on their investor flow too,
    with `caps` on their market caps and those of so many sessions before (it may then begin earlier in its month);
    of the instruments that `choose` names.

    Raises LakeError where a partition in the window is behind the record, or its file missing or broken,
    DataProblem where a session is missing.
    """
    days, start = check_window(record, sessions, warm_up, flows=flows)
    flow_parts = flows.months(days) if flows is not None else ()
    return _open(record, days, start, get_breaks(record), flow_parts, caps, choose)


def check_window(record: Record, sessions: Days, warm_up: int, *, flows: FlowRecord | None = None) -> tuple[Days, int]:
    """The sessions of the window and the row of its first requested one; raises what `open_window` raises, without
    opening a file."""
    days, start = _span(record, sessions, warm_up)
    _refuse_stale(record.market.name, record.months(days), record.stale)
    if flows is not None:
        _refuse_stale(record.market.name, flows.months(days), flows.stale)
    return days, start


def open_block_window(
    record: Record,
    block: Days,
    sessions: Days,
    *,
    look_back: int,
    breaks: Sequence[Break] | None = None,
    caps: int | None = None,
) -> Window:
    """The same inside one `block` of consecutive recorded sessions, whatever lies before it; with `breaks` in place of
    the market's, where given."""
    at = int(np.searchsorted(block, sessions[0]))
    low = max(at - look_back, 0)
    days = block[low : at + len(sessions)]
    breaks = get_breaks(record) if breaks is None else breaks
    _refuse_stale(record.market.name, record.months(days), record.stale)
    return _open(record, days, at - low, breaks, caps=caps)


def _span(record: Record, sessions: Days, warm_up: int) -> tuple[Days, int]:
    """The sessions to load, as far back as the record has them, and the row at which `sessions` begins. DataProblem
    where a session in between is missing."""
    start = int(np.searchsorted(record.sessions, sessions[0]))
    end = start + len(sessions)
    low = max(start - warm_up, 0)
    with_bars = np.flatnonzero(record.bars[low:end] > 0)
    if not len(with_bars):
        raise DataProblem(record.absence(sessions[0]))
    low += int(with_bars[0])
    inside = np.zeros(len(record.sessions), dtype=bool)
    inside[low:end] = True
    record.refuse_missing(inside)
    return record.sessions[low:end], start - low


def _open(
    record: Record,
    days: Days,
    start: int,
    breaks: Sequence[Break],
    flow_parts: tuple[Part, ...] = (),
    caps: int | None = None,
    choose: Choice | None = None,
) -> Window:
    block = record.block(days[0])
    begins, cap_state, caps_row = block[0], NO_CAPS, None
    if caps is not None:
        first = int(np.searchsorted(block, days[0]))
        since = carrying_start(block, days[max(start - caps, 0)])
        cap_state = get_cap_state(record, breaks, block[since])
        if since < first:
            days, start = np.concatenate([block[since:first], days]), start + first - since
        caps_row = max(since - first, 0)
    footers = survey(get_lake(), record.months(days))
    if choose and (codes := choose(InstrumentDigests.of(days, footers, breaks))) is not None:
        footers = replace(footers, codes=np.char.encode(codes, "utf-8"))
    carry = get_carried_closes(record, footers, days[0], begins, breaks) if days[0] > begins else {}
    return Window(
        lake=get_lake(),
        market=record.market.name,
        suspect_move=record.market.suspect_move,
        sessions=days,
        start=start,
        survey=footers,
        carry=carry,
        flows=flow_parts,
        breaks=tuple(one for one in breaks if str(days[0]) <= one.session <= str(days[-1])),
        caps=cap_state,
        caps_row=caps_row,
        forming=record.forming if record.forming and record.forming.session == days[-1] else None,
    )


def _refuse_stale(market: str, parts: Sequence[Part], stale: Sequence[date]) -> None:
    behind = sorted({part.month for part in parts} & set(stale))
    if behind:
        raise stale_month_error(market, behind[0])
