"""Sweeps in every form. Percentages are percent everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.number_format import count_of, format_number, format_percent
from marketdata.tables.table import column
from scans.management.delivery import Results
from scans.management.evaluation_tables import percent, survivors_sentence
from scans.models import Sweep, SweepVariant
from scans.operations.research.stored_excess import excess_by_date
from scans.operations.research.verdict import verdict

SHOWN = 15
"""Variants of the table for people, best first."""
PERCENT = ("mean", "gross_mean", "median", "date_mean", "mean_without_best", "hit_rate", "turnover", "worst_drawdown")
EXCESS = ("mean", "by_date", "low", "high", "coverage")
BENCHMARKS = ("equal", "cap", "matched")
RANDOM = {"passing": "random order of what passes", "alike": "random picks of like volatility and turnover"}

TYPES: dict[str, pa.DataType] = {
    "sweep": pa.string(),
    "market": pa.string(),
    "engine": pa.string(),
    "variant": pa.int32(),
    "params": pa.string(),
    "chosen": pa.bool_(),
    "sessions": pa.int32(),
    "sharpe": pa.float64(),
    "horizon": pa.int32(),
    "picks": pa.int32(),
    "judged": pa.int32(),
    **{f"{name}_pct": pa.float64() for name in PERCENT},
    **{f"{name}_{what}_pct": pa.float64() for name in BENCHMARKS for what in EXCESS},
    "standing": pa.string(),
}

LEGEND = (
    "sharpe: mean over deviation of the daily excess over matched shares, before the test period. matched: excess over "
    "shares of like size, volatility and return, each date alike, with its 95 % interval."
)


def sweep_results(sweep: Sweep) -> Results:
    """The sweep in every form: for programs a row for each variant and horizon."""
    columns = [column(name, kind) for name, kind in TYPES.items()]
    return Results(columns, rows(sweep), lambda out: write_sweep(out, sweep))


def rows(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """One flat row for each variant and horizon; null for a figure that cannot be computed."""
    for variant in sweep.variants.all():
        for horizon, figures in variant.figures.items():
            yield {
                "sweep": sweep.slug,
                "market": sweep.market,
                "engine": sweep.engine,
                "variant": variant.number,
                "params": params_text(variant),
                "chosen": variant.pk == sweep.chosen_id,
                "sessions": variant.sessions,
                "sharpe": variant.sharpe,
                "horizon": int(horizon),
                "picks": figures["picks"],
                "judged": figures["judged"],
                **{f"{name}_pct": _percent(figures[name]) for name in PERCENT},
                **{
                    f"{name}_{what}_pct": _percent(
                        excess_by_date(figures[name]) if what == "by_date" else figures[name][what]
                    )
                    for name in BENCHMARKS
                    for what in EXCESS
                },
                "standing": figures["standing"],
            }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else percent(fraction)


def params_text(variant: SweepVariant) -> str:
    """The variant's values as `vol_mult=2.5, gap_min=0.002`."""
    return ", ".join(f"{name}={value}" for name, value in variant.params.items())


def write_sweep(out: Output, sweep: Sweep) -> None:
    """Write the sweep for people: its best variants, what came of the choice, the tests, the verdict."""
    result, horizon = sweep.result, str(sweep.horizon)
    write_prose(
        out,
        f"{sweep.slug}: {sweep.engine} on {sweep.market}; develop from {sweep.first}, choose from {sweep.choose_from}, "
        f"test from {sweep.test_from} to {sweep.last}; {count_of(sweep.horizon, 'session')} held\n",
    )
    best = sweep.variants.order_by("-sessions", "-sharpe", "number")[:SHOWN]
    headings = ("variant", "picks", "mean", "hit", "equal", "matched", "drawdown", "turnover", "sharpe")
    columns = [Column("values", text=True), *map(Column, headings)]
    write_table(out, columns, (_cells(variant, horizon) for variant in best))
    write_prose(out, "")
    write_prose(out, LEGEND)
    if not result:
        return
    _write_outside(out, sweep)
    for text in (*_sentences(sweep), verdict(sweep)):
        write_prose(out, "")
        write_prose(out, text)


def _cells(variant: SweepVariant, horizon: str) -> list[str]:
    figures = variant.figures[horizon]
    return [
        params_text(variant),
        str(variant.number),
        f"{figures['picks']:,}",
        _signed(figures["mean"]),
        _signed(figures["hit_rate"], sign=False),
        excess_text(figures["equal"]),
        excess_text(figures["matched"]),
        _signed(figures["worst_drawdown"]),
        _signed(figures["turnover"], sign=False),
        format_number(variant.sharpe, 3) if variant.sharpe is not None else "-",
    ]


