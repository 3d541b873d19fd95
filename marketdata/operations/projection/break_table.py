"""The table of a market's breaks (`marketdata.breaks`), a file beside the lake like its index.

1. Lives, from the rosters alone: instruments with an unexplained hole of more than `LIFE_SESSIONS` sessions. A session
   counts where a source that had the instrument before has bars of others on it. A hole is explained by a status of
   halted trading, by a status within it (a source listed the instrument all the while), by a listing day before it, or
   by a factor event on the session after.
2. Events that contradict the bars.
3. Where the market has no daily limit, jumps: bars of the changed months and `LOOK_BACK` sessions before them.
4. Where it has one, bars that the limit does not allow (`price_limits`), of the same months.

A break does not depend on later bars, so breaks are computed again from the first changed month on. Where histories
begin on other sessions than before, a new generation of the market begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np

from marketdata import breaks, price_limits
from marketdata.breaks import Break
from marketdata.lake import breaks_file, schema
from marketdata.lake.breaks_file import BreaksFile, Hole
from marketdata.lake.footers import Survey, positions, survey
from marketdata.lake.layout import Lake
from marketdata.models import FactorEvent, Instrument, InstrumentStatus, LakePartition, StockPrice
from marketdata.operations import generations, limit_bars
from marketdata.queries.records import get_lake, get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Days, Record

LOOK_BACK = breaks.USUAL_SESSIONS + 2
CHUNK = 250
FIELDS = ("open", "high", "low", "close", "volume", "raw_close")


def refresh(lake: Lake, market: str) -> np.datetime64 | None:
    """Update the breaks of `market` by its partitions; returns the first session whose breaks changed, None where none
    did."""
    wanted = {
        month.isoformat(): digest
        for month, digest in LakePartition.objects.filter(market=market)
        .exclude(digest="")
        .order_by("month")
        .values_list("month", "digest")
    }
    table = breaks_file.read(lake, market)
    before = table.partitions or {}
    changed = sorted(month for month in {*wanted, *before} if wanted.get(month) != before.get(month))
    record = get_record(market)
    holes, suspicions = table.holes, [one for one in table.breaks if one.is_suspicion]
    if changed:
        first_changed = changed[0]
        new_holes = _in_covered_sessions(record, list(_holes(record, np.datetime64(first_changed))))
        holes = (*(one for one in holes if one[2] < first_changed), *new_holes)
    lives = _lives(market, holes)
    if changed:
        suspicions = [one for one in suspicions if one.session < first_changed]
        suspicions += _suspicions(record, np.datetime64(first_changed), lives)
    updated = BreaksFile(tuple(sorted([*lives, *suspicions])), holes, wanted)
    if updated == table:
        return None
    has_other_lives = table.partitions is None or _starts(lives) != _starts(table.breaks)
    if has_other_lives:  # first: killed before the file is written, the next projection finds the same difference
        generations.advance(market)
    breaks_file.write(lake, market, updated)
    if has_other_lives:  # for answers computed from the former file meanwhile
        generations.advance(market)
    differences = sorted(set(updated.breaks) ^ set(table.breaks))
    return np.datetime64(differences[0].session) if differences else None


def _starts(rows: Iterable[Break]) -> set[tuple[str, str]]:
    """The instruments with a life before the present one, and the sessions on which the later ones begin."""
    return {(each.code, each.session) for each in rows if not each.is_suspicion}


def _holes(record: Record, since: np.datetime64) -> Iterator[Hole]:
    """Holes that end on or after `since`."""
    days = record.sessions[record.bars > 0]
    begin = int(np.searchsorted(days, since))
    if begin == len(days):
        return
    low = days[max(begin - breaks.LIFE_SESSIONS - 1, 0)].astype("datetime64[M]")
    days = days[days.astype("datetime64[M]") >= low]
    bar_survey = survey(get_lake(), record.months(days))
    last = np.full(len(bar_survey.codes), -1)
    earlier: list[tuple[str, str]] = []
    for columns, first, end in _by_month(bar_survey, days):
        new = days[first] >= since
        long = new & (last[columns] >= 0) & (first - last[columns] - 1 > breaks.LIFE_SESSIONS)
        for n in np.flatnonzero(long).tolist():
            code = bar_survey.codes[columns[n]].decode()
            yield code, str(days[last[columns[n]]]), str(days[first[n]])
        new_codes = new & (last[columns] < 0) & (first > breaks.LIFE_SESSIONS)
        earlier += [(bar_survey.codes[columns[n]].decode(), str(days[first[n]])) for n in np.flatnonzero(new_codes)]
        last[columns] = end
    yield from _from_before(record, earlier, days[0])


def _in_covered_sessions(record: Record, holes: Sequence[Hole]) -> Iterator[Hole]:
    """The `holes` within consecutive recorded sessions, on more than `LIFE_SESSIONS` of which the sources that had the
    instrument before have bars of others."""
    days = record.sessions[record.bars > 0]
    brought: dict[tuple[str, int], bool] = {}

    def has(source: str, at: int) -> bool:
        if (source, at) not in brought:
            bars = StockPrice.objects.filter(market=market, source=source, date=days[at].item())
            brought[source, at] = bars.exists()
        return brought[source, at]

    market = record.market.name
    for code, last, first in holes:
        if np.datetime64(last) < record.block(np.datetime64(first))[0]:
            continue
        bars = StockPrice.objects.filter(market=market, stock_code=code, date=last)
        sources = sorted(set(bars.values_list("source", flat=True)))
        low, high = np.searchsorted(days, [np.datetime64(last), np.datetime64(first)])
        counted = sum(any(has(source, at) for source in sources) for at in range(low + 1, high))
        if counted > breaks.LIFE_SESSIONS:
            yield code, last, first


def _by_month(bar_survey: Survey, days: Days) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each month the instruments with a bar in it (positions in `bar_survey.codes`), and the places in `days` of
    their first and last bar there."""
    for part, roster in zip(bar_survey.parts, bar_survey.rosters, strict=True):
        month = np.datetime64(part.month)
        places = np.flatnonzero(days.astype("datetime64[M]") == month.astype("datetime64[M]"))
        if not len(places) or not len(roster.codes):
            continue
        bits = schema.unpack_masks(roster.present)[:, (days[places] - month).astype(np.intp)]
        present = np.flatnonzero(bits.any(axis=1))
        columns = positions(bar_survey.codes, roster.codes)[present]
        first = places[bits[present].argmax(axis=1)]
        end = places[len(places) - 1 - bits[present][:, ::-1].argmax(axis=1)]
        yield columns, first, end


