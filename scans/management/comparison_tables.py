"""Comparisons of two versions in every form, and the verdict: what the evidence supports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.number_format import count_of, format_percent
from marketdata.tables.table import column
from scans.evaluation.bootstrap import DRAWS, LEAST_BLOCK, LEAST_BLOCKS, SEED, Interval
from scans.evaluation.comparison import Difference
from scans.evaluation.holdings import REVISION
from scans.management.delivery import Results
from scans.management.evaluation_tables import (
    costs_text,
    excess_columns,
    excess_text,
    percent,
    range_sentence,
    signed_percent,
    survivors_sentence,
    timing_sentence,
)
from scans.operations.evaluation.compare import VersionComparison
from scans.operations.evaluation.evaluate import EvaluationLine

NOTES = (
    "Excess: mean return after costs over the equally weighted mean of what could be picked. Interval: moving-block "
    f"bootstrap by date, {DRAWS:,} draws, seed {SEED}, blocks as long as the holding, {LEAST_BLOCK} sessions at least, "
    f"widened for few blocks and overlapping holdings; '-' where the sessions hold fewer than {LEAST_BLOCKS} blocks. "
    "Regimes: regime_trend of the market's index. In brackets: ahead, but not beyond chance. Of the intervals by "
    "regime and year one in twenty misses 0 by chance."
)
SIDES = ("first", "second")
INTERVALS = ("difference", "difference_corrected")
TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("market", "first_version", "second_version"), pa.string()),
    **dict.fromkeys(("from", "to", "judged_to"), pa.date32()),
    "evaluation_revision": pa.int32(),
    "horizon": pa.int32(),
    "group": pa.string(),
    "block": pa.int32(),
    **dict.fromkeys((f"{side}_judged" for side in SIDES), pa.int32()),
    **dict.fromkeys((f"{side}_excess_pct" for side in SIDES), pa.float64()),
    "difference_pct": pa.float64(),
    **dict.fromkeys((f"{name}_{end}_pct" for name in INTERVALS for end in ("low", "high")), pa.float64()),
}
COLUMNS = [column(name, kind) for name, kind in TYPES.items()]


def comparison_results(comparison: VersionComparison) -> Results:
    """The comparison in every form: one row for each horizon and group; as JSON one object with the verdict."""
    return Results(
        COLUMNS, rows(comparison), lambda out: write_comparison(out, comparison), [comparison_object(comparison)]
    )


def write_comparison(out: Output, comparison: VersionComparison) -> None:
    """Write a comparison for people: what both pick, a table of differences, and the verdict."""
    first, second = comparison.request.versions
    shared = comparison.overlap
    write_prose(out, f"{first} and {second}  {range_sentence(comparison)}")
    overlap = format_percent(100 * shared.jaccard, sign=False)
    write_prose(
        out,
        f"{count_of(shared.sessions, 'session')} that both answered, {comparison.both_first} to "
        f"{comparison.both_last}: both picked on {shared.both:,}, only {first} on {shared.first_only:,}, only {second} "
        f"on {shared.second_only:,}; mean overlap of picks (Jaccard) {overlap}\n",
    )
    figures = [f"{name} {what}" for what in ("judged", "excess") for name in (first, second)]
    columns = [Column("h"), Column("when", text=True), *map(Column, figures), Column("difference")]
    columns += [Column("95 % interval"), Column("better", text=True)]
    write_table(out, columns, (_cells(row, (first, second)) for row in comparison.differences))
    lines = [line for standing in comparison.standings for line in standing]
    for text in (
        "",
        NOTES,
        survivors_sentence(comparison.instruments, comparison.gone, comparison.end),
        timing_sentence(lines),
        "",
        verdict(comparison),
    ):
        write_prose(out, text)


def _cells(row: Difference, versions: Sequence[str]) -> list[str]:
    return [
        str(row.horizon),
        row.group or "all",
        *(f"{count:,}" for count in row.judged),
        *(signed_percent(value) for value in row.excess),
        signed_percent(row.value),
        _bounds(row.interval),
        _better(row, versions),
    ]


def _bounds(interval: Interval) -> str:
    low, high = interval.low, interval.high
    return f"{signed_percent(low)} .. {signed_percent(high)}" if math.isfinite(low) else "-"


def _better(row: Difference, versions: Sequence[str]) -> str:
    """The version ahead, in brackets where the interval contains 0."""
    if math.isnan(row.value):
        return "-"
    ahead = versions[0] if row.value > 0 else versions[1]
    return ahead if row.interval.apart else f"({ahead})"


def verdict(comparison: VersionComparison) -> str:
    """The conclusions from the evidence, and its limits, as plain sentences."""
    first, second = comparison.request.versions
    whole = comparison.whole
    sentences = []
    for ahead, behind, sign in ((first, second, 1), (second, first, -1)):
        sure = [row for row in whole if row.corrected.apart == sign]
        likely = [row for row in whole if row.interval.apart == sign and row not in sure]
        if sure:
            sentences.append(
                f"The evidence supports that {ahead} picks better than {behind} over {_horizons(sure)}, even when all "
                f"{len(whole)} horizons are allowed for."
            )
        if likely:
            sentences.append(
                f"The evidence hints at {ahead} over {_horizons(likely)}, where the 95 % interval lies on its side but "
                f"would not if all {len(whole)} horizons were allowed for."
            )
    same = [row for row in whole if math.isfinite(row.interval.low) and not row.interval.apart]
    if same:
        sentences.append(f"The evidence does not distinguish {first} from {second} over {_horizons(same)}.")
    short = [row for row in whole if math.isnan(row.interval.low)]
    if short:
        sentences.append(f"There is too little evidence over {_horizons(short)}.")
    return " ".join([*sentences, *_against_market(comparison)])


def _against_market(comparison: VersionComparison) -> Iterator[str]:
    """Each version against what it could have picked: all of it, and what is like its picks."""
    for version, lines in zip(comparison.request.versions, comparison.standings, strict=True):
        for standing, side in (("ahead", "ahead of"), ("behind", "behind")):
            apart = [line for line in lines if line.figures.standing == standing]
            if apart:
                yield (
                    f"{version} itself is {side} the mean of what it could have picked, and that of what is like its "
                    f"picks, over {_horizons(apart)} (matched: {_matched(apart)})."
                )
        if not any(line.figures.standing for line in lines):
            yield (
                f"Over no horizon does the evidence distinguish {version} itself from both the mean of what it could "
                "have picked and that of what is like its picks."
            )


def _matched(lines: Sequence[EvaluationLine]) -> str:
    """The excess over matched instruments and its interval, percent, horizon by horizon."""
    return ", ".join(excess_text(line.figures.matched) for line in lines)


def _horizons(rows: Sequence[Difference | EvaluationLine]) -> str:
    names = [str(row.horizon) for row in rows]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"{listed} session{'s' if names != ['1'] else ''}"


def rows(comparison: VersionComparison) -> Iterator[dict[str, Any]]:
    """`COLUMNS` of each difference; null for a figure that cannot be computed."""
    first, second = comparison.request.versions
    for row in comparison.differences:
        intervals = dict(zip(INTERVALS, (row.interval, row.corrected), strict=True))
        yield {
            "market": comparison.request.market,
            "first_version": first,
            "second_version": second,
            "from": comparison.both_first,
            "to": comparison.both_last,
            "judged_to": comparison.end,
            "evaluation_revision": REVISION,
            "horizon": row.horizon,
            "group": row.group or "all",
            "block": row.block,
            **{f"{side}_judged": count for side, count in zip(SIDES, row.judged, strict=True)},
            **{f"{side}_excess_pct": percent(value) for side, value in zip(SIDES, row.excess, strict=True)},
            "difference_pct": percent(row.value),
            **{f"{name}_low_pct": percent(interval.low) for name, interval in intervals.items()},
            **{f"{name}_high_pct": percent(interval.high) for name, interval in intervals.items()},
        }


def comparison_object(comparison: VersionComparison) -> Mapping[str, Any]:
    """The whole comparison as one JSON object."""
    shared = asdict(comparison.overlap)
    shared["jaccard_pct"] = percent(shared.pop("jaccard"))
    return {
        "versions": list(comparison.request.versions),
        "market": comparison.request.market,
        "from": comparison.both_first,
        "to": comparison.both_last,
        "judged_to": comparison.end,
        "evaluation_revision": REVISION,
        "costs": costs_text(comparison.request),
        "draws": DRAWS,
        "seed": SEED,
        "overlap": shared,
        "differences": [
            {
                "horizon": row.horizon,
                "group": row.group or "all",
                "block": row.block,
                "judged": list(row.judged),
                "excess_pct": [percent(value) for value in row.excess],
                "difference_pct": percent(row.value),
                "interval_95_pct": [percent(row.interval.low), percent(row.interval.high)],
                "interval_corrected_pct": [percent(row.corrected.low), percent(row.corrected.high)],
            }
            for row in comparison.differences
        ],
        "standings": [_standing(line) for lines in comparison.standings for line in lines],
        "instruments": comparison.instruments,
        "gone": comparison.gone,
        "verdict": verdict(comparison),
    }


def _standing(line: EvaluationLine) -> dict[str, Any]:
    """A version beside its benchmarks over one horizon."""
    figures = line.figures
    return {
        "scanner_version": line.version,
        "horizon": line.horizon,
        "picks": figures.picks,
        "judged": figures.judged,
        "live": line.live,
        "costs_pct": percent(figures.costs),
        **excess_columns(figures),
        "detectable_pct": percent(figures.detectable),
        "standing": figures.standing,
    }
