"""Gaps, patterns and filled readings: small cases, naive sets, and the recorded Upbit files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.cache import CandleCache, Series
from marketdata.candles.collector.coverage import Coverage
from marketdata.candles.collector.fill import EmptySlots, fill, read_candles
from marketdata.candles.collector.gaps import GapPlace, GapReason, classify, empty_runs, slots_by_reason
from marketdata.candles.collector.patterns import Distances, Pattern
from marketdata.candles.collector.timeframes import Grid, Interval, get_timeframe, moment
from marketdata.sources.base import Candles
from tests import realdata
from tests.marketdata.candles.collector import naive

SECONDS = Grid(get_timeframe("1s"))
MINUTES = Grid(get_timeframe("1m"))
spans = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: Interval(*sorted(pair)))


def rows(slots: list[int]) -> Candles:
    return Candles.of_rows((s, s + 0.0, s + 3.0, s - 1.0, s + 1.0, 2.0, 5.0, 0) for s in slots)


@given(
    spans,
    st.sets(st.integers(0, 60)),
    st.lists(spans, max_size=5),
    st.integers(0, 60) | st.none(),
    st.integers(0, 60) | st.none(),
)
def test_every_empty_slot_is_in_one_gap_for_the_right_reason(
    interval: Interval,
    traded: set[int],
    recorded: list[Interval],
    listed: int | None,
    closed: int | None,
) -> None:
    if listed is not None and closed is not None and closed < listed:
        listed, closed = closed, listed
    opened = np.array(sorted(traded), np.int64)
    coverage = covered.merge(recorded)
    gaps = classify(SECONDS, interval, opened, coverage, listed=listed, closed_until=closed)
    reasons = [(slot, gap.reason) for gap in gaps for slot in range(*gap.interval)]

    def why(slot: int) -> GapReason:
        if listed is not None and slot < listed:
            return GapReason.BEFORE_LISTING
        if closed is not None and slot >= closed:
            return GapReason.FORMING
        return GapReason.NO_TRADES if slot in naive.seconds(recorded) else GapReason.UNVERIFIED

    assert reasons == [(slot, why(slot)) for slot in range(*interval) if slot not in traded]
    assert sum(slots_by_reason(gaps).values()) == len(reasons)
    for gap in gaps:
        inside = [slot for slot in traded if interval.start <= slot < interval.end]
        older = any(slot < gap.interval.start for slot in inside)
        newer = any(slot >= gap.interval.end for slot in inside)
        places = {
            (True, True): GapPlace.INNER,
            (False, True): GapPlace.LEADING,
            (True, False): GapPlace.TRAILING,
            (False, False): GapPlace.WHOLE,
        }
        assert gap.place is places[older, newer]


def test_a_gap_that_straddles_a_chunk_border_is_one_gap() -> None:
    """Defect 10: gaps that straddle a chunk border were lost."""
    coverage = covered.merge([Interval(0, 200), Interval(200, 400)])
    opened = np.array([slot for slot in range(400) if not 195 <= slot < 205], np.int64)
    (gap,) = classify(SECONDS, Interval(0, 400), opened, coverage)
    assert (gap.interval, gap.slots, gap.reason) == (Interval(195, 205), 10, GapReason.NO_TRADES)


def test_continuity_is_a_matter_of_open_times_only() -> None:
    """Defect 6: by last tick and 1.5x tolerance, adjacent minutes were a gap and a missing one
    was not.
    """
    first = moment(naive.utc("2025-09-01T00:00:00"))
    # last ticks at the start of one minute and the end of the next: 119 s apart, yet adjacent
    adjacent = np.array([first, first + 60], np.int64)
    assert empty_runs(MINUTES, Interval(first, first + 120), adjacent) == []
    # last ticks 61 s apart across a missing minute
    missing = np.array([first, first + 120], np.int64)
    assert empty_runs(MINUTES, Interval(first, first + 180), missing) == [Interval(first + 60, first + 120)]


@pytest.mark.parametrize(
    ("slots", "pattern"),
    [
        ([], None),
        ([5], None),
        ([1, 2, 3, 4], Pattern.SEQUENTIAL),
        ([*range(20), 25], Pattern.DENSE),
        ([0, 1, 3, 4, 9], Pattern.MIXED),
        ([0, 7, 8, 30, 99], Pattern.SPARSE),
    ],
)
def test_patterns(slots: list[int], pattern: Pattern | None) -> None:
    assert Distances.of(SECONDS, np.array(slots, np.int64)).pattern is pattern


@given(st.sets(st.integers(0, 200), min_size=2), st.integers(0, 200))
def test_distances_add_up_over_chunks_that_share_a_candle(slots: set[int], cut: int) -> None:
    opened = np.array(sorted(slots), np.int64)
    at = int(np.searchsorted(opened, cut))
    at = min(max(at, 0), len(opened) - 1)
    split = Distances.of(SECONDS, opened[: at + 1]) + Distances.of(SECONDS, opened[at:])
    assert split == Distances.of(SECONDS, opened)


# --- readings
# ---------------------------------------------------------------------------------------


@given(spans, st.sets(st.integers(0, 60)), st.sampled_from(EmptySlots), st.floats(1, 9) | st.none())
def test_filled_readings_equal_a_walk_slot_by_slot(
    interval: Interval, traded: set[int], empty: EmptySlots, before: float | None
) -> None:
    inside = sorted(slot for slot in traded if interval.start <= slot < interval.end)
    reading = fill(SECONDS, interval, rows(inside), empty=empty, previous_close=before)
    expected: list[tuple[int, float, float, bool]] = []
    close = float("nan") if before is None or empty is EmptySlots.NULL else before
    for slot in range(*interval):
        if slot in traded:
            if empty is EmptySlots.FORWARD:
                close = slot + 1.0
            expected.append((slot, slot + 1.0, 2.0, False))
        elif empty is not EmptySlots.DROP:
            volume = 0.0 if empty is EmptySlots.FORWARD else float("nan")
            expected.append((slot, close, volume, True))
    got = reading.candles
    columns = [np.array(column) for column in zip(*expected, strict=True)] or [np.empty(0)] * 4
    np.testing.assert_array_equal(got.opened, columns[0])
    np.testing.assert_array_equal(got.close, columns[1])
    np.testing.assert_array_equal(got.volume, columns[2])
    np.testing.assert_array_equal(reading.empty, columns[3])


class Recorded:
    """A record of one market that counts how often it is read."""

    def __init__(self, candles: Candles, verified: tuple[int, int] = (0, 100)) -> None:
        self._candles = candles
        self._verified = Interval(*verified)
        self.reads: list[Interval] = []

    def coverage(self, series: Series, window: Interval) -> Coverage:
        return (self._verified,)

    def candles(self, series: Series, interval: Interval) -> Candles:
        self.reads.append(interval)
        return self._candles.between(*interval)

    def close_before(self, series: Series, when: int) -> float | None:
        older = self._candles.between(-(1 << 60), when)
        return float(older.close[-1]) if len(older) else None


def test_a_reader_takes_from_the_record_only_what_the_cache_lacks() -> None:
    record = Recorded(rows([5, 10, 12, 30]))
    series = Series("upbit", "KRW-BTC", SECONDS)
    cache = CandleCache(1 << 20)
    first = read_candles(record, series, Interval(8, 14), cache=cache)
    assert first.candles.close.tolist() == [6.0, 6.0, 11.0, 11.0, 13.0, 13.0]
    assert first.empty.tolist() == [True, True, False, True, False, True]
    wider = read_candles(record, series, Interval(0, 20), cache=cache, empty=EmptySlots.DROP)
    assert wider.candles.opened.tolist() == [5, 10, 12]
    assert record.reads == [Interval(8, 14), Interval(0, 8), Interval(14, 20)]
    read_candles(record, series, Interval(0, 20), cache=cache)
    assert len(record.reads) == 3


def test_only_what_is_verified_is_kept_in_the_cache() -> None:
    record = Recorded(rows([5, 10, 12]), verified=Interval(4, 11))
    series = Series("upbit", "KRW-BTC", SECONDS)
    cache = CandleCache(1 << 20)
    read_candles(record, series, Interval(0, 14), cache=cache)
    assert cache.coverage(series, 0, 14).missing == (Interval(0, 4), Interval(11, 14))


def test_the_forming_slot_is_not_filled() -> None:
    record = Recorded(rows([5]))
    series = Series("upbit", "KRW-BTC", SECONDS)
    reading = read_candles(record, series, Interval(4, 9), closed_until=7)
    assert reading.candles.opened.tolist() == [4, 5, 6]


# --- recorded markets
# -------------------------------------------------------------------------------


def by_hand(opened: list[int], interval: Interval) -> list[Interval]:
    """Runs of empty minutes, by looking at each minute."""
    traded = set(opened)
    runs: list[Interval] = []
    for minute in range(interval.start, interval.end, 60):
        if minute in traded:
            continue
        if runs and runs[-1].end == minute:
            runs[-1] = Interval(runs[-1].start, minute + 60)
        else:
            runs.append(Interval(minute, minute + 60))
    return runs


def test_every_gap_of_a_busy_month_is_without_trades() -> None:
    table: Any = pq.read_table(realdata.path("upbit_1m_2025-09.parquet"), columns=["market", "ts_utc"])
    frame = table.to_pandas()
    whole = Interval(*(int(frame.ts_utc.agg(end).timestamp()) for end in ("min", "max")))
    whole = Interval(whole.start, whole.end + 60)
    counted = {}
    for market, times in frame.groupby("market").ts_utc:
        opened = np.sort(times.to_numpy("datetime64[s]").astype(np.int64))
        gaps = classify(MINUTES, whole, opened, (whole,), closed_until=whole.end)
        assert [gap.interval for gap in gaps] == by_hand(opened.tolist(), whole)
        assert {gap.reason for gap in gaps} <= {GapReason.NO_TRADES}
        slots = sum(gap.slots for gap in gaps)
        assert slots + len(opened) == (whole.end - whole.start) // 60
        counted[market] = sum(gap.place is GapPlace.INNER for gap in gaps)
    assert counted["KRW-DOGE"] == 189
    assert counted["KRW-BTC"] == 2


def test_the_illiquid_market() -> None:
    table: Any = pq.read_table(realdata.path("upbit_1m_moc_2021-03-02.parquet"))
    times = table.to_pandas().ts_kst
    opened = np.sort(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[s]"))
    opened = opened.astype(np.int64)
    whole = Interval(int(opened[0]), int(opened[-1]) + 60)
    gaps = classify(MINUTES, whole, opened, (whole,))
    assert [gap.interval for gap in gaps] == by_hand(opened.tolist(), whole)
    assert len(gaps) == 32
    assert {gap.place for gap in gaps} == {GapPlace.INNER}
    assert Distances.of(MINUTES, opened).pattern is Pattern.MIXED
