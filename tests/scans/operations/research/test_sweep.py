"""Sweeps on a market of random prices, where no variant has skill: against evaluations of versions with the same
parameters, and without a look at the test period."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from scans.evaluation.walk_forward import Fold, walk_forward
from scans.models import ScannerVersion, Sweep
from scans.operations.evaluation.evaluate import evaluate_versions
from scans.operations.evaluation.evidence import EvaluationRequest
from scans.operations.research import sweep as sweep_module
from scans.operations.research import variant_records
from scans.operations.research.grid import GridProblem, parse_values
from scans.operations.research.look import look_at_test
from scans.operations.research.periods import SweepProblem
from scans.operations.research.sweep import (
    Shard,
    cancel_sweep,
    run_sweep,
)
from scans.operations.research.sweep_plan import SweepRequest
from scans.operations.research.variant_records import SweepCancelled, variant_returns
from scans.operations.research.verdict import verdict
from tests.prepared import Prepared
from tests.scans.conftest import Importer
from tests.scans.operations.research.random_year import SESSIONS, prices

AS_OF = datetime(2024, 12, 30, 9, 0, tzinfo=UTC)
GRID: dict[str, list[Any]] = {
    "match": ["close > sma(close, 5)", "close < sma(close, 5)", "rises(close)"],
    "top_n": [2, 4],
}
HORIZON = 5


def table(sweep: Sweep) -> list[Any]:
    """Everything that is recorded of the variants."""
    return list(sweep.variants.values_list("number", "params", "figures", "sharpe", "sessions", "returns"))


@pytest.fixture
def year(bring: Importer, prepared: Prepared, data_dir: Any) -> None:
    prepared.state("year of a sweep", data_dir, lambda: bring(prices(), AS_OF))


@pytest.fixture
def first(year: None, prepared: Prepared, data_dir: Any) -> Sweep:
    """The sweep of `request()`, completed."""
    prepared.state("first sweep", data_dir, lambda: run_sweep(request()))
    return Sweep.objects.get(slug="first")


def request(slug: str = "first", **changes: Any) -> SweepRequest:
    return replace(
        SweepRequest(
            slug, "kr", "formula", GRID, AS_OF, base={"score": "100 * change(close, 1)", "min_bars": 2}, horizon=HORIZON
        ),
        **changes,
    )


@pytest.mark.slow
@pytest.mark.one_backend
def test_every_variant_has_the_figures_of_a_version_with_its_parameters(year: None) -> None:
    sweep = run_sweep(request())
    test_row = SESSIONS * 3 // 4
    days = sorted(prices()["date"].unique())
    assert (sweep.test_from, sweep.choose_from) == (days[test_row], days[SESSIONS // 2])
    seen = days[: test_row - HORIZON - 5]
    assert [variant.number for variant in sweep.variants.all()] == [1, 2, 3, 4, 5, 6]
    for variant in sweep.variants.all():
        slug = f"variant-{variant.number}"
        own = {"score": "100 * change(close, 1)", "min_bars": 2, **variant.params}
        ScannerVersion.objects.create(slug=slug, engine="formula", params=own)
        whole = evaluate_versions(
            EvaluationRequest("kr", AS_OF, [slug], seen[0], seen[-1], horizons=(1, HORIZON), source="fly")
        )
        for line in whole.lines:
            figures = variant.figures[str(line.horizon)]
            assert (figures["picks"], figures["judged"]) == (line.figures.picks, line.figures.judged)
            for name in ("mean", "hit_rate", "median", "turnover", "worst_drawdown"):
                assert figures[name] == pytest.approx(getattr(line.figures, name), abs=1e-12)
            for name in ("equal", "matched"):
                excess = getattr(line.figures, name)
                assert figures[name]["mean"] == pytest.approx(excess.mean, abs=1e-12)
                assert figures[name]["low"] == pytest.approx(excess.interval.low, abs=1e-12)


@pytest.mark.slow
@pytest.mark.one_backend
def test_nothing_of_the_test_period_enters_a_choice(first: Sweep, bring: Importer) -> None:
    """With all other prices from the test period on, the sweep is the same; the look at the test period is not."""
    look = look_at_test(first, as_of=AS_OF)
    bring(prices(changed_from=first.test_from), AS_OF)
    second = run_sweep(request("second"))
    assert second.result == first.result
    assert second.chosen is not None
    assert first.chosen is not None
    assert second.chosen.params == first.chosen.params
    figures = [list(sweep.variants.values_list("figures", "sharpe")) for sweep in (first, second)]
    assert figures[0] == figures[1]
    assert look_at_test(second, as_of=AS_OF).figures != look.figures


def test_each_look_at_the_test_period_counts(first: Sweep) -> None:
    looks = [look_at_test(first, as_of=AS_OF) for _ in range(2)]
    other = run_sweep(request("other", grid={"top_n": [1, 3]}))
    looks.append(look_at_test(other, as_of=AS_OF))
    assert [look.looks_before for look in looks] == [0, 1, 2]
    assert looks[0].figures == looks[1].figures


@pytest.mark.one_backend
def test_prices_without_skill_are_not_taken_for_skill(first: Sweep) -> None:
    assert "6 variants tried" in verdict(first)
    assert "of random picks alike are as good" in verdict(first)
    assert verdict(first).startswith(("Not distinguishable from luck", "Behind"))
    assert first.result["reality_check_p"] > 0.05


@pytest.mark.one_backend
def test_the_picks_outside_are_split_by_regime_and_year_and_stand_beside_random_ones(first: Sweep) -> None:
    outside = first.result["outside"][str(HORIZON)]
    for by in ("regime", "year"):
        assert sum(row["picks"] for row in first.result["groups"][by]) == outside["picks"]
    assert {row["group"] for row in first.result["groups"]["year"]} == {"2024"}
    for name in ("passing", "alike"):
        draw = first.result["random"][name]
        assert draw["own"] == pytest.approx(outside["date_mean"])
        assert draw["low"] <= draw["mean"] <= draw["high"]
    # every share turns over 200,000 x its close of 5,000 to 70,000: one percent is 10 to 140 million
    capacity = first.result["capacity"]
    assert 5e6 < capacity["order"] <= capacity["half_order"] < 2e8
    assert run_sweep(request("again")).result == first.result


@pytest.mark.one_backend
def test_a_sample_is_part_of_the_grid_and_the_same_for_the_same_seed(year: None) -> None:
    grid = {"top_n": list(range(1, 9))}
    drawn = [run_sweep(request(f"drawn-{n}", grid=grid, sample=3, seed=seed)) for n, seed in enumerate((1, 1, 2))]
    numbers = [list(sweep.variants.values_list("number", flat=True)) for sweep in drawn]
    assert numbers[0] == numbers[1] != numbers[2]
    assert all(len(own) == 3 and set(own) <= set(range(1, 9)) for own in numbers)


def test_nothing_is_recorded_of_a_sweep_that_cannot_be_made(first: Sweep) -> None:
    for changes, sentence in (
        ({"slug": "first"}, "A sweep named first exists"),
        ({"slug": "b", "horizon": 60}, "need 125 each"),
        ({"slug": "c", "grid": {}}, "No parameter varies"),
        ({"slug": "d", "grid": {"top_n": range(1, 10_000)}}, "more than 5000"),
    ):
        with pytest.raises((SweepProblem, GridProblem), match=sentence):
            run_sweep(request(**changes))
    assert list(Sweep.objects.values_list("slug", flat=True)) == ["first"]


@pytest.mark.one_backend
def test_command_prints_the_table_the_tests_and_the_verdict(year: None) -> None:
    out = io.StringIO()
    common = ["--horizon", "5", "--engine", "formula", "--set", "top_n=2:4:1", "--set", "min_bars=2"]
    call_command("sweep", "by-hand", *common, "--set", "match=rises(close)", "--set", "score=rsi(14)", stdout=out)
    text = out.getvalue()
    assert "top_n=3, min_bars=2" in text
    assert "3 variants tried" in text
    assert "random picks of like volatility and turnover" in text
    assert "Test period" not in text
    out = io.StringIO()
    call_command("sweep", "by-hand", "--test", stdout=out)
    assert "Test period, look 1 on" in out.getvalue()
    with pytest.raises(CommandError, match="There is no sweep 'other': choose among by-hand"):
        call_command("sweep", "other")
    with pytest.raises(CommandError, match="either --engine v2 or --version v2"):
        call_command("sweep", "other", "--set", "top_n=1,2")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("vol_mult=2:3:0.25", ["2", "2.25", "2.5", "2.75", "3"]),
        ("gap_min=0.1:0.3:0.1", ["0.1", "0.2", "0.3"]),
        ("price_min=1000:3000:1500", ["1000", "2500"]),
        ("top_n= 5, 10", ["5", "10"]),
        ("score=change(close, 5),0 - mean(close, 9)", ["change(close, 5)", "0 - mean(close, 9)"]),
        ("score=residual(rsi(2), log(amount)),rsi(3)", ["residual(rsi(2), log(amount))", "rsi(3)"]),
    ],
)
def test_values_of_a_parameter(text: str, values: list[str]) -> None:
    assert parse_values(text) == (text.partition("=")[0], values)


@pytest.mark.parametrize(
    "text", ["vol_mult", "=1:2:1", "a=", "a=1:2:0", "a=2:1:1", "a=1:x:1", "a=0:1:nan", "a=0:9:1e-9"]
)
def test_values_that_are_none(text: str) -> None:
    with pytest.raises(GridProblem):
        parse_values(text)


@pytest.mark.slow
def test_a_sweep_that_was_ended_by_force_goes_on_to_the_same_table(
    first: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while its second batch is judged, its row still says that it runs."""
    monkeypatch.setattr(variant_records, "BATCH", 2)
    judge, batches = variant_records.judge_variants, []

    def end_by_force(*args: Any, **options: Any) -> Any:
        batches.append(len(args[2]))
        if len(batches) == 2:
            raise SystemExit(9)
        return judge(*args, **options)

    monkeypatch.setattr(variant_records, "judge_variants", end_by_force)
    with pytest.raises(SystemExit):
        run_sweep(request("killed"))
    Sweep.objects.filter(slug="killed").update(status="running", finished_at=None)
    assert Sweep.objects.get(slug="killed").variants.count() == 2
    monkeypatch.setattr(variant_records, "judge_variants", judge)
    again = run_sweep(request("killed"))
    assert again.result == first.result
    assert table(again) == table(first)
    assert len(table(again)) == 6
    with pytest.raises(SweepProblem, match="exists"):
        run_sweep(request("killed"))


