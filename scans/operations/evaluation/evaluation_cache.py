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
from marketdata.number_format import count_of
from marketdata.queries import index_series
from marketdata.queries.breaks import get_history_digests
from marketdata.queries.market_calendar import get_hours
from marketdata.queries.records import get_projected_record
from marketdata.record import Days, Record
from scans.evaluation.bootstrap import Interval
from scans.evaluation.comparison import Difference, Overlap
from scans.evaluation.holdings import REVISION
from scans.evaluation.statistics import Excess, Figures
from scans.models import Reading, ScannerVersion
from scans.operations.evaluation.compare import VersionComparison, compare_versions
from scans.operations.evaluation.evaluate import Evaluation, EvaluationLine, evaluate_versions
from scans.operations.evaluation.evidence import (
    HISTORY,
    HORIZONS,
    SEGMENT_INDEXES,
    BeyondRecord,
    EvaluationRequest,
    trading_fee,
)
from scans.operations.evaluation.picks import no_runs_error
from scans.queries import results
from scans.queries.settling import reading_filter

MAX_CELLS = 4_000_000
"""Sessions (with their history and the longest horizon) x instruments: about five years of KRX, half a gigabyte."""
PATIENCE = 10.0
"""Seconds that an evaluation waits for the one before it."""

_ONE_AT_A_TIME = threading.BoundedSemaphore(1)


class TooMuch(DataProblem):
    """The range is too long to be judged in one request."""


class Busy(Exception):
    """Another evaluation is running in this process."""


