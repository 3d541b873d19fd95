"""Keeps the market's breaks (`marketdata.breaks`) beside the lake, as its index is kept.

1. Lives, from the rosters alone: which instruments have a hole of more than `LIFE_SESSIONS` sessions that nothing
   explains. A session counts when a source that had the instrument before has bars of others on it: where it was not
   asked, nobody knows. A hole is explained by a status that says that trading was halted, by one that was made within
   it (a source listed the instrument all the while), by a listing day before it, or by a factor event on the session
   after.
2. Events that contradict the bars.
3. Where the market has no daily limit, jumps: bars of the changed months and `LOOK_BACK` sessions before them.
4. Where it has one, bars that the limit does not allow (`price_limits`), of the same months.

A break depends on no later bar, so what is found again begins with the first month that changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from marketdata import breaks, price_limits
from marketdata.breaks import Break
from marketdata.lake import breaks_file, schema
from marketdata.lake.breaks_file import BreaksFile, Hole
from marketdata.lake.footers import Survey, positions, survey
from marketdata.lake.layout import Lake
from marketdata.models import FactorEvent, Instrument, InstrumentStatus, LakePartition, StockPrice
from marketdata.operations import limit_bars
from marketdata.queries.records import get_lake, get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Days, Record

LOOK_BACK = breaks.USUAL_SESSIONS + 2
CHUNK = 250
FIELDS = ("open", "high", "low", "close", "volume", "raw_close")


def refresh(lake: Lake, market: str) -> np.datetime64 | None:
    """Bring the breaks of `market` up to date with its partitions; the first session whose breaks are not what they
    were, None where nothing changed."""
    wanted = {
        month.isoformat(): digest
        for month, digest in LakePartition.objects.filter(market=market)
        .exclude(digest="")
        .order_by("month")
        .values_list("month", "digest")
    }
    known = breaks_file.read(lake, market)
    before = known.partitions or {}
    changed = sorted(month for month in {*wanted, *before} if wanted.get(month) != before.get(month))
    held = get_record(market)
    holes, found = known.holes, [one for one in known.breaks if one.is_suspicion]
    if changed:
        kept = changed[0]
        fresh = _asked_for(held, list(_holes(held, np.datetime64(kept))))
        holes = (*(one for one in holes if one[2] < kept), *fresh)
    lives = _lives(market, holes)
    if changed:
        found = [one for one in found if one.session < kept]
        found += _suspicions(held, np.datetime64(kept), lives)
    made = BreaksFile(tuple(sorted([*lives, *found])), holes, wanted)
    if made == known:
        return None
    breaks_file.write(lake, market, made)
    odd = sorted(set(made.breaks) ^ set(known.breaks))
    return np.datetime64(odd[0].session) if odd else None


def _holes(held: Record, since: np.datetime64) -> Iterator[Hole]:
    """Holes that end on or after `since`."""
    days = held.sessions[held.bars > 0]
    begin = int(np.searchsorted(days, since))
    if begin == len(days):
        return
    low = days[max(begin - breaks.LIFE_SESSIONS - 1, 0)].astype("datetime64[M]")
    days = days[days.astype("datetime64[M]") >= low]
    seen = survey(get_lake(), held.months(days))
    last = np.full(len(seen.codes), -1)
    earlier: list[tuple[str, str]] = []
    for at, first, end in _by_month(seen, days):
        new = days[first] >= since
        long = new & (last[at] >= 0) & (first - last[at] - 1 > breaks.LIFE_SESSIONS)
        for n in np.flatnonzero(long).tolist():
            code = seen.codes[at[n]].decode()
            yield code, str(days[last[at[n]]]), str(days[first[n]])
        fresh = new & (last[at] < 0) & (first > breaks.LIFE_SESSIONS)
        earlier += [(seen.codes[at[n]].decode(), str(days[first[n]])) for n in np.flatnonzero(fresh)]
        last[at] = end
    yield from _from_before(held, earlier, days[0])


def _asked_for(held: Record, holes: Sequence[Hole]) -> Iterator[Hole]:
    """Those of `holes` that lie within consecutive recorded sessions, and in which the sources that had the instrument
    before brought bars of others on more than `LIFE_SESSIONS` sessions."""
    days = held.sessions[held.bars > 0]
    brought: dict[tuple[str, int], bool] = {}

    def has(source: str, at: int) -> bool:
        if (source, at) not in brought:
            bars = StockPrice.objects.filter(market=market, source=source, date=days[at].item())
            brought[source, at] = bars.exists()
        return brought[source, at]

    market = held.market.name
    for code, last, first in holes:
        if np.datetime64(last) < held.block(np.datetime64(first))[0]:
            continue
        bars = StockPrice.objects.filter(market=market, stock_code=code, date=last)
        sources = sorted(set(bars.values_list("source", flat=True)))
        low, high = np.searchsorted(days, [np.datetime64(last), np.datetime64(first)])
        counted = sum(any(has(one, at) for one in sources) for at in range(low + 1, high))
        if counted > breaks.LIFE_SESSIONS:
            yield code, last, first


def _by_month(seen: Survey, days: Days) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each month the instruments with a bar in it (positions in `seen.codes`), and the places in `days` of their
    first and last bar there."""
    for part, roster in zip(seen.parts, seen.rosters, strict=True):
        month = np.datetime64(part.month)
        mine = np.flatnonzero(days.astype("datetime64[M]") == month.astype("datetime64[M]"))
        if not len(mine) or not len(roster.codes):
            continue
        bits = schema.unpack_masks(roster.present)[:, (days[mine] - month).astype(np.intp)]
        there = np.flatnonzero(bits.any(axis=1))
        at = positions(seen.codes, roster.codes)[there]
        first = mine[bits[there].argmax(axis=1)]
        end = mine[len(mine) - 1 - bits[there][:, ::-1].argmax(axis=1)]
        yield at, first, end