def test_a_cancelled_sweep_stops_after_its_batch_and_goes_on_with_the_same_request_alone(
    year: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variant_records, "BATCH", 4)

    def cancel(done: int, count: int) -> None:
        cancel_sweep("stopped")

    with pytest.raises(SweepCancelled, match="run the same command again"):
        run_sweep(request("stopped"), progress=cancel)
    stopped = Sweep.objects.get(slug="stopped")
    assert (stopped.status, stopped.variants.count(), stopped.size) == ("cancelled", 4, 6)
    assert not cancel_sweep("stopped")
    with pytest.raises(SweepProblem, match="begun with another horizon"):
        run_sweep(request("stopped", horizon=10))
    assert run_sweep(request("stopped")).variants.count() == 6


@pytest.mark.slow
@pytest.mark.one_backend
def test_a_formula_that_looks_ahead_is_caught_by_the_walk_forward(
    first: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leak planted in the choice: each fold chosen with the fold's own sessions. Prices from the fold on then change
    the choice, which the sound walk-forward never lets happen."""

    def choices(leak: int) -> list[int]:
        """The variant of the last fold, with the true returns and with others from its first session on."""
        variants = []
        for changed in (False, True):
            returns = np.random.default_rng(8).normal(0, 0.01, (200, 12))
            returns[180:, 3] += 0.1 * changed
            variants.append(walk_forward(returns, start=100, length=20, gap=10 - leak)[-1].variant)
        return variants

    assert choices(leak=0)[0] == choices(leak=0)[1]
    assert choices(leak=25)[0] != choices(leak=25)[1]
    # The same at the level of a sweep: with the purge gone, what comes after the test's first session is seen.
    monkeypatch.setattr(sweep_module, "walk_forward", leaking_walk_forward)
    leaking = run_sweep(request("leaking"))
    assert [fold["variant"] for fold in leaking.result["folds"]] != [fold["variant"] for fold in first.result["folds"]]
    assert leaking.result["outside"]["5"]["mean"] > first.result["outside"]["5"]["mean"]


@pytest.mark.slow
@pytest.mark.one_backend
def test_a_rolling_choice_looks_back_on_the_sessions_before_it_alone(year: None) -> None:
    """A variant that was the best long ago is chosen from all sessions, not from the last 60; each choice by a loop."""
    gap = HORIZON + 5
    long_ago = SESSIONS // 2 - gap - 60

    def choices(slug: str, rolling: int | None) -> Sweep:
        sweep = run_sweep(request(slug, rolling=rolling))
        best = sweep.variants.get(number=1)
        returns = np.frombuffer(best.returns).copy()
        returns[:long_ago] += 0.05
        sweep.variants.filter(number=1).update(returns=returns.tobytes())
        Sweep.objects.filter(slug=slug).update(status="failed")
        return run_sweep(request(slug, rolling=rolling))

    sweep = choices("rolling", 60)
    recorded = [np.frombuffer(variant.returns) for variant in sweep.variants.all()]
    days = sorted(prices()["date"].unique())
    for fold in sweep.result["folds"]:
        before = days.index(date.fromisoformat(fold["from"])) - gap
        ratios = [own[before - 60 : before].mean() / own[before - 60 : before].std(ddof=1) for own in recorded]
        assert fold["variant"] == 1 + int(np.argmax(ratios)) != 1
    assert choices("expanding", None).result["folds"][0]["variant"] == 1
    Sweep.objects.filter(slug="rolling").update(status="failed")
    with pytest.raises(SweepProblem, match="begun with another rolling"):
        run_sweep(request("rolling", rolling=80))
    with pytest.raises(SweepProblem, match="A choice from 59 sessions is one by chance: look back on at least 60"):
        run_sweep(request("short", rolling=59))


def leaking_walk_forward(returns: Any, **options: Any) -> list[Fold]:
    """Folds whose variant is the best on the fold itself."""
    return [
        replace(fold, variant=int(returns[fold.start : fold.end + 1].mean(axis=0).argmax()))
        for fold in walk_forward(returns, **options)
    ]


@pytest.mark.slow
def test_hosts_that_share_a_sweep_record_what_one_records(year: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three parts, one of them ended before it recorded anything: the joining run judges what lacks."""
    monkeypatch.setattr(variant_records, "BATCH", 1)
    whole = run_sweep(request())
    for number, judged in ((3, 2), (1, 4)):
        part = run_sweep(request("shared"), shard=Shard(number, 3))
        assert (part.status, part.result, part.chosen) == ("running", {}, None)
        assert part.variants.count() == judged
    assert sorted(part.variants.values_list("number", flat=True)) == [1, 3, 4, 6]
    joined = run_sweep(request("shared"))
    assert joined.result == whole.result
    assert table(joined) == table(whole)


@pytest.mark.one_backend
def test_halving_drops_the_worse_half_in_rounds_and_counts_everything(year: None) -> None:
    """Nine variants: of the develop period of 150 sessions less 10 the first 35 drop four, 70 two, 140 one."""
    grid = {**GRID, "top_n": [2, 4, 6]}
    whole, halved = run_sweep(request(grid=grid)), run_sweep(request("halved", grid=grid, halving=True))
    assert halved.result["halving"] == [
        {"sessions": 35, "variants": 9, "kept": 5},
        {"sessions": 70, "variants": 5, "kept": 3},
        {"sessions": 140, "variants": 3, "kept": 2},
    ]
    assert halved.result["variants"] == 9
    assert "9 variants tried" in verdict(halved)
    every = list(whole.variants.all())
    full = {row.number: series for row, series in zip(every, variant_returns(every).T, strict=True)}
    naive: dict[int, int] = {}
    left = sorted(full)
    for length, kept in ((35, 5), (70, 3), (140, 2)):
        ratios = {n: full[n][:length].mean() / full[n][:length].std(ddof=1) for n in left}
        order = sorted(left, key=lambda n: -ratios[n])
        naive |= dict.fromkeys(order[kept:], length)
        left = order[:kept]
    rows = {row.number: row for row in halved.variants.all()}
    assert {n: row.sessions for n, row in rows.items() if row.sessions < 225} == naive
    for number, row in rows.items():  # a round sees what the whole sweep sees, and nothing later
        np.testing.assert_array_equal(np.frombuffer(bytes(row.returns)), full[number][: row.sessions])
    assert halved.chosen is not None
    assert halved.chosen.number in left
    assert {fold["variant"] for fold in halved.result["folds"]} <= set(left)


@pytest.mark.slow
def test_halving_goes_on_after_its_last_round(year: None, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_sweep(request(halving=True))
    judge, rounds = variant_records.judge_variants, []

    def end_by_force(*args: Any, **options: Any) -> Any:
        rounds.append(len(args[2]))
        if len(rounds) == 2:
            raise SystemExit(9)
        return judge(*args, **options)

    monkeypatch.setattr(variant_records, "judge_variants", end_by_force)
    with pytest.raises(SystemExit):
        run_sweep(request("again", halving=True))
    again = run_sweep(request("again", halving=True))
    assert rounds == [6, 3, 3, 2]  # the last are those left, over all sessions
    assert again.result == whole.result
    assert table(again) == table(whole)
    with pytest.raises(SweepProblem, match="without --shard"):
        run_sweep(request("shards", halving=True), shard=Shard(1, 2))
