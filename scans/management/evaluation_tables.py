"""Evaluations of versions in every form. Percentages are percent everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.number_format import count_of, format_number, format_percent
from marketdata.tables.table import column
from scans.management.delivery import Results
from scans.operations.evaluation.compare import VersionComparison
from scans.operations.evaluation.evaluate import Evaluation, EvaluationLine
from scans.operations.evaluation.evidence import EvaluationRequest

COUNTS = ("picks", "judged", "dropped", "open", "unjudged")
PERCENT = {
    "hit_rate": "hit",
    "mean": "mean",
    "standard_error": "±",
    "median": "median",
    "excess_equal": "excess",
    "excess_error": "±",
    "excess_cap": "excess cap",
    "mean_without_best": "w/o best 10",
    "best": "best",
    "worst": "worst",
    "worst_drawdown": "drawdown",
    "turnover": "turnover",
}
"""Figure -> its heading in a table."""

SIGNED = {
    "mean",
    "median",
    "excess_equal",
    "excess_cap",
    "mean_without_best",
    "best",
    "worst",
    "worst_drawdown",
}
"""Figures that have a direction."""

TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("scanner_version", "market"), pa.string()),
    **dict.fromkeys(("from", "to"), pa.date32()),
    "horizon": pa.int32(),
    **dict.fromkeys(("by", "group"), pa.string()),
    "costs_pct": pa.float64(),
    "sessions": pa.int32(),
    **dict.fromkeys(COUNTS, pa.int32()),
    **dict.fromkeys((f"{name}_pct" for name in PERCENT), pa.float64()),
}
COLUMNS = [column(name, kind) for name, kind in TYPES.items()]

LEGEND = (
    "h: sessions held. ±: standard error by date of the figure before it. excess: over the mean of all eligible "
    "instruments, equally or cap-weighted. best, worst: mean excursions. drawdown: of a basket that holds each day's "
    "picks for h sessions."
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
            "horizon": line.horizon,
            "by": by if line.group else "",
            "group": line.group,
            "costs_pct": percent(evaluation.request.costs),
            "sessions": line.sessions,
            **{name: figures[name] for name in COUNTS},
            **{f"{name}_pct": percent(figures[name]) for name in PERCENT},
        }


def percent(fraction: float) -> float | None:
    """A fraction as percent, to ten significant digits; None for NaN."""
    return float(f"{100 * fraction:.10g}") if math.isfinite(fraction) else None


def range_sentence(result: Evaluation | VersionComparison) -> str:
    """The range of an evaluation or a comparison in words: its sessions and why these, the last session used, the
    source of the picks, the costs."""
    request = result.request
    return (
        f"{request.market}  {result.first} to {result.last}, {count_of(result.sessions, 'session')}"
        f"{_default_note(request)}, judged up to {result.end}; {request.source} picks; {costs_text(request.costs)}"
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
    by = [Column(request.by, text=True)] if request.by else []
    columns = [Column("scanner_version", text=True), *by]
    columns += [Column(name) for name in ("h", "sessions", *COUNTS, *PERCENT.values())]
    write_table(out, columns, (_cells(line, grouped=bool(by)) for line in evaluation.lines))
    for text in ("", LEGEND, market_caps_sentence(evaluation), survivors_sentence(evaluation)):
        write_prose(out, text)


def _cells(line: EvaluationLine, *, grouped: bool) -> list[str]:
    figures = asdict(line.figures)
    return [
        line.version,
        *([line.group or "all"] if grouped else []),
        str(line.horizon),
        f"{line.sessions:,}",
        *(f"{figures[name]:,}" for name in COUNTS),
        *(format_percent(100 * figures[name], sign=name in SIGNED) for name in PERCENT),
    ]


def survivors_sentence(result: Evaluation | VersionComparison) -> str:
    """How many instruments of the input are delisted: without them all returns are too good."""
    if result.gone:
        return (
            f"{result.gone:,} of {result.instruments:,} instruments that could be picked have no bar on {result.end}, "
            "the last session used."
        )
    return (
        f"All {result.instruments:,} instruments that could be picked still have a bar on {result.end}: the input "
        "holds survivors only, and returns and benchmarks are too good."
    )


def market_caps_sentence(evaluation: Evaluation) -> str:
    """On how many sessions the cap-weighted excess has market caps."""
    sessions = count_of(evaluation.sessions, "session")
    if evaluation.capped == evaluation.sessions:
        return f"Market caps are recorded on all {sessions}."
    return (
        f"Market caps are recorded on {evaluation.capped:,} of {sessions}: on the others the cap-weighted excess is "
        "the equally weighted one."
    )


def costs_text(share: float) -> str:
    """Costs in words; `share` of a round trip."""
    return f"round-trip costs {format_number(100 * share)} %" if share else "no costs"


def signed_percent(fraction: float) -> str:
    """A fraction as percent with its sign, "-" for NaN."""
    return format_percent(100 * fraction)
