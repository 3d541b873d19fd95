"""How versions did, as a person or a program reads it. Percentages are percent everywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.core.management.base import CommandError, OutputWrapper

from marketdata.management import table_output
from marketdata.management.table import Column, Output, plain_text, write_prose, write_table
from marketdata.number_format import format_number, format_percent
from marketdata.tables.table import Table, column
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

KINDS: dict[str, pa.DataType] = {
    **dict.fromkeys(("scanner_version", "market"), pa.string()),
    **dict.fromkeys(("from", "to"), pa.date32()),
    "horizon": pa.int32(),
    **dict.fromkeys(("by", "group"), pa.string()),
    "costs_pct": pa.float64(),
    "sessions": pa.int32(),
    **dict.fromkeys(COUNTS, pa.int32()),
    **dict.fromkeys((f"{name}_pct" for name in PERCENT), pa.float64()),
}
COLUMNS = [column(name, kind) for name, kind in KINDS.items()]

LEGEND = (
    "h: sessions held. ±: standard error by date of the figure before it. excess: over the mean of all eligible "
    "instruments, equally or cap-weighted. best, worst: mean excursions. drawdown: of a basket that holds each day's "
    "picks for h sessions."
)


def deliver(found: Evaluation, form: str, output: Path | None, terminal: OutputWrapper, encoding: str) -> None:
    """Write the evaluation in the form asked for to `output`, else to the terminal; `encoding` is that of CSV."""
    table_output.refuse_terminal(form, output)
    if form in table_output.TABLES:
        table_output.write(Table(COLUMNS, rows(found)), form, output, terminal, encoding)
        return
    try:
        if output is None and form == "table":
            write_evaluation(terminal, found)
        elif output is None:
            terminal.write(text(found, form), ending="")
        else:
            output.write_text(text(found, form), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror or error}.") from error


def text(found: Evaluation, form: str) -> str:
    """The evaluation as a table or as JSON lines."""
    if form == "json":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(found))
    return plain_text(lambda out: write_evaluation(out, found))


def rows(found: Evaluation) -> Iterator[dict[str, Any]]:
    """One flat row for each version, horizon and group; a figure that nothing gives is null."""
    by = found.request.by
    for line in found.lines:
        figures = asdict(line.figures)
        yield {
            "scanner_version": line.version,
            "market": found.request.market,
            "from": found.first,
            "to": found.last,
            "horizon": line.horizon,
            "by": by if line.group else "",
            "group": line.group,
            "costs_pct": percent(found.request.costs),
            "sessions": line.sessions,
            **{name: figures[name] for name in COUNTS},
            **{f"{name}_pct": percent(figures[name]) for name in PERCENT},
        }


def percent(fraction: float) -> float | None:
    """A fraction as percent, to ten significant digits; None where unknown."""
    return float(f"{100 * fraction:.10g}") if math.isfinite(fraction) else None


def range_sentence(found: Evaluation | VersionComparison) -> str:
    """What was judged, in the same words for evaluations and comparisons: the sessions asked for and why these, up to
    which session, which picks, at which costs."""
    request = found.request
    return (
        f"{request.market}  {found.first} to {found.last}, {found.sessions:,} sessions{_why(request)}, judged up to "
        f"{found.end}; {request.source} picks; {costs_text(request.costs)}"
    )


def _why(request: EvaluationRequest) -> str:
    """How an end that was not given was chosen."""
    if request.first is None and request.last is None:
        return " (by default the record's last uninterrupted run)"
    if request.first is None:
        return " (by default from where the record's last uninterrupted run begins)"
    return "" if request.last else " (by default to the record's end)"


def write_evaluation(out: Output, found: Evaluation) -> None:
    """Write the evaluation for people: a table and what its figures mean."""
    request = found.request
    write_prose(
        out,
        f"{range_sentence(found)}\n",
    )
    by = [Column(request.by, text=True)] if request.by else []
    columns = [Column("version", text=True), *by]
    columns += [Column(name) for name in ("h", "sessions", *COUNTS, *PERCENT.values())]
    write_table(out, columns, (_cells(line, grouped=bool(by)) for line in found.lines))
    for text in ("", LEGEND, market_caps_sentence(found), survivors_sentence(found)):
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


def survivors_sentence(found: Evaluation | VersionComparison) -> str:
    """What the input holds of instruments that are gone: without them all returns are too good."""
    if found.gone:
        return (
            f"{found.gone:,} of {found.instruments:,} instruments that could be picked have no bar on {found.end}, the "
            "last session used."
        )
    return (
        f"All {found.instruments:,} instruments that could be picked still have a bar on {found.end}: the input holds "
        "survivors only, and returns and benchmarks are too good."
    )


def market_caps_sentence(found: Evaluation) -> str:
    """How much of the cap-weighted excess is cap-weighted."""
    if found.capped == found.sessions:
        return f"Market caps are recorded on all {found.sessions} sessions."
    return (
        f"Market caps are recorded on {found.capped} of {found.sessions} sessions: on the others the cap-weighted "
        "excess is the equally weighted one."
    )


def costs_text(share: float) -> str:
    """Costs in words; `share` of a round trip."""
    return f"round-trip costs {format_number(100 * share)} %" if share else "no costs"


def signed_percent(fraction: float) -> str:
    """A fraction as percent with its sign, a dash where unknown."""
    return format_percent(100 * fraction)