def _write_outside(out: Output, sweep: Sweep) -> None:
    """Write the baselines that the picks outside have to beat, and their regimes and years."""
    result, horizon = sweep.result, str(sweep.horizon)
    if "random" not in result:
        return
    figures, draws = result["outside"][horizon], result["random"]
    write_prose(out, f"\nOutside, over {count_of(sweep.horizon, 'session')}, after costs, each date alike:")
    columns = [Column("picks", text=True), *map(Column, ("mean", "of 95 % of draws", "as good by chance"))]
    lines = [["the choice", _signed(figures["date_mean"]), "", ""]]
    for name, words in RANDOM.items():
        draw = draws[name]
        if draw["low"] == draw["high"]:
            lines.append([f"{words}: the same, since all of it is picked", _signed(draw["mean"]), "", ""])
            continue
        low, high = _signed(draw["low"]), _signed(draw["high"])
        lines.append([words, _signed(draw["mean"]), f"{low} to {high}", _share(draw["as_good"])])
    write_table(out, columns, lines)
    write_prose(out, "")
    headings = ("picks", "mean", "equal", "cap", "matched", "drawdown", "turnover")
    groups = [row for by in ("regime", "year") for row in result["groups"][by]]
    cells = [[row["group"], f"{row['picks']:,}", *_figure_cells(row)] for row in groups]
    write_table(out, [Column("outside", text=True), *map(Column, headings)], cells)
    capacity = result["capacity"]
    if capacity["order"] is not None:
        write_prose(
            out,
            f"\nOrders of {capacity['order']:,.0f} are within 1 % of the turnover of nine picks in ten, of "
            f"{capacity['half_order']:,.0f} of one in two; with as many picks held at once the smaller ones need "
            f"{capacity['capital']:,.0f}.",
        )


def _figure_cells(figures: dict[str, Any]) -> list[str]:
    return [
        _signed(figures["mean"]),
        *(excess_text(figures[name]) for name in BENCHMARKS),
        _signed(figures["worst_drawdown"]),
        _signed(figures["turnover"], sign=False),
    ]


def _signed(fraction: float | None, *, sign: bool = True) -> str:
    return "-" if fraction is None else format_percent(100 * fraction, sign=sign)


def excess_text(excess: dict[str, float | None]) -> str:
    """The excess by date in percent with its interval."""
    middle = _signed(excess_by_date(excess))
    if excess["low"] is None:
        return middle
    return f"{middle} [{_signed(excess['low'])}, {_signed(excess['high'])}]"


def _sentences(sweep: Sweep) -> Iterator[str]:
    result, horizon = sweep.result, str(sweep.horizon)
    outside = result["outside"][horizon]
    choices = len({fold["variant"] for fold in result["folds"]})
    excess = ", ".join(f"{name} {excess_text(outside[name])}" for name in BENCHMARKS)
    if rounds := result.get("halving"):
        counts = ", ".join(f"{row['variants']} on {row['sessions']}" for row in rounds)
        yield (
            f"Successive halving: {counts} sessions; {count_of(rounds[-1]['kept'], 'variant')} judged to the end. The "
            "tests count all of them."
        )
    looking_back = f" by the last {count_of(sweep.rolling, 'session')}" if sweep.rolling else ""
    yield (
        f"Walk-forward over the choose period, {count_of(len(result['folds']), 'fold')}, {count_of(choices, 'variant')}"
        f" chosen in turn{looking_back}: {outside['picks']:,} picks, mean {_signed(outside['mean'])}, {excess}."
    )
    yield (
        f"Of {count_of(result['variants'], 'variant')} without skill the best would be as good with a probability of "
        f"{_share(result['reality_check_p'])} (reality check; {_share(result['superior_ability_p'])} by the test of "
        f"superior ability). Deflated Sharpe ratio {_share(result['deflated_sharpe'])}; probability of overfitting "
        f"{_share(result['overfitting_probability'])}."
    )
    if survivors := result.get("survivors"):
        yield survivors_sentence(**survivors)
    if seconds := sweep.seconds:
        yield (
            f"The last run took {seconds['variants']:,.1f} s for the variants it judged, {seconds['outside']:,.1f} s "
            "for the walk-forward and the tests."
        )
    for n, look in enumerate(sweep.looks.all(), start=1):
        figures = look.figures[horizon]
        spent = f"; these sessions had been looked at {count_of(look.looks_before, 'time')} before: no test any more"
        yield (
            f"Test period, look {n} on {look.looked_at:%Y-%m-%d}: {figures['picks']:,} picks, mean "
            f"{_signed(figures['mean'])}, equal {excess_text(figures['equal'])}, matched "
            f"{excess_text(figures['matched'])}{spent if look.looks_before else ''}."
        )


def _share(value: float | None) -> str:
    return "-" if value is None else format_number(value, 2)
