"""Two versions beside each other, as a person or a program reads it, and what the evidence supports."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from marketdata.management.table import Column, Output, write_prose, write_table
from marketdata.number_format import format_percent
from scans.evaluation.bootstrap import DRAWS, LEAST_BLOCK, LEAST_BLOCKS, SEED
from scans.evaluation.comparison import Difference
from scans.management.evaluation_tables import percent, range_sentence, signed_percent, survivors_sentence
from scans.operations.evaluation.compare import VersionComparison

NOTES = (
    "Excess: mean return over the equally weighted mean of all eligible instruments. Interval: moving-block bootstrap "
    f"by date, {DRAWS:,} draws, seed {SEED}, blocks as long as the holding and {LEAST_BLOCK} sessions at least, "
    f"widened for few blocks and overlapping holdings; '-' where the sessions hold fewer than {LEAST_BLOCKS} blocks. "
    "Regimes: regime_trend of the market's index. In brackets: ahead, but not beyond chance. Of the intervals by "
    "regime and year one in twenty misses 0 by chance."
)


def deliver(found: VersionComparison, form: str, terminal: Output) -> None:
    """Write a comparison as a table with its verdict, or as one JSON object."""
    if form == "json":
        terminal.write(json.dumps(_object(found), ensure_ascii=False))
    else:
        write_comparison(terminal, found)


def write_comparison(out: Output, found: VersionComparison) -> None:
    """Write a comparison for people: what both pick, a table of differences, and what the evidence supports."""
    first, second = found.request.versions
    shared = found.overlap
    write_prose(
        out,
        f"{first} and {second}  {range_sentence(found)}",
    )
    overlap = format_percent(100 * shared.jaccard, sign=False)
    write_prose(
        out,
        f"{shared.sessions:,} sessions that both answered, {found.both_first} to {found.both_last}: both picked on "
        f"{shared.both:,}, only {first} on {shared.first_only:,}, only {second} on {shared.second_only:,}; "
        f"mean overlap of picks (Jaccard) {overlap}\n",
    )
    figures = [f"{name} {what}" for what in ("judged", "excess") for name in (first, second)]
    columns = [Column("h"), Column("when", text=True), *map(Column, figures), Column("difference")]
    columns += [Column("95 % interval"), Column("better", text=True)]
    write_table(out, columns, (_compared_row(one, (first, second)) for one in found.differences))
    for text in ("", NOTES, survivors_sentence(found), "", verdict(found)):
        write_prose(out, text)


def _compared_row(one: Difference, versions: Sequence[str]) -> list[str]:
    return [
        str(one.horizon),
        one.group or "all",
        *(f"{count:,}" for count in one.judged),
        *(signed_percent(value) for value in one.excess),
        signed_percent(one.value),
        _bounds(one),
        _better(one, versions),
    ]


def _bounds(one: Difference) -> str:
    low, high = one.interval.low, one.interval.high
    return f"{signed_percent(low)} .. {signed_percent(high)}" if math.isfinite(low) else "-"


def _better(one: Difference, versions: Sequence[str]) -> str:
    """Who did better, in brackets where the interval does not tell them apart."""
    if math.isnan(one.value):
        return "-"
    ahead = versions[0] if one.value > 0 else versions[1]
    return ahead if one.interval.apart else f"({ahead})"


def verdict(found: VersionComparison) -> str:
    """What the evidence supports and what it does not, as plain sentences."""
    first, second = found.request.versions
    whole = found.whole
    said = []
    for ahead, behind, sign in ((first, second, 1), (second, first, -1)):
        sure = [one for one in whole if one.corrected.apart == sign]
        likely = [one for one in whole if one.interval.apart == sign and one not in sure]
        if sure:
            said.append(
                f"The evidence supports that {ahead} picks better than {behind} over {_horizons(sure)}, even when all "
                f"{len(whole)} horizons are allowed for."
            )
        if likely:
            said.append(
                f"The evidence hints at {ahead} over {_horizons(likely)}, where the 95 % interval lies on its side but "
                f"would not if all {len(whole)} horizons were allowed for."
            )
    same = [one for one in whole if math.isfinite(one.interval.low) and not one.interval.apart]
    if same:
        said.append(f"The evidence does not tell {first} from {second} over {_horizons(same)}.")
    short = [one for one in whole if math.isnan(one.interval.low)]
    if short:
        said.append(f"There is too little evidence over {_horizons(short)}.")
    return " ".join([*said, *_market(found)])


def _market(found: VersionComparison) -> Iterator[str]:
    """Where each version is told from the market itself."""
    for n, version in enumerate(found.request.versions):
        known = [one for one in found.whole if math.isfinite(one.alone[n].low)]
        for said, sign in (("ahead of", 1), ("behind", -1)):
            apart = [one for one in known if one.alone[n].apart == sign]
            if apart:
                yield (
                    f"{version} itself is {said} the mean of what it could have picked over {_horizons(apart)} "
                    f"({_with_bounds(apart, n)})."
                )
        if known and not any(one.alone[n].apart for one in known):
            yield f"{version} itself is not told from the mean of what it could have picked over any horizon."


def _with_bounds(found: Sequence[Difference], n: int) -> str:
    """Excess and its interval, percent, horizon by horizon."""
    return ", ".join(
        f"{100 * one.excess[n]:+.2f} % [{100 * one.alone[n].low:+.2f}, {100 * one.alone[n].high:+.2f}]" for one in found
    )


def _horizons(found: Sequence[Difference]) -> str:
    names = [str(one.horizon) for one in found]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"{listed} session{'s' if names != ['1'] else ''}"


def _object(found: VersionComparison) -> Mapping[str, Any]:
    shared = asdict(found.overlap)
    shared["jaccard_pct"] = percent(shared.pop("jaccard"))
    return {
        "versions": list(found.request.versions),
        "market": found.request.market,
        "from": found.both_first,
        "to": found.both_last,
        "judged_to": found.end,
        "costs_pct": percent(found.request.costs),
        "draws": DRAWS,
        "seed": SEED,
        "overlap": shared,
        "differences": [
            {
                "horizon": one.horizon,
                "group": one.group or "all",
                "block": one.block,
                "judged": list(one.judged),
                "excess_pct": [percent(value) for value in one.excess],
                "excess_interval_95_pct": [[percent(bounds.low), percent(bounds.high)] for bounds in one.alone],
                "difference_pct": percent(one.value),
                "interval_95_pct": [percent(one.interval.low), percent(one.interval.high)],
                "interval_corrected_pct": [percent(one.corrected.low), percent(one.corrected.high)],
            }
            for one in found.differences
        ],
        "instruments": found.instruments,
        "gone": found.gone,
        "verdict": verdict(found),
    }
