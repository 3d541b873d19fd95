"""The index that regimes depend on: one of the market's own two series, or an external one where it is chosen.

From an external series `m[t]` is close / close of the session before - 1 and `range[t]` (high - low) / close, over
every session of the calendar. Where the series lacks a session both are unknown, and so is `m` on the next one: regimes
start anew there. A series that ends before the requested sessions is refused, since every regime would silently be
neutral from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from caching.memo import Memo
from marketdata import calendars, market_index
from marketdata.errors import DataProblem, LakeError
from marketdata.lake import digest, index_file
from marketdata.markets import OWN_CAP, OWN_EQUAL, OWN_INDEX, OWN_NAMES, get_market
from marketdata.models import IndexBar, IndexChoice
from marketdata.nearest_name import did_you_mean
from marketdata.panel import Floats
from marketdata.queries.records import get_lake, get_record
from marketdata.queries.window import open_block_window
from marketdata.record import Days, Record

REVISION = index_file.REVISION


@dataclass(frozen=True, slots=True)
class Index:
    """sessions (S,), m (S,) and range (S,), fractions, NaN where unknown. `states`: for each requested session a digest
    of the series up to it; none of own-equal, which follows from the bars."""

    name: str
    sessions: Days
    m: Floats
    range: Floats
    states: tuple[str, ...] = ()

    def digests(self, chain: Sequence[str]) -> list[str]:
        """For each requested session the digest of the data up to it (`chain`), of the definition of the index, and of
        the series."""
        definition = f"{self.name or OWN_EQUAL} {REVISION}".encode()
        states = self.states or [""] * len(chain)
        return [
            digest.text([bars.encode(), definition, state.encode()]) for bars, state in zip(chain, states, strict=True)
        ]


def get_index_digests(record: Record, sessions: Days, name: str, chain: Sequence[str]) -> list[str]:
    """`Index.digests` of the index called `name`; the market's own are not read for it."""
    if name in OWN_NAMES:
        unread = np.empty(0)
        return Index(name, sessions[:0], unread, unread, _cap_states(record, sessions, name)).digests(chain)
    return get_index(record, sessions, name).digests(chain)


def get_index_name(market: str) -> str:
    """The name of the series chosen for the regimes of `market`, `OWN_INDEX` where none is."""
    family = get_market(market).family
    rows = dict(IndexChoice.objects.filter(market__in=family).values_list("market", "name"))
    return next((rows[name] for name in reversed(family) if name in rows), OWN_INDEX)


def get_own_index(record: Record, name: str = OWN_INDEX) -> tuple[Days, Floats, Floats]:
    """The market's own index `name` of `OWN_NAMES`: sessions (S,), m (S,) and range (S,), fractions; NaN where unknown.
    Of a record with a forming session it ends with that. LakeError where it is behind the lake."""
    file = index_file.read(get_lake(), record.market.name)
    with_bars = record.sessions[record.bars > 0]
    if record.forming is not None:
        file = _with_forming(record, record.forming.session, file)
    if file.partitions != record.part_digests or not np.array_equal(file.sessions, with_bars):
        raise LakeError(f"The index of market {record.market.name} is behind its lake: run `manage.py project_lake`.")
    return file.sessions, *_own_values(file, name)


def _with_forming(record: Record, session: np.datetime64, file: index_file.IndexFile) -> index_file.IndexFile:
    """The sessions of the index file before `session`, which is forming, and its values from the bars so far."""
    sessions = np.array([session])
    look_back = market_index.INDEX_LOOK_BACK
    window = open_block_window(record, record.block(session), sessions, look_back=look_back, caps=1)
    values = market_index.compute_index(market_index.read_panel(window))
    before = file.sessions < session
    return replace(
        file,
        sessions=np.append(file.sessions[before], sessions),
        values=np.concatenate([file.values[:, before], values], axis=1),
    )


def _own_values(file: index_file.IndexFile, name: str) -> tuple[Floats, Floats]:
    """m and range of the own series `name`."""
    m, spread = file.values[2:] if name == OWN_CAP else file.values[:2]
    return m, spread