@dataclass(frozen=True, slots=True)
class EvaluationKey:
    """The complete parameters of an evaluation, and the digests of its inputs: sessions `first` to `last`, judged up to
    the session `end`. `costs`: the share of a round trip, None for the dated table with the `fee` that is set.
    `published`: digests of the versions' published sessions. `data`: digest of the record up to `end` and of the index
    series. `revision` of the evaluation."""

    market: str
    versions: tuple[str, ...]
    first: date
    last: date
    end: date
    horizons: tuple[int, ...]
    costs: float | None
    fee: float
    by: str
    published: tuple[str, ...]
    data: str
    revision: int = REVISION

    def parts(self) -> dict[str, Any]:
        """Field name -> value."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def tag(self) -> str:
        """A digest of the key, which changes with every input of the evaluation."""
        return digest([self.parts()])


def evaluation_key(
    market: str,
    versions: Sequence[ScannerVersion],
    *,
    as_of: datetime,
    first: date | None = None,
    last: date | None = None,
    horizons: Sequence[int] = (),
    costs: float | None = None,
    by: str = "",
) -> EvaluationKey:
    """The key of an evaluation. No horizons: those of HORIZONS that the record can judge. Raises DataProblem: TooMuch,
    BeyondRecord, NoRuns, or LakeError if the lake is behind the record."""
    record = get_projected_record(market, *[day for day in (first, last) if day])
    record.refuse_empty()
    begin = first or record.block(record.sessions[-1])[0].item()
    days = record.between(begin, last)
    end = max(record.last_complete_session(as_of), days[-1].item())
    used_horizons = tuple(sorted(set(horizons))) or _judgeable(record, days, end)
    return evaluation_key_until(market, versions, record, days, end=end, horizons=used_horizons, costs=costs, by=by)


def evaluation_key_until(
    market: str,
    versions: Sequence[ScannerVersion],
    record: Record,
    days: Days,
    *,
    end: date,
    horizons: Sequence[int],
    costs: float | None = None,
    by: str = "",
) -> EvaluationKey:
    """The key of an evaluation with given sessions, end and horizons."""
    _refuse_too_much(record, days, horizons)
    until = record.between(end, end)
    return EvaluationKey(
        market=market,
        versions=tuple(version.slug for version in versions),
        first=days[0].item(),
        last=days[-1].item(),
        end=end,
        horizons=tuple(horizons),
        costs=costs,
        fee=trading_fee(market),
        by=by,
        published=tuple(_published(market, version, days) for version in versions),
        data=digest(
            [
                *index_series.get_index_digests(
                    record,
                    days[-1:],
                    index_series.get_index_name(market),
                    record.digests_with_caps(until, get_history_digests(record, until)),
                ),
                index_series.get_series_state(market, sorted(SEGMENT_INDEXES.values())),
            ]
        ),
    )


def _judgeable(record: Record, days: Days, end: date) -> tuple[int, ...]:
    """The horizons of HORIZONS that are shorter than the record after the first session."""
    block = record.block(days[0])
    longest = int(((block >= days[0]) & (block <= np.datetime64(end))).sum())
    usable = tuple(horizon for horizon in HORIZONS if horizon < longest)
    if not usable:
        raise BeyondRecord(f"Nothing picked on {days[0]} can be judged: no session follows.")
    return usable


def _refuse_too_much(record: Record, days: Days, horizons: Sequence[int]) -> None:
    widest = int(record.bars[np.isin(record.sessions, days)].max())
    if (len(days) + HISTORY + max(horizons, default=0)) * widest > MAX_CELLS:
        most = MAX_CELLS // widest - HISTORY - max(horizons, default=0)
        raise TooMuch(
            f"{count_of(len(days), 'session')} of {count_of(widest, 'instrument')} are too many to judge in one "
            f"request, the most is {most}: narrow the range with from and to, or run `manage.py evaluate_scans`."
        )


def _published(market: str, version: ScannerVersion, days: Days) -> str:
    """A digest of the version's published and settled sessions among `days`, by their keys: their rows never change,
    and a new answer is a new row."""
    rows = results.published_sessions(market, version).filter(reading_filter(Reading.SETTLED))
    rows = rows.filter(date__range=(days[0].item(), days[-1].item()))
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    if not keys:
        raise no_runs_error(market, version.slug, days)
    return digest(keys)


def cached_evaluation(key: EvaluationKey) -> Evaluation:
    """The evaluation of `key`, cached; Busy if another one does not end in time."""
    return _cached_evaluation(**key.parts())


@cached(
    "published",
    what="evaluation",
    version=5,
    holds=(Evaluation, EvaluationRequest, EvaluationLine, Figures, Excess, Interval),
)
def _cached_evaluation(**fields: Any) -> Evaluation:
    key = EvaluationKey(**fields)
    with evaluation_lock():
        return evaluate_versions(request_of_key(key))


def cached_comparison(key: EvaluationKey) -> VersionComparison:
    """The comparison of the two versions of `key`, cached; Busy if an evaluation does not end in time."""
    return _cached_comparison(**key.parts())


@cached(
    "published",
    what="version-comparison",
    version=2,
    holds=(VersionComparison, EvaluationRequest, EvaluationLine, Overlap, Difference, Figures, Excess, Interval),
)
def _cached_comparison(**fields: Any) -> VersionComparison:
    with evaluation_lock():
        return compare_versions(request_of_key(EvaluationKey(**fields)))


def request_of_key(key: EvaluationKey) -> EvaluationRequest:
    """The request of a key, as of the close of the session `end`."""
    return EvaluationRequest(
        market=key.market,
        as_of=closing_moment(key.market, key.end),
        versions=key.versions,
        first=key.first,
        last=key.last,
        horizons=key.horizons,
        costs=key.costs,
        by=key.by,
        mend=False,
    )


def closing_moment(market: str, day: date) -> datetime:
    """The moment at which `market` closes on `day`, in UTC."""
    return get_hours(market).closing(day)


@contextmanager
def evaluation_lock() -> Iterator[None]:
    """Allow one evaluation at a time, since their arrays are large; Busy if the running one does not end in time."""
    if not _ONE_AT_A_TIME.acquire(timeout=PATIENCE):
        raise Busy("Another evaluation is running here: try again in a moment.")
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()