def _from_before(held: Record, found: Sequence[tuple[str, str]], start: np.datetime64) -> Iterator[Hole]:
    """Of instruments whose first bar since `start` comes late, those that have bars before it."""
    market = held.market.name
    known = Instrument.objects.filter(market=market, first_bar__lt=start.item())
    old = set(known.values_list("code", flat=True)) if found else set()
    first_session = held.sessions[0].item()
    for code, first in found:
        if code in old:
            bars = StockPrice.objects.filter(
                market=market, stock_code=code, date__lt=start.item(), date__gte=first_session
            ).exclude(date__in=list(held.closed))
            last = bars.order_by("-date").values_list("date", flat=True).first()
            if last:
                yield code, str(last), first


def _lives(market: str, holes: Sequence[Hole]) -> list[Break]:
    """The holes that nothing explains."""
    if not holes:
        return []
    codes = {code for code, _, _ in holes}
    listed = {
        code: (listed_on, gone_on)
        for code, listed_on, gone_on in Instrument.objects.filter(market=market, code__in=codes).values_list(
            "code", "listed_on", "gone_on"
        )
    }
    said: dict[str, list[tuple[date, date, bool | None]]] = {}
    rows = InstrumentStatus.objects.filter(instrument__market=market, instrument__code__in=codes)
    columns = ("instrument__code", "valid_from", "valid_to", "halted")
    for code, first, last, halted in rows.order_by("valid_from").values_list(*columns):
        said.setdefault(code, []).append((first, last, halted))
    joined = set(FactorEvent.objects.filter(market=market, stock_code__in=codes).values_list("stock_code", "date"))
    found = []
    for code, before, after in holes:
        span = date.fromisoformat(before), date.fromisoformat(after)
        if (code, span[1]) in joined or _is_explained(span, *listed.get(code, (None, None)), said.get(code, [])):
            continue
        found.append(Break(after, code, breaks.LIFE, 0.0, 0.0, since=before))
    return found


def _is_explained(
    hole: tuple[date, date],
    listed_on: date | None,
    gone_on: date | None,
    said: Sequence[tuple[date, date, bool | None]],
) -> bool:
    """Whether the instrument was the same before and after the hole, by what sources said of it."""
    last, first = hole
    if (listed_on and last < listed_on <= first) or (gone_on and last < gone_on <= first):
        return False
    if listed_on and listed_on <= last:
        return True
    halted = [told[2] for told in said if told[0] <= first and told[2] is not None]
    within = any(last < day < first for told in said for day in told[:2])
    return within or bool(halted and halted[-1])


def _suspicions(held: Record, since: np.datetime64, lives: Sequence[Break]) -> Iterator[Break]:
    for block in held.blocks():
        fresh = block[block >= since]
        for low in range(0, len(fresh), CHUNK):
            yield from _of_chunk(held, block, fresh[low : low + CHUNK], lives)


def _of_chunk(held: Record, block: Days, part: Days, lives: Sequence[Break]) -> Iterator[Break]:
    limit = held.market.suspect_move
    look_back = LOOK_BACK if limit is None else price_limits.LIMIT_LOOK_BACK
    yield from _read(held, block, part, lives, look_back=look_back)


def _read(held: Record, block: Days, part: Days, lives: Sequence[Break], *, look_back: int) -> Iterator[Break]:
    window = open_block_window(held, block, part, look_back=look_back, breaks=lives)
    limit = held.market.suspect_move
    panel = window.read(dict.fromkeys(FIELDS, window.start))
    raw, volume = panel["raw_close"], panel["volume"]
    decided = np.zeros(raw.shape, dtype=bool)
    columns = {str(code): n for n, code in enumerate(panel.codes)}  # of several lives the last
    found: dict[tuple[int, int], Break] = {}
    events = [(row, columns[code], code, ratio) for row, code, ratio in _events(window.survey, window.sessions)]
    for row, column, code, ratio in events:
        if row < max(window.start, 1) or not volume[row, column] > 0:
            decided[row, column] = True
            continue
        before, close = float(raw[row - 1, column]), float(raw[row, column])
        if before > 0 and breaks.contradicts(close / before, ratio, limit):
            told = Break(str(window.sessions[row]), code, breaks.EVENT, before, close, ratio)
            found[row, column] = told
        decided[row, column] = True
    if limit is None:
        moves = breaks.Moves(panel["open"], panel["high"], panel["low"], panel["close"], volume, decided)
        for row, column, kind in breaks.find_suspicions(moves, window.start):
            before = float(raw[row - 1, column]) if row else np.nan
            found[row, column] = Break(
                str(window.sessions[row]),
                str(panel.codes[column]),
                kind,
                before,
                float(raw[row, column]),
            )
        yield from found.values()
        return
    yield from found.values()
    known = {(one.session, one.code) for one in found.values()}
    mine = [(row, column, ratio) for row, column, _, ratio in events]
    for one in limit_bars.suspected_bars(held.market, window, panel, mine):
        if (one.session, one.code) not in known:
            yield one


def _events(seen: Survey, sessions: Days) -> Iterator[tuple[int, str, float]]:
    """The factor events of a window: row, code, ratio."""
    for part, roster in zip(seen.parts, seen.rosters, strict=True):
        for event in roster.events:
            day = np.datetime64(part.month) + int(event["day"])
            row = int(np.searchsorted(sessions, day))
            if row < len(sessions) and sessions[row] == day:
                yield row, roster.codes[event["code"]].decode(), float(event["value"])
