"""Options of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Options of a run. No versions: the market's active one. No first and last: the last complete session as of
    `as_of`. `limits` and `top` override the version's own. `save` False: nothing is published. `pinned`: slug ->
    recorded parameters, in place of the version's present ones. `index`: the series of the regimes (None: the market's
    setting). `mend` False: nothing is written, and a lake that is behind raises LakeError instead of being updated.
    `cached` False: the score cache is not used."""

    market: str
    as_of: datetime
    versions: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    top: int | None = None
    executor: str = "auto"
    workers: int = 0
    save: bool = True
    started_by: str = ""
    request_id: str = ""
    pinned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    index: str | None = None
    mend: bool = True
    cached: bool = True

    @classmethod
    def of_answer(
        cls, market: str, slug: str, day: date, parameters: Mapping[str, Any], index: str | None
    ) -> RunRequest:
        """The request that computes the recorded answer of one version for one session again, without writing."""
        return cls(
            market=market,
            as_of=datetime.min.replace(tzinfo=UTC),  # the session is named
            versions=[slug],
            first=day,
            last=day,
            pinned={slug: parameters},
            index=index,
            mend=False,
        )
