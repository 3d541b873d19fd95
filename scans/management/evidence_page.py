"""The page of evidence (docs/evidence.md) as Markdown: what a trader may conclude, then the figures of each study."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marketdata.number_format import count_of
from scans.evaluation.benchmark_paths import NAMES
from scans.evaluation.holdings import REVISION
from scans.management.evaluation_tables import (
    NOT_DISTINGUISHABLE,
    excess_text,
    market_caps_sentence,
    signed_percent,
    survivors_sentence,
    timing_sentence,
)
from scans.operations.evaluation.evaluate import EvaluationLine
from scans.operations.evaluation.study import Study

RESOLUTION = 20
"""The horizon whose resolution is named first."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A study with its title and what its data are."""

    title: str
    data: str
    study: Study

    @property
    def period(self) -> str:
        evaluation = self.study.evaluation
        return f"{evaluation.first} to {evaluation.last}"

    @property
    def lines(self) -> tuple[EvaluationLine, ...]:
        return self.study.evaluation.lines


def evidence_page(chapters: Sequence[Chapter], command: str) -> str:
    """The page of the studies `chapters`, made by `command`."""
    parts = [
        "# Which version is better: the evidence",
        _conclusion(chapters),
        f"Made by `{command}`; evaluation revision {REVISION}. All but counts is percent. {_afterwards(chapters)}",
        "## What moved between the periods",
        _table(["version", "h", *(f"{one.title}, {one.period}" for one in chapters)], _moves(chapters)),
        "Excess over matched shares after costs with its 95 % interval: what holds in one period and not in another is "
        "not the version's merit.",
        *(part for chapter in chapters for part in _chapter(chapter)),
        "## How to read it",
        READING,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


READING = (
    "[Scanner definitions](reference/scanners.md), section 7, define every figure. *mean*: over picks, after costs; "
    "*before*: without costs; *universe*: the hit rate of all that could be picked over the same sessions. *by date*: "
    "each date alike; *one a name*: no name is bought again while it is held; *w/o 10*: without the ten best names. "
    "Excess over *equal*, *cap*, *segment* and *matched*: that of the calendar-time portfolio, in which each date "
    "counts alike, and, in brackets, its 95 % interval; a mean over picks lies elsewhere where many are picked on few "
    "dates. *detectable*: the smallest excess that so many sessions distinguish from 0 with a power of 80 %. Of twenty "
    "intervals one misses 0 by chance. Costs are those of `marketdata.trading_costs`: on KRX a sell tax of 0.18 % in "
    "2024, 0.15 % in 2025 and 0.20 % from 2026, a fee a side as set (TRADING_FEES), and one tick a side.\n\n"
    "The record: `manage.py import_prices krx_raw_2023_2026.parquet marcap-2024.csv.gz marcap-2026.parquet`, the same "
    "with `krx_events_2023_2025.parquet`, with `krx_adj_2019_2025.parquet --market kr-adj` and with "
    "`us_yahoo_2022_2024.parquet --market us`; then `manage.py project_lake` for each market, whose own equal-weighted "
    "index tells the regimes."
)


def _conclusion(chapters: Sequence[Chapter]) -> str:
    """The first sentences: what a trader may conclude."""
    ahead, behind = (_standings(chapters, side) for side in ("ahead", "behind"))
    count = sum(len(chapter.lines) for chapter in chapters)
    versions = len({line.version for chapter in chapters for line in chapter.lines})
    first = (
        f"**After costs no shipped version is ahead of what it picks from: in {count} comparisons "
        f"({count_of(versions, 'version')}, their horizons, {count_of(len(chapters), 'period')}) none "
        "is beyond chance above both the mean of what could be picked and that of like shares.**"
        if not ahead
        else f"**After costs a version is ahead of both the mean of what could be picked and that of like shares in "
        f"{sum(map(len, ahead.values()))} of {count} comparisons: {_listed(ahead)}.**"
    )
    last = f"It is behind both in {sum(map(len, behind.values()))}: {_listed(behind)}." if behind else ""
    return f"{first} {last} {_resolution(chapters)}"


def _standings(chapters: Sequence[Chapter], side: str) -> dict[tuple[str, str], list[int]]:
    """(chapter, version) -> the horizons on which it is ahead or behind."""
    horizons: dict[tuple[str, str], list[int]] = {}
    for chapter in chapters:
        for line in chapter.lines:
            if line.figures.standing == side:
                horizons.setdefault((chapter.title, line.version), []).append(line.horizon)
    return horizons


def _listed(standings: dict[tuple[str, str], list[int]]) -> str:
    return "; ".join(
        f"{version} over {', '.join(map(str, horizons))} ({title})" for (title, version), horizons in standings.items()
    )


def _resolution(chapters: Sequence[Chapter]) -> str:
    values = [line.figures.detectable for one in chapters for line in one.lines if line.horizon == RESOLUTION]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return ""
    return (
        f"Over {RESOLUTION} sessions these periods distinguish an excess of {_plain(min(values))} points from none at "
        f"best, of {_plain(max(values))} at worst: smaller ones may exist and cannot be seen here."
    )


def _afterwards(chapters: Sequence[Chapter]) -> str:
    sentence = timing_sentence([line for chapter in chapters for line in chapter.lines])
    return sentence.replace(" `--by timing` separates them.", "")


def _moves(chapters: Sequence[Chapter]) -> Iterator[list[str]]:
    cells = [{(line.version, line.horizon): line for line in chapter.lines} for chapter in chapters]
    for key in dict.fromkeys(key for lines in cells for key in lines):
        yield [
            key[0],
            str(key[1]),
            *(excess_text(lines[key].figures.matched) if key in lines else "-" for lines in cells),
        ]


def _chapter(chapter: Chapter) -> Iterator[str]:
    study = chapter.study
    evaluation = study.evaluation
    yield f"## {chapter.title}: {chapter.period}"
    yield (
        f"{chapter.data} {count_of(evaluation.sessions, 'session')}, judged up to {evaluation.end}. "
        f"{survivors_sentence(evaluation.instruments, evaluation.gone, evaluation.end)} "
        f"{market_caps_sentence(evaluation)}"
    )
    yield "### Returns"
    yield _table(RETURNS, (_returns(line, free) for line, free in _pairs(study)))
    yield "### Excess after costs"
    yield _table(
        ["version", "h", *NAMES, "detectable", "standing"],
        (_excess(line, line.figures.standing) for line, _ in _pairs(study)),
    )
    yield "### Excess before costs"
    yield _table(
        ["version", "h", *NAMES, "detectable", "standing"],
        (_excess(free, free.figures.standing) for _, free in _pairs(study)),
    )
    yield "### Do scores order picks?"
    yield (
        "Mean rank correlation of score and excess within a date, with its standard error, and the mean excess over "
        f"equal of the fifths of all picks by score, lowest first. {_rising(study)}"
    )
    yield _table(["version", "h", "rank IC", "±", "dates", *(f"fifth {n}" for n in range(1, 6))], _orders(study))


RETURNS = [
    *("version", "h", "picks", "judged", "locked", "untraded", "late", "open", "unjudged", "hit", "universe", "before"),
    *("costs", "mean", "median", "by date", "one a name", "w/o 10", "best", "worst", "drawdown", "turnover"),
]


def _pairs(study: Study) -> Iterable[tuple[EvaluationLine, EvaluationLine]]:
    return zip(study.evaluation.lines, study.before_costs, strict=True)


def _returns(line: EvaluationLine, free: EvaluationLine) -> list[str]:
    figures = line.figures
    counts = (
        figures.picks,
        figures.judged,
        figures.locked,
        figures.untraded,
        figures.late,
        figures.open,
        figures.unjudged,
    )
    signed = (figures.median, figures.date_mean, figures.position_mean, figures.mean_without_best, figures.best)
    return [
        line.version,
        str(line.horizon),
        *(f"{count:,}" for count in counts),
        *map(_plain, (figures.hit_rate, figures.universe_hit_rate)),
        signed_percent(free.figures.mean),
        _plain(figures.costs),
        signed_percent(figures.mean),
        *map(signed_percent, signed),
        *map(signed_percent, (figures.worst, figures.worst_drawdown)),
        _plain(figures.turnover),
    ]


def _excess(line: EvaluationLine, standing: str) -> list[str]:
    figures = line.figures
    return [
        line.version,
        str(line.horizon),
        *(excess_text(getattr(figures, name)) for name in NAMES),
        _plain(figures.detectable),
        f"**{standing}**" if standing else NOT_DISTINGUISHABLE,
    ]


def _orders(study: Study) -> Iterator[list[str]]:
    for (version, horizon), order in study.orders.items():
        yield [
            version,
            str(horizon),
            *(_number(value) for value in (order.correlation, order.error)),
            f"{order.dates:,}",
            *map(signed_percent, order.fifths),
        ]


def _rising(study: Study) -> str:
    """The horizons at which each fifth by score has a higher excess than the one below it."""
    rising = [
        f"{version} over {horizon}"
        for (version, horizon), order in study.orders.items()
        if all(low < high for low, high in pairwise(order.fifths))
    ]
    if not rising:
        return "For no version and horizon does the excess rise from each fifth to the next."
    return f"The excess rises from each fifth to the next for {', '.join(rising)} only."


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _plain(fraction: float) -> str:
    return f"{100 * fraction:.2f}" if math.isfinite(fraction) else "-"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    marks = ["---", *["--:"] * (len(headings) - 1)]
    row: Callable[[Sequence[str]], str] = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return "\n".join([row(headings), f"|{'|'.join(marks)}|", *map(row, rows)]).replace(" %", "")