def _from_before(record: Record, first_bars: Sequence[tuple[str, str]], start: np.datetime64) -> Iterator[Hole]:
    """Holes of instruments whose first bar since `start` comes late and which have bars before `start`."""
    market = record.market.name
    older = Instrument.objects.filter(market=market, first_bar__lt=start.item())
    old_codes = set(older.values_list("code", flat=True)) if first_bars else set()
    first_session = record.sessions[0].item()
    for code, first in first_bars:
        if code in old_codes:
            bars = StockPrice.objects.filter(
                market=market, stock_code=code, date__lt=start.item(), date__gte=first_session
            ).exclude(date__in=list(record.closed))
            last = bars.order_by("-date").values_list("date", flat=True).first()
            if last:
                yield code, str(last), first


def _lives(market: str, holes: Sequence[Hole]) -> list[Break]:
    """The unexplained holes."""
    if not holes:
        return []
    codes = {code for code, _, _ in holes}
    listed = {
        code: (listed_on, gone_on)
        for code, listed_on, gone_on in Instrument.objects.filter(market=market, code__in=codes).values_list(
            "code", "listed_on", "gone_on"
        )
    }
    statuses: dict[str, list[tuple[date, date, bool | None]]] = {}
    rows = InstrumentStatus.objects.filter(instrument__market=market, instrument__code__in=codes)
    columns = ("instrument__code", "valid_from", "valid_to", "halted")
    for code, first, last, halted in rows.order_by("valid_from").values_list(*columns):
        statuses.setdefault(code, []).append((first, last, halted))
    event_days = set(FactorEvent.objects.filter(market=market, stock_code__in=codes).values_list("stock_code", "date"))
    lives = []
    for code, before, after in holes:
        span = date.fromisoformat(before), date.fromisoformat(after)
        if (code, span[1]) in event_days or _is_explained(
            span, *listed.get(code, (None, None)), statuses.get(code, [])
        ):
            continue
        lives.append(Break(after, code, breaks.LIFE, 0.0, 0.0, since=before))
    return lives


