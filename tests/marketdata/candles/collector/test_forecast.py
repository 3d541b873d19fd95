"""The remaining time of collections on a simulated clock: markets, ranges and paces whose duration is known exactly."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from marketdata.candles.collector import coverage as covered
from marketdata.candles.collector.call_seconds import CallSeconds
from marketdata.candles.collector.collector import Outcome
from marketdata.candles.collector.forecast import Forecast, RunningMean, Sample
from marketdata.candles.collector.progress import ForecastErrors
from marketdata.candles.collector.timeframes import Interval, as_datetime
from marketdata.sources.base import CandlePage, SourceUnavailable
from tests.marketdata.candles.collector.minute_market import END, NOW, SERIES, collect, minutes
from tests.marketdata.candles.collector.stores import ListSource, MemoryStore

GRID = SERIES.grid


def slots(first: int, last: int) -> Interval:
    """Minutes number `first` to `last`, exclusive."""
    return Interval(60 * first, 60 * last)


def traded(count: int, density: Callable[[float], float], seed: int = 1) -> list[int]:
    """Minutes before END with a trade; `density` of a minute by its age, 0 (newest) to 1."""
    draw = random.Random(seed)
    return [opened for number, opened in enumerate(minutes(count)) if draw.random() < density(number / count)]


@dataclass
class SimulatedClock:
    """Seconds that answers take: `spacing`, and up to a third more."""

    spacing: float
    now: float = 0.0
    draw: random.Random = field(default_factory=lambda: random.Random(7))

    def answer(self, number: int, page: CandlePage) -> CandlePage:
        self.now += self.spacing * self.draw.uniform(1.0, 4 / 3)
        return page


def run(opened: list[int], count: int, spacing: float, store: MemoryStore | None = None) -> tuple[Outcome, float]:
    """A collection of the last `count` minutes before END, and the seconds it took."""
    clock = SimulatedClock(spacing)
    source = ListSource(opened, now=NOW, spoil=clock.answer)
    options = {"seconds": lambda: clock.now}
    outcome = collect(source, store or MemoryStore(), count=count, before=as_datetime(END), options=options)
    return outcome, clock.now


@pytest.mark.parametrize("spacing", [0.105, 0.3, 1.0])
class TestRemainingTime:
    """Within 10 % of the duration after its first tenth, and known before that tenth ends."""

    def check(self, outcome: Outcome, took: float) -> None:
        assert outcome.eta_error is not None
        assert outcome.eta_known_after is not None
        assert outcome.eta_error < 0.10
        assert outcome.eta_known_after < 0.10 * took

    def test_it_holds_on_a_liquid_market(self, spacing: float) -> None:
        self.check(*run(minutes(70_000), 60_000, spacing))

    @pytest.mark.slow
    def test_it_holds_on_an_illiquid_market(self, spacing: float) -> None:
        self.check(*run(traded(300_000, lambda age: 0.2), 290_000, spacing))

    def test_it_holds_where_the_listing_lies_inside_the_range(self, spacing: float) -> None:
        self.check(*run(minutes(30_000), 150_000, spacing))

    @pytest.mark.slow
    def test_it_holds_where_the_past_was_thinner(self, spacing: float) -> None:
        self.check(*run(traded(400_000, lambda age: 0.9 - 0.8 * age), 390_000, spacing))

    def test_it_holds_where_an_interrupted_run_left_holes(self, spacing: float) -> None:
        store = MemoryStore()
        first, last = END // 60 - 60_000, END // 60
        holes = [slots(first, first + 10_000), slots(first + 30_000, first + 42_345), slots(last - 5_000, last - 100)]
        store.covered[SERIES] = covered.merge(holes)
        store.rows[SERIES] = {at: (at, *(1.0,) * 6, 0) for at in minutes(60_000)}
        self.check(*run(minutes(70_000), 60_000, spacing, store))


class TestUnknown:
    """No remaining time before it can be known."""

    def test_it_is_unknown_during_the_first_calls(self) -> None:
        remaining: list[float | None] = []
        clock = SimulatedClock(0.1)
        source = ListSource(minutes(4_000), now=NOW, spoil=clock.answer)
        options = {
            "seconds": lambda: clock.now,
            "on_progress": lambda progress, chunk: remaining.append(progress.remaining),
        }
        collect(source, MemoryStore(), count=3_200, before=as_datetime(END), options=options)
        assert remaining[:5] == [None] * 5
        assert None not in remaining[8:]
        assert remaining[-1] == 0.0

    def test_it_is_unknown_while_calls_differ_too_much(self) -> None:
        forecast = Forecast(GRID, 200, (slots(0, 4_000),), awaits_survey=False)
        for number in range(10):
            forecast.learn(200, 200 if number % 2 else 1_000, 1.0)
        assert forecast.calls_left() is None

    def test_a_source_that_does_not_answer_the_survey_leaves_what_is_known(self) -> None:
        def fail(number: int, page: CandlePage) -> CandlePage:
            if number == 7:
                raise SourceUnavailable("It is away.", attempts=3)
            return clock.answer(number, page)

        clock = SimulatedClock(0.1)
        source, options = ListSource(minutes(25_000), now=NOW, spoil=fail), {"seconds": lambda: clock.now}
        outcome = collect(source, MemoryStore(), count=20_000, before=as_datetime(END), options=options)
        assert outcome.progress.calls == 100 + 3
        assert outcome.eta_known_after is not None


class TestForecast:
    """The arithmetic, by hand."""

    @staticmethod
    def forecast(*missing: Interval, width: int = 200, seconds: float = 2.0) -> Forecast:
        forecast = Forecast(GRID, 200, missing, awaits_survey=False)
        for _ in range(6):
            forecast.learn(200, width, seconds)
        return forecast

    def test_calls_of_an_interval_are_rounded_up(self) -> None:
        assert self.forecast(slots(0, 1_001)).seconds_left() == 2.0 * 6

    def test_the_last_call_of_an_interval_reaches_into_the_older_ones(self) -> None:
        assert self.forecast(slots(0, 50), slots(100, 250), width=400).calls_left() == 1
        assert self.forecast(slots(0, 50), slots(100, 250), width=200).calls_left() == 2

    def test_slots_before_the_listing_need_no_call(self) -> None:
        forecast = self.forecast(slots(0, 1_000))
        forecast.listed = 60 * 400
        assert forecast.calls_left() == 3

    def test_settled_slots_are_left_out(self) -> None:
        forecast = self.forecast(slots(0, 1_000))
        forecast.settle(slots(800, 1_200))
        forecast.settle(slots(100, 300))
        assert forecast.missing == (slots(0, 100), slots(300, 800))
        assert forecast.slots_left == 600

    def test_the_nearest_sample_counts_further_back(self) -> None:
        forecast = self.forecast(slots(0, 4_000))
        forecast.samples = [Sample(1_000, 1_000.0)]
        # the border lies at 2,500: 2.5 calls before it, 7.5 after
        assert forecast.calls_left() == 10

    def test_many_missing_intervals_are_counted_in_proportion(self) -> None:
        forecast = self.forecast(*(slots(1_000 * n, 1_000 * n + 300) for n in range(1_024)))
        assert forecast.calls_left() == 2 * 1_024

    def test_seconds_that_still_change_leave_the_end_unknown(self) -> None:
        forecast = Forecast(GRID, 200, (slots(0, 4_000),), awaits_survey=False)
        for number in range(10):
            forecast.learn(200, 200, 3.0 - number / 5)
        assert forecast.calls_left() == 20
        assert forecast.seconds_left() is None

    def test_what_is_uncertain_counts_by_its_share_of_the_whole(self) -> None:
        forecast = Forecast(GRID, 200, (slots(0, 4_000),), awaits_survey=False)
        for number in range(10):
            forecast.learn(200, 200, 1.1 if number % 2 else 0.9)
        assert forecast.seconds_left() is None
        assert forecast.seconds_left(elapsed=1_000.0) == pytest.approx(20.0, rel=0.05)

    def test_the_standard_error_is_that_of_the_mean(self) -> None:
        mean = RunningMean()
        for value in (9.0, 11.0, 9.0, 11.0, 10.0):
            mean.add(value)
        assert (mean.mean, mean.is_precise(0.05)) == (10.0, True)  # standard deviation 1, its error 0.447 = 4.5 %
        wide = RunningMean()
        for value in (8.0, 12.0, 8.0, 12.0, 10.0):
            wide.add(value)
        assert not wide.is_precise(0.05)  # 8.9 %


class TestForecastErrors:
    """The largest error after the first tenth."""

    def test_forecasts_of_the_first_tenth_do_not_count(self) -> None:
        errors = ForecastErrors()
        errors.add(1.0, 899.0)
        errors.add(50.0, 60.0)
        errors.add(60.0, 35.0)
        assert errors.largest(100.0) == pytest.approx(0.10)
        assert errors.first == 1.0

    def test_there_is_none_without_a_forecast(self) -> None:
        errors = ForecastErrors()
        assert errors.largest(100.0) is None
        errors.add(1.0, 899.0)
        assert errors.largest(100.0) is None


class TestCallSeconds:
    """The seconds of a call, by hand."""

    @staticmethod
    def of(*values: float) -> CallSeconds:
        seconds = CallSeconds()
        for value in values:
            seconds.add(value)
        return seconds

    def test_a_stall_is_no_pace(self) -> None:
        stalled = self.of(1.0, 1.0, 600.0, 1.0, 1.0)
        assert (stalled.mean, stalled.uncertainty) == (1.0, 0.0)

    def test_waits_that_come_regularly_are_part_of_the_pace(self) -> None:
        assert self.of(*[0.1] * 9, 1.1, *[0.1] * 9, 1.1).mean == pytest.approx(0.2)

    def test_the_last_calls_alone_count(self) -> None:
        assert self.of(*[9.0] * 100, *[1.0] * 80).mean == 1.0

    def test_a_trend_makes_the_mean_uncertain(self) -> None:
        # eight groups of one call: halves 1 and 2 without any spread, a mean of 1.5
        assert self.of(*[1.0] * 4, *[2.0] * 4).uncertainty == pytest.approx(1 / 1.5)

    def test_the_standard_error_is_that_of_the_groups(self) -> None:
        # of 9, 11, 9, 11, 9, 11, 9, 11 in two halves: variance 4/3 each, error sqrt(4/3/8) of 10
        assert self.of(*[9.0, 11.0] * 4).uncertainty == pytest.approx((4 / 3 / 8) ** 0.5 / 10)
