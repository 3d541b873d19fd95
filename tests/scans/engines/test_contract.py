"""The contract of every engine of the registry: the same answers for every way to call it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.panel import FIELDS, FLOW_FIELDS
from scans.engines import engine_params
from scans.engines.base import Check, Engine, get_requirements
from scans.engines.condition_engine import ConditionEngine
from scans.engines.indicators import Measures
from scans.engines.registry import ENGINES, UnknownEngine, get_engine
from tests.scans.engines import panels
from tests.scans.engines.asking import (
    FLOWING,
    answer,
    features,
    inputs_only,
    lenient,
    market,
    rows,
    same_features,
)

pytestmark = pytest.mark.slow

every_engine = pytest.mark.parametrize("engine", [*ENGINES.values(), FLOWING], ids=[*ENGINES, "vcp with flow"])
quick = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 10_000)


@every_engine
def test_lenient_parameters_find_picks_in_random_markets(engine: Engine) -> None:
    result = [
        len(answer(engine, made, panels.index(made, seed))[1].ranks.day)
        for seed, made in enumerate(market(engine, seed) for seed in range(6))
    ]
    assert sum(result) >= 50


@every_engine
def test_default_parameters_run(engine: Engine) -> None:
    made = market(engine, 1, instruments=40)
    universe, outcome = answer(engine, made, panels.index(made), engine.Params())
    assert len(outcome.days.regime) == len(universe.sessions)


@every_engine
def test_what_it_declares(engine: Engine) -> None:
    assert isinstance(engine, type(ENGINES[engine.slug]))
    assert engine.revision >= 1
    assert engine.warm_up >= 253
    assert set(engine.inputs) <= set(FIELDS)
    assert max(engine.inputs.values()) == engine.inputs["close"] <= engine.warm_up


@every_engine
@quick
@given(seed=seeds)
def test_the_same_input_gives_the_same_answer(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    same_features(features(engine, made), features(engine, made))
    index = panels.index(made, seed)
    assert rows(*answer(engine, made, index)) == rows(*answer(engine, made, index))


@every_engine
@quick
@given(seed=seeds)
def test_input_stays_as_it_was(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    before = {name: values.copy() for name, values in made.fields.items()}
    universe = panels.universe(made, engine.min_bars)
    measured = engine.features(Measures(made), lenient(engine))
    copies = {name: values.copy() for name, values in measured.items()}
    for values in (universe.eligible, universe.amount, universe.close, index.m, index.range):
        values.flags.writeable = False
    outcome = engine.score(universe, measured, index, lenient(engine))
    if len(outcome.ranks.day):
        engine.explain(universe, measured, index, lenient(engine), day=0, column=0)
    for name, values in before.items():
        np.testing.assert_array_equal(values, made[name])
    same_features(measured, copies)


@every_engine
@quick
@given(seed=seeds, cut=st.integers(1, 29))
def test_truncating_after_a_session_changes_nothing_up_to_it(engine: Engine, seed: int, cut: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    series = panels.until(made, len(made.sessions) - cut)
    shorter = panels.index_until(index, series.sessions[-1])
    whole, part = rows(*answer(engine, made, index)), rows(*answer(engine, series, shorter))
    assert part == {session: whole[session] for session in part}


@every_engine
@quick
@given(seed=seeds, late=st.integers(1, 29), column=st.integers(0, 11))
def test_a_future_bar_changes_nothing_before_it(engine: Engine, seed: int, late: int, column: int) -> None:
    made = market(engine, seed)
    at = len(made.sessions) - late
    index = panels.index(made, seed)
    fields = {name: values.copy() for name, values in made.fields.items()}
    for name in ("open", "high", "low", "close", "raw_close"):
        fields[name][at:, column] *= 7.0
    fields["volume"][at:, column] = 12_345_678.0
    fields["amount"][at:, column] = 9e12
    for name in FLOW_FIELDS:
        fields[name][at:, column] = 8e12
    rest = len(index.m) - len(made.sessions) + at
    moved = replace(index, m=index.m.copy(), range=index.range.copy())
    moved.m[rest:], moved.range[rest:] = -0.08, 0.09
    whole = rows(*answer(engine, made, index))
    other = rows(*answer(engine, panels.changed(made, **fields), moved))
    for session in made.sessions[made.start : at]:
        assert other[str(session)] == whole[str(session)]


@every_engine
@quick
@given(seed=seeds)
def test_a_daily_run_equals_the_backfill(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    whole = rows(*answer(engine, made, index))
    for end in range(made.start + 1, len(made.sessions), 7):
        day = panels.asking_last(panels.until(made, end), 1)
        alone = rows(*answer(engine, day, panels.index_until(index, day.sessions[-1])))
        assert alone == {session: whole[session] for session in alone}


@every_engine
@quick
@given(seed=seeds, data=st.data())
def test_the_order_of_instruments_changes_nothing(engine: Engine, seed: int, data: st.DataObject) -> None:
    made = market(engine, seed)
    # No ties in turnover, which the code would settle.
    order = np.array(data.draw(st.permutations(range(len(made.codes)))))
    index = panels.index(made, seed)
    mixed = panels.columns(made, order, made.codes)
    named = {str(code): str(made.codes[at]) for code, at in zip(made.codes, order, strict=True)}
    whole, other = rows(*answer(engine, made, index)), rows(*answer(engine, mixed, index))
    for picks in other.values():
        for pick in picks[8:]:
            pick[0] = named[pick[0]]
    assert other == whole


@every_engine
@quick
@given(seed=seeds, at=st.integers(1, 11))
def test_shards_put_together_are_the_whole(engine: Engine, seed: int, at: int) -> None:
    made = market(engine, seed)
    left = features(engine, panels.columns(made, np.arange(at)))
    right = features(engine, panels.columns(made, np.arange(at, 12)))
    joined = {name: np.concatenate([left[name], right[name]], axis=1) for name in left}
    same_features(joined, features(engine, made))


@every_engine
@quick
@given(seed=seeds, column=st.integers(0, 11), factor=st.sampled_from([0.1, 3.0, 1 / 7, 2.0, 123.4]))
def test_rescaling_an_instrument_changes_nothing(engine: Engine, seed: int, column: int, factor: float) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    whole = rows(*answer(engine, made, index))
    assert rows(*answer(engine, panels.rescaled(made, column, factor), index)) == whole


@every_engine
@quick
@given(seed=seeds)
def test_more_history_and_other_fields_change_nothing(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    measured = engine.features(Measures(made), lenient(engine))
    same_features(measured, features(engine, made))


@every_engine
@settings(quick, max_examples=4)
@given(seed=seeds)
def test_a_warm_up_is_long_enough(engine: Engine, seed: int) -> None:
    made = panels.panel(seed, sessions=get_requirements(engine, lenient(engine)).warm_up + 430, span=30)
    index = panels.index(made, seed)
    universe, whole = answer(engine, made, index)
    _, late = answer(engine, panels.since(made, 400), index)
    assert rows(universe, late) == rows(universe, whole)


@every_engine
@quick
@given(seed=seeds)
def test_an_instrument_without_bars_changes_nothing(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    fields = {name: values.copy() for name, values in made.fields.items()}
    first = made.first.copy()
    first[3] = len(made.sessions)
    for values in fields.values():
        values[:, 3] = np.nan
    empty = panels.changed(replace(made, first=first), **fields)
    without = panels.columns(made, np.delete(np.arange(12), 3))
    with_empty, alone = rows(*answer(engine, empty, index)), rows(*answer(engine, without, index))
    assert with_empty == alone


@every_engine
@quick
@given(seed=seeds)
def test_who_does_not_trade_is_not_picked(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    universe, outcome = answer(engine, made, panels.index(made, seed))
    ranks = outcome.ranks
    assert made.traded[ranks.day, ranks.column].all()
    assert universe.eligible[ranks.day, ranks.column].all()
    assert (outcome.days.scored <= outcome.days.universe).all()
    assert (outcome.days.matched <= outcome.days.scored).all()


@every_engine
@quick
@given(seed=seeds)
def test_ranks_are_in_order(engine: Engine, seed: int) -> None:
    made = market(engine, seed)
    universe, outcome = answer(engine, made, panels.index(made, seed))
    ranks = outcome.ranks
    count = np.bincount(ranks.day, minlength=len(universe.sessions))
    assert ranks.rank.tolist() == [place for n in count for place in range(1, n + 1)]
    for day in np.flatnonzero(count):
        picks = np.flatnonzero(ranks.day == day)
        assert len(set(ranks.column[picks])) == len(picks)
    for at in range(len(universe.sessions)):
        assert bool(outcome.days.reason[at]) == (count[at] == 0)
        assert count[at] <= outcome.days.matched[at]


@every_engine
@quick
@given(seed=seeds, day=st.integers(0, 29))
def test_explaining_agrees_with_the_score(engine: Engine, seed: int, day: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    universe, outcome = answer(engine, made, index)
    measured, ranks = features(engine, made), outcome.ranks
    for column in range(len(made.codes)):
        checks = engine.explain(universe, measured, index, lenient(engine), day=day, column=column)
        at = np.flatnonzero((ranks.day == day) & (ranks.column == column))
        passed = passes(checks)
        assert bool(len(at)) == (passed and all(one.holds for one in checks if one.group == "rank"))
        if len(at):
            signals = {one.name for one in checks if one.group == "signal" and one.holds}
            assert signals == {name for name in ranks.signals if ranks.signals[name][at[0]]}


@every_engine
@quick
@given(seed=seeds, day=st.integers(0, 29))
def test_funnel_leaves_those_whose_checks_all_hold(engine: Engine, seed: int, day: int) -> None:
    made = market(engine, seed)
    index = panels.index(made, seed)
    universe, _ = answer(engine, made, index)
    measured, params = features(engine, made), lenient(engine)
    assert isinstance(engine, ConditionEngine)
    every = [engine.explain(universe, measured, index, params, day=day, column=n) for n in range(len(made.codes))]
    for branch in engine.funnel(universe, measured, index, params, day=day):
        hard = ("universe", branch.name) if branch.name else ("universe", "filter", "gate")
        left = sum(all(check.holds for check in checks if check.group in hard) for checks in every)
        assert branch.steps[-1].left == left
        assert all(not check.holds for miss in branch.nearest for check in miss.failed)


def passes(checks: list[Check]) -> bool:
    """Whether every condition holds; of an engine of two halves, all of one."""

    def hold(*groups: str) -> bool:
        return all(one.holds for one in checks if one.group in groups)

    halves = {"midterm", "pullback"} & {one.group for one in checks}
    ways = [hold(half) for half in halves] or [True]
    return hold("universe", "filter", "gate") and any(ways)


@every_engine
@pytest.mark.parametrize("instruments", [0, 1])
def test_a_market_of_one_or_none(engine: Engine, instruments: int) -> None:
    made = panels.columns(market(engine, 5), np.arange(instruments))
    _, outcome = answer(engine, made, panels.index(made))
    assert len(outcome.days.regime) == 30
    if not instruments:
        assert len(outcome.ranks.day) == 0
        closed = [reason.startswith("regime") for reason in outcome.days.reason]
        assert all(
            shut or reason == "nothing eligible" for shut, reason in zip(closed, outcome.days.reason, strict=True)
        )


@every_engine
def test_a_market_in_its_first_sessions(engine: Engine) -> None:
    made = panels.panel(2, sessions=3, span=2, dirty=False)
    _, outcome = answer(engine, made, panels.index(made, unknown=False))
    assert len(outcome.ranks.day) == 0
    assert outcome.days.scored.tolist() == [0, 0]


@every_engine
def test_a_field_that_was_not_loaded_is_named(engine: Engine) -> None:
    made = inputs_only(engine, market(engine, 2))
    for name in get_requirements(engine, lenient(engine)).inputs:
        fields = {other: values for other, values in made.fields.items() if other != name}
        with pytest.raises(KeyError, match=name):
            engine.features(Measures(replace(made, fields=fields)), lenient(engine))


@every_engine
def test_index_must_reach_the_scored_sessions(engine: Engine) -> None:
    made = market(engine, 2)
    short = panels.index_until(panels.index(made), made.sessions[-2])
    with pytest.raises(ValueError, match=str(made.sessions[-1])):
        answer(engine, made, short)


@every_engine
def test_parameters_carry_help_and_fit_their_own_range(engine: Engine) -> None:
    schema = engine_params.schema(engine.Params)
    assert all(one["help"] for one in schema)
    assert len({one["name"] for one in schema}) == len(schema)
    defaults = {one["name"]: one["default"] for one in schema}
    assert engine_params.read(engine.Params, defaults) == engine.Params()
    for one in schema:
        if one["least"] is not None:
            assert one["default"] >= one["least"]
            assert one["most"] is None or one["default"] <= one["most"]
            with pytest.raises(engine_params.ParamError, match=one["name"]):
                engine_params.read(engine.Params, {one["name"]: one["default"] * 0 + one["least"] - 1})


def test_unknown_engine_lists_the_existing_ones() -> None:
    with pytest.raises(UnknownEngine, match=r"'v9'.*v1, v2, v3"):
        get_engine("v9")
    assert get_engine("v2") is ENGINES["v2"]
