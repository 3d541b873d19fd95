"""The plan of a read: which sessions, files and closes a panel is assembled from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.breaks import Break
from marketdata.carried_caps import NO_CAPS, CapState
from marketdata.lake.footers import Part, Survey
from marketdata.lake.forming import FormingBars
from marketdata.lake.layout import Lake


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """A market over consecutive sessions (T,): `start` the first requested one, `survey` the footers of its files,
    `carry` code -> raw close before the window (of instruments idle at its beginning that have one), `flows` the
    window's files of investor flow, `breaks` those of its sessions; `caps` the carried caps before its row `caps_row`,
    from which on they can be read (None: from any row, with none before); `forming`: the bars of the last session where
    it still trades, in place of the lake's."""

    lake: Lake
    market: str
    suspect_move: float | None
    sessions: NDArray[np.datetime64]
    start: int
    survey: Survey
    carry: Mapping[str, float]
    flows: tuple[Part, ...] = ()
    breaks: tuple[Break, ...] = ()
    caps: CapState = NO_CAPS
    caps_row: int | None = None
    forming: FormingBars | None = None
