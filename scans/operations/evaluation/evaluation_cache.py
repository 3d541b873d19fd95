"""Cache of evaluations for readers: published picks only, read-only, bounded in size.

1. `evaluation_key` completes a request: the first session, the horizons that can be judged, the session that ends the
   judging.
2. The key also has the digest of the data up to that session, and the published sessions of each version.
3. A request may read at most `MAX_CELLS`, and a process computes one evaluation at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from caching.cached import cached
from caching.keys import digest
from marketdata.errors import DataProblem
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.market_calendar import get_hours
from marketdata.queries.records import get_projected_record
from marketdata.record import Days, Record
from scans.evaluation.bootstrap import Interval
from scans.evaluation.statistics import Figures
from scans.models import ScannerVersion
from scans.operations.evaluation.evaluate import Evaluation, EvaluationLine, evaluate_versions
from scans.operations.evaluation.evidence import HISTORY, HORIZONS, BeyondRecord, EvaluationRequest
from scans.operations.evaluation.picks import no_runs_error
from scans.queries import results

MAX_CELLS = 4_000_000
"""Sessions (with their history and the longest horizon) x instruments: about five years of KRX, half a gigabyte."""
PATIENCE = 10.0
"""Seconds that an evaluation waits for the one before it."""

_ONE_AT_A_TIME = threading.BoundedSemaphore(1)


class TooMuch(DataProblem):
    """The range is too long to be judged while somebody waits."""


class Busy(Exception):
    """Another evaluation is under way in this process."""


@dataclass(frozen=True, slots=True)
class EvaluationKey:
    """What to judge, nothing left open: `first` to `last` (sessions), judged up to the session `end`; `published` are
    digests of the versions' published sessions, `data` that of the record up to `end` and of the index's series."""

    market: str
    versions: tuple[str, ...]
    first: date
    last: date
    end: date
    horizons: tuple[int, ...]
    costs: float
    by: str
    published: tuple[str, ...]
    data: str

    def parts(self) -> dict[str, Any]:
        """Name -> value."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def tag(self) -> str:
        """Changes with anything that the answer depends on."""
        return digest([self.parts()])


def evaluation_key(
    market: str,
    versions: Sequence[ScannerVersion],
    *,
    as_of: datetime,
    first: date | None = None,
    last: date | None = None,
    horizons: Sequence[int] = (),
    costs: float = 0.0,
    by: str = "",
) -> EvaluationKey:
    """Raises DataProblem (TooMuch, BeyondRecord, NoRuns, or LakeError where the lake is behind) for what cannot be
    judged. No horizons: those of HORIZONS that the record can judge."""
    held = get_projected_record(market, *[day for day in (first, last) if day])
    held.refuse_empty()
    begin = first or held.block(held.sessions[-1])[0].item()
    asked = held.between(begin, last)
    end = max(held.last_complete_session(as_of), asked[-1].item())
    chosen = tuple(sorted(set(horizons))) or _judgeable(held, asked, end)
    return evaluation_key_until(market, versions, held, asked, end=end, horizons=chosen, costs=costs, by=by)


def evaluation_key_until(
    market: str,
    versions: Sequence[ScannerVersion],
    held: Record,
    asked: Days,
    *,
    end: date,
    horizons: Sequence[int],
    costs: float = 0.0,
    by: str = "",
) -> EvaluationKey:
    """The same where nothing is left open."""
    _refuse_too_much(held, asked, horizons)
    return EvaluationKey(
        market=market,
        versions=tuple(version.slug for version in versions),
        first=asked[0].item(),
        last=asked[-1].item(),
        end=end,
        horizons=tuple(horizons),
        costs=costs,
        by=by,
        published=tuple(_published(market, version, asked) for version in versions),
        data=digest(
            [
                *get_history_digests(held, held.between(end, end)),
                *index_series.get_index(held, asked[-1:], index_series.get_index_name(market)).states,
            ]
        ),
    )


def _judgeable(held: Record, asked: Days, end: date) -> tuple[int, ...]:
    """The usual horizons, without those that no pick can have been held for."""
    block = held.block(asked[0])
    longest = int(((block >= asked[0]) & (block <= np.datetime64(end))).sum())
    found = tuple(horizon for horizon in HORIZONS if horizon < longest)
    if not found:
        raise BeyondRecord(f"Nothing picked on {asked[0]} can be judged: no session follows.")
    return found


def _refuse_too_much(held: Record, asked: Days, horizons: Sequence[int]) -> None:
    widest = int(held.bars[np.isin(held.sessions, asked)].max())
    if (len(asked) + HISTORY + max(horizons, default=0)) * widest > MAX_CELLS:
        most = MAX_CELLS // widest - HISTORY - max(horizons, default=0)
        raise TooMuch(
            f"{len(asked)} sessions of {widest} instruments are too many to judge while somebody waits, {most} are "
            "not: narrow the range with from and to, or run `manage.py evaluate_scans`."
        )


def _published(market: str, version: ScannerVersion, asked: Days) -> str:
    """A digest of what the version has published on the sessions `asked`: a session's row never changes, another
    answer is another row."""
    rows = results.published_sessions(market, version).filter(date__range=(asked[0].item(), asked[-1].item()))
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    if not keys:
        raise no_runs_error(market, version.slug, asked)
    return digest(keys)


def cached_evaluation(asked: EvaluationKey) -> Evaluation:
    """The evaluation of what `evaluation_key` gave; Busy where another one does not end in time."""
    return _kept(**asked.parts())


@cached(
    "published", what="evaluation", version=2, holds=(Evaluation, EvaluationRequest, EvaluationLine, Figures, Interval)
)
def _kept(**fields: Any) -> Evaluation:
    asked = EvaluationKey(**fields)
    with evaluation_lock():
        return evaluate_versions(request_of_key(asked))


def request_of_key(asked: EvaluationKey) -> EvaluationRequest:
    """What is evaluated, as of the moment at which the session `end` closed."""
    return EvaluationRequest(
        market=asked.market,
        as_of=closing_moment(asked.market, asked.end),
        versions=asked.versions,
        first=asked.first,
        last=asked.last,
        horizons=asked.horizons,
        costs=asked.costs,
        by=asked.by,
        intervals=True,
        mend=False,
    )


def closing_moment(market: str, day: date) -> datetime:
    """The moment at which `market` closes on `day`."""
    return get_hours(market).closing(day)


@contextmanager
def evaluation_lock() -> Iterator[None]:
    """Busy where the evaluation under way does not end in time: their arrays are large."""
    if not _ONE_AT_A_TIME.acquire(timeout=PATIENCE):
        raise Busy("Another evaluation is under way here: ask again in a moment.")
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()