def _is_explained(
    hole: tuple[date, date],
    listed_on: date | None,
    gone_on: date | None,
    statuses: Sequence[tuple[date, date, bool | None]],
) -> bool:
    """Whether the instrument was the same before and after the hole, by the statuses of its sources."""
    last, first = hole
    if (listed_on and last < listed_on <= first) or (gone_on and last < gone_on <= first):
        return False
    if listed_on and listed_on <= last:
        return True
    halted = [status[2] for status in statuses if status[0] <= first and status[2] is not None]
    within = any(last < day < first for status in statuses for day in status[:2])
    return within or bool(halted and halted[-1])


def _suspicions(record: Record, since: np.datetime64, lives: Sequence[Break]) -> Iterator[Break]:
    for block in record.blocks():
        sessions = block[block >= since]
        for low in range(0, len(sessions), CHUNK):
            yield from _chunk_suspicions(record, block, sessions[low : low + CHUNK], lives)


def _chunk_suspicions(record: Record, block: Days, part: Days, lives: Sequence[Break]) -> Iterator[Break]:
    limit = record.market.suspect_move
    look_back = LOOK_BACK if limit is None else price_limits.LIMIT_LOOK_BACK
    yield from _window_suspicions(record, block, part, lives, look_back=look_back)


def _window_suspicions(
    record: Record, block: Days, part: Days, lives: Sequence[Break], *, look_back: int
) -> Iterator[Break]:
    window = open_block_window(record, block, part, look_back=look_back, breaks=lives)
    limit = record.market.suspect_move
    panel = window.read(dict.fromkeys(FIELDS, window.start))
    raw, volume = panel["raw_close"], panel["volume"]
    decided = np.zeros(raw.shape, dtype=bool)
    columns = {str(code): n for n, code in enumerate(panel.codes)}  # of several lives the last
    by_cell: dict[tuple[int, int], Break] = {}
    events = [(row, columns[code], code, ratio) for row, code, ratio in _events(window.survey, window.sessions)]
    for row, column, code, ratio in events:
        if row < max(window.start, 1) or not volume[row, column] > 0:
            decided[row, column] = True
            continue
        before, close = float(raw[row - 1, column]), float(raw[row, column])
        if before > 0 and breaks.contradicts(close / before, ratio, limit):
            contradiction = Break(str(window.sessions[row]), code, breaks.EVENT, before, close, ratio)
            by_cell[row, column] = contradiction
        decided[row, column] = True
    if limit is None:
        moves = breaks.Moves(panel["open"], panel["high"], panel["low"], panel["close"], volume, decided)
        for row, column, kind in breaks.find_suspicions(moves, window.start):
            before = float(raw[row - 1, column]) if row else np.nan
            by_cell[row, column] = Break(
                str(window.sessions[row]), str(panel.codes[column]), kind, before, float(raw[row, column])
            )
        yield from by_cell.values()
        return
    yield from by_cell.values()
    listed = {(suspicion.session, suspicion.code) for suspicion in by_cell.values()}
    cell_events = [(row, column, ratio) for row, column, _, ratio in events]
    for suspicion in limit_bars.suspected_bars(record.market, window, panel, cell_events):
        if (suspicion.session, suspicion.code) not in listed:
            yield suspicion


def _events(bar_survey: Survey, sessions: Days) -> Iterator[tuple[int, str, float]]:
    """The factor events of a window: row, code, ratio."""
    for part, roster in zip(bar_survey.parts, bar_survey.rosters, strict=True):
        for event in roster.events:
            day = np.datetime64(part.month) + int(event["day"])
            row = int(np.searchsorted(sessions, day))
            if row < len(sessions) and sessions[row] == day:
                yield row, roster.codes[event["code"]].decode(), float(event["value"])