def get_series(market: str, name: str) -> tuple[Days, NDArray[np.float64]]:
    """The series' sessions (B,) ascending with its high, low and close, (3, B); DataProblem where there is none."""
    for owner in reversed(get_market(market).family):
        bars = IndexBar.objects.filter(market=owner, name=name).order_by("date")
        rows = list(bars.values_list("date", "high", "low", "close"))
        if rows:
            days = calendars.to_days([row[0] for row in rows])
            return days, np.array([row[1:] for row in rows]).T
    names = IndexBar.objects.filter(market__in=get_market(market).family).values_list("name", flat=True)
    raise DataProblem(
        f"Market {market} has no index series {name!r}: import it with `manage.py import_index FILE --market {market} "
        f"--name {name}`, or choose another in the admin.{did_you_mean(name, names)}"
    )


def get_index(record: Record, sessions: Days, name: str) -> Index:
    """The index called `name` for `sessions`. LakeError where the market's own is behind the lake, DataProblem where
    the series is missing or ends too early."""
    if name in OWN_NAMES:
        return Index(name, *get_own_index(record, name), _cap_states(record, sessions, name))
    days, values = get_series(record.market.name, name)
    if sessions[-1] > days[-1]:
        raise DataProblem(
            f"The index {name}, chosen for market {record.market.name}, ends on {days[-1]}, before {sessions[-1]}: "
            "import its newer bars with `manage.py import_index`, or choose own-equal in the admin."
        )
    first = min([days[0], *record.sessions[:1]])  # the lake may have none yet
    axis = record.calendar[(record.calendar >= first) & (record.calendar <= days[-1])]
    inside = np.isin(days, axis)
    days, values = days[inside], values[:, inside]
    high, low, close = np.full((3, len(axis)), np.nan)
    at = np.searchsorted(axis, days)
    high[at], low[at], close[at] = values
    m = np.full(len(axis), np.nan)
    m[1:] = close[1:] / close[:-1] - 1
    return Index(name, axis, m, (high - low) / close, _states(name, days, values, sessions))


def _states(name: str, days: Days, values: NDArray[np.float64], sessions: Days) -> tuple[str, ...]:
    """For each of `sessions` a digest of the series' bars up to it, in hex."""
    rows = np.column_stack([days.astype(np.int64).view(np.float64), *values])
    state = hashlib.blake2b(name.encode(), digest_size=16)
    digests, done = [], 0
    for end in np.searchsorted(days, sessions, side="right").tolist():
        state.update(np.ascontiguousarray(rows[done:end]).tobytes())
        digests.append(state.copy().hexdigest())
        done = end
    return tuple(digests)


def _cap_states(record: Record, sessions: Days, name: str) -> tuple[str, ...]:
    """Own-cap follows from the bars and the market caps."""
    return tuple(record.digests_with_caps(sessions, [name] * len(sessions))) if name == OWN_CAP else ()


def get_levels(market: str, name: str, sessions: Days) -> Floats | None:
    """Open and close of the external series on `sessions`, (2, T); None unless it has all of them."""
    for owner in reversed(get_market(market).family):
        bars = IndexBar.objects.filter(market=owner, name=name, date__range=(sessions[0].item(), sessions[-1].item()))
        rows = {day: levels for day, *levels in bars.values_list("date", "open", "close")}
        if all(day in rows for day in sessions.tolist()):
            return np.array([rows[day] for day in sessions.tolist()]).T
    return None


def get_series_state(market: str, names: Sequence[str]) -> str:
    """A digest of the external series `names` of `market`, which changes with every import."""
    bars = IndexBar.objects.filter(market__in=get_market(market).family, name__in=names)
    return str(bars.aggregate(rows=Count("pk"), latest=Max("updated_at")))


OWN_FILES: Memo[Index] = Memo()


def get_index_for_display(market: str, name: str, last: date) -> Index:
    """The index called `name`, up to `last` at least, to explain a recorded answer with. LakeError where the market's
    own has no readable file, DataProblem where the series is missing or ends too early.

    The market's own is read from its file in the lake, even where that is behind the record: without a query, and
    cached in this process as long as the file is the same. An external series is read anew.
    """
    if name not in OWN_NAMES:
        return get_index(get_record(market), calendars.to_days([last]), name)
    lake = get_lake()
    return OWN_FILES.get((lake.root, market, name), lake.state(lake.index(market)), lambda: _own(market, name))


def _own(market: str, name: str) -> Index:
    file = index_file.read(get_lake(), market)
    if not len(file.sessions):
        raise LakeError(f"The index of market {market} has no readable file: run `manage.py project_lake`.")
    return Index(name, file.sessions, *_own_values(file, name))
