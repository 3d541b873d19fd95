"""Evaluations of versions in every form. Percentages are percent everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.number_format import count_of, format_number, format_percent
from marketdata.tables.table import column
from scans.evaluation.benchmark_paths import NAMES
from scans.evaluation.holdings import REVISION
from scans.evaluation.statistics import Excess, Figures
from scans.management.delivery import Results
from scans.operations.evaluation.compare import VersionComparison
from scans.operations.evaluation.evaluate import Evaluation, EvaluationLine
from scans.operations.evaluation.evidence import EvaluationRequest

COUNTS = ("picks", "judged", "dropped", "locked", "untraded", "late", "open", "unjudged", "positions")
PERCENT = {
    "hit_rate": "hit",
    "universe_hit_rate": "universe's hit",
    "mean": "mean",
    "gross_mean": "before costs",
    "median": "median",
    "date_mean": "by date",
    "position_mean": "one a name",
    "mean_without_best": "w/o 10 names",
    "best": "best",
    "worst": "worst",
    "worst_drawdown": "drawdown",
    "turnover": "turnover",
}
"""Figure -> its heading in a table."""
UNSIGNED = {"hit_rate", "universe_hit_rate", "turnover"}
EXCESS = ("excess", "by_date", "error", "low", "high", "coverage")
NOT_DISTINGUISHABLE = "not distinguishable"

TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("scanner_version", "market"), pa.string()),
    **dict.fromkeys(("from", "to"), pa.date32()),
    "evaluation_revision": pa.int32(),
    "horizon": pa.int32(),
    **dict.fromkeys(("by", "group"), pa.string()),
    "costs_pct": pa.float64(),
    "sessions": pa.int32(),
    **dict.fromkeys((*COUNTS, "live"), pa.int32()),
    **dict.fromkeys((f"{name}_pct" for name in PERCENT), pa.float64()),
    **{f"{name}_{what}_pct": pa.float64() for name in NAMES for what in EXCESS},
    "detectable_pct": pa.float64(),
    "standing": pa.string(),
    "permutation_p": pa.float64(),
}
COLUMNS = [column(name, kind) for name, kind in TYPES.items()]

LEGEND = (
    "h: sessions held. locked: no session of the five after the pick could be bought. late: sold after the planned "
    "session, since it could not be sold then. hit: returns above 0 after costs; universe's hit: of all that could be "
    "picked, without costs. by date: each date alike. one a name: a name is not bought again while it is held. "
    "w/o 10 names: without the ten names that made most. best, worst: mean excursions. drawdown: of a basket that "
    "holds each day's picks for h sessions."
)
EXCESS_LEGEND = (
    "Excess over what could be picked on the day: equal alike, cap by market cap, segment the pick's own by market "
    "cap, matched those of like size, volatility and return; that of the calendar-time portfolio, in which each date "
    "counts alike, with its 95 % interval (Newey-West). detectable: the smallest excess that so many sessions "
    "distinguish from 0 (80 % power). Ahead or behind where the intervals of both equal and matched exclude 0; of "
    "twenty comparisons one does by chance."
)

PERMUTATION_LEGEND = (
    "p: how often the same pattern of picks on other names has an excess as far from 0, in units of its error, before "
    "costs (permutation test); below 0.05 it is not likely to be luck."
)


def evaluation_results(evaluation: Evaluation) -> Results:
    """The evaluation in every form."""
    return Results(COLUMNS, rows(evaluation), lambda out: write_evaluation(out, evaluation))


def rows(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """One flat row for each version, horizon and group; null for a figure that cannot be computed."""
    by = evaluation.request.by
    for line in evaluation.lines:
        figures = asdict(line.figures)
        yield {
            "scanner_version": line.version,
            "market": evaluation.request.market,
            "from": evaluation.first,
            "to": evaluation.last,
            "evaluation_revision": REVISION,
            "horizon": line.horizon,
            "by": by if line.group else "",
            "group": line.group,
            "costs_pct": percent(figures["costs"]),
            "sessions": line.sessions,
            **{name: figures[name] for name in COUNTS},
            "live": line.live,
            **{f"{name}_pct": percent(figures[name]) for name in PERCENT},
            **excess_columns(line.figures),
            "detectable_pct": percent(figures["detectable"]),
            "standing": line.figures.standing,
            "permutation_p": None if math.isnan(line.p_value) else line.p_value,
        }


def excess_columns(figures: Figures) -> dict[str, float | None]:
    """The excess over each benchmark, over picks and by date, with error, interval and coverage, percent."""
    columns: dict[str, float | None] = {}
    for name in NAMES:
        excess = getattr(figures, name)
        interval = excess.interval
        values = excess.mean, excess.by_date, excess.error, interval.low, interval.high, excess.coverage
        columns |= {f"{name}_{what}_pct": percent(value) for what, value in zip(EXCESS, values, strict=True)}
    return columns


def percent(fraction: float) -> float | None:
    """A fraction as percent, to ten significant digits; None for NaN."""
    return float(f"{100 * fraction:.10g}") if math.isfinite(fraction) else None


def range_sentence(result: Evaluation | VersionComparison) -> str:
    """The range of an evaluation or a comparison in words: its sessions and why these, the last session used, the
    source of the picks, the costs."""
    request = result.request
    return (
        f"{request.market}  {result.first} to {result.last}, {count_of(result.sessions, 'session')}"
        f"{_default_note(request)}, judged up to {result.end}; {request.source} picks; {costs_text(request)}"
    )


def _default_note(request: EvaluationRequest) -> str:
    """How the ends without an option were chosen."""
    if request.first is None and request.last is None:
        return " (by default the record's last uninterrupted run)"
    if request.first is None:
        return " (by default from where the record's last uninterrupted run begins)"
    return "" if request.last else " (by default to the record's end)"


def write_evaluation(out: Output, evaluation: Evaluation) -> None:
    """Write the evaluation for people: a table and what its figures mean."""
    request = evaluation.request
    write_prose(out, f"{range_sentence(evaluation)}\n")
    lines, grouped = evaluation.lines, bool(request.by)
    names = [Column("scanner_version", text=True), *([Column(request.by, text=True)] if grouped else []), Column("h")]
    columns = [*names, *(Column(name) for name in ("sessions", *COUNTS, *PERCENT.values()))]
    write_table(out, columns, ([*_name_cells(line, grouped), *_cells(line)] for line in lines))
    for text in ("", LEGEND, ""):
        write_prose(out, text)
    columns = [*names, *map(Column, NAMES), Column("detectable"), Column("standing", text=True)]
    permuted = request.permutations
    if permuted:
        columns.append(Column("p"))
    write_table(out, columns, ([*_name_cells(line, grouped), *_excess_cells(line, permuted)] for line in lines))
    if permuted:
        write_prose(out, "")
        write_prose(out, PERMUTATION_LEGEND)
    sentences = (
        market_caps_sentence(evaluation),
        survivors_sentence(evaluation.instruments, evaluation.gone, evaluation.end),
        timing_sentence(evaluation.lines),
    )
    for text in ("", EXCESS_LEGEND, *sentences):
        write_prose(out, text)


def _name_cells(line: EvaluationLine, grouped: bool) -> list[str]:
    return [line.version, *([line.group or "all"] if grouped else []), str(line.horizon)]


def _cells(line: EvaluationLine) -> list[str]:
    figures = asdict(line.figures)
    return [
        f"{line.sessions:,}",
        *(f"{figures[name]:,}" for name in COUNTS),
        *(format_percent(100 * figures[name], sign=name not in UNSIGNED) for name in PERCENT),
    ]


def _excess_cells(line: EvaluationLine, permuted: bool) -> list[str]:
    figures = line.figures
    return [
        *(excess_text(getattr(figures, name)) for name in NAMES),
        format_percent(100 * figures.detectable, sign=False),
        figures.standing or NOT_DISTINGUISHABLE,
        *([format_number(line.p_value, 3)] if permuted else []),
    ]


def excess_text(excess: Excess) -> str:
    """The excess by date in percent with its interval, as "+0.12 [-0.40, +0.64]"."""
    if math.isnan(excess.by_date):
        return "-"
    interval = excess.interval
    if math.isnan(interval.low):
        return signed_percent(excess.by_date)
    return f"{signed_percent(excess.by_date)} [{signed_percent(interval.low)}, {signed_percent(interval.high)}]"


def timing_sentence(lines: Sequence[EvaluationLine]) -> str:
    """How many of the picks were made before their entry, and how many were computed afterwards."""
    shortest = min((line.horizon for line in lines), default=0)
    whole = [line for line in lines if not line.group and line.horizon == shortest]
    picks, live = sum(line.figures.picks for line in whole), sum(line.live for line in whole)
    if live == picks:
        return "All picks were made before the open of their entry."
    return (
        f"{picks - live:,} of {count_of(picks, 'pick')} were computed afterwards: their run began after the open of "
        "their entry. `--by timing` separates them."
    )


def survivors_sentence(instruments: int, gone: int, end: str) -> str:
    """How many instruments of the input are delisted: without them all returns are too good."""
    if gone:
        return (
            f"{gone:,} of {instruments:,} instruments that could be picked have no bar on {end}, the last session used."
        )
    return (
        f"All {instruments:,} instruments that could be picked still have a bar on {end}: the input "
        "holds survivors only, and returns and benchmarks are too good."
    )


def market_caps_sentence(evaluation: Evaluation) -> str:
    """On how many sessions there are benchmarks by market cap."""
    sessions = count_of(evaluation.sessions, "session")
    if evaluation.capped == evaluation.sessions:
        return f"On all {sessions} at least 90 % of what could be picked has a market cap."
    return (
        f"On {evaluation.capped:,} of {sessions} at least 90 % of what could be picked has a market cap: picks of the "
        "others have no excess over cap, nor over their segment without an index of it."
    )


def costs_text(request: EvaluationRequest) -> str:
    """Costs in words."""
    if request.costs is None:
        return "costs: sell tax by date, fee and a tick a side"
    return f"round-trip costs {format_number(100 * request.costs)} %" if request.costs else "no costs"


def signed_percent(fraction: float) -> str:
    """A fraction as percent with its sign, "-" for NaN."""
    return format_percent(100 * fraction)
