"""Reads panels from the lake.

1. `footers.survey` reads the footers of a window's partitions: who has bars on which day (`schema.Roster`).
2. `Window.read` reads, for each field, only the months it reaches back to, and of them only the row groups of the
   instruments asked for (`loading`).
3. `flow_files` adds investor flow, where it is asked for.
4. `lives` gives each life of an instrument a column; `adjust` fills, finds factors and suspects, and adjusts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marketdata.breaks import Break
from marketdata.lake import flow_files
from marketdata.lake.assembler import PanelAssembler
from marketdata.lake.footers import Part, Survey
from marketdata.lake.layout import Lake
from marketdata.panel import FLOW_FIELDS, Floats, Panel


@dataclass(frozen=True, slots=True)
class Window:
    """A market over consecutive sessions, ready to be read whole or by instruments; can be sent to a process.

    sessions (T,), `start` the first asked for, carry code -> raw close before the window (of those idle at its
    beginning that have one), `flows` the window's files of investor flow, `breaks` those of its sessions.
    """

    lake: Lake
    market: str
    suspect_move: float | None
    sessions: NDArray[np.datetime64]
    start: int
    survey: Survey
    carry: Mapping[str, float]
    flows: tuple[Part, ...] = ()
    breaks: tuple[Break, ...] = ()

    def read(
        self,
        reach: Mapping[str, int],
        *,
        instruments: slice = slice(None),
        threads: int = 1,
        market_cap: bool = False,
        returns: bool = False,
    ) -> Panel:
        """The panel of the instruments `instruments` (a slice of `survey.codes`). `reach` says for each field how
        many sessions before the first asked for it is needed; a field's array holds those and the asked ones.

        `market_cap` adds that field (from one session before the first asked for; NaN is unknown), `returns` the
        returns of the sessions asked for, C[t] / C[t-1] - 1, from raw closes and factors: exact whatever was loaded.
        """
        codes = self.survey.codes[instruments]
        loading = PanelAssembler(self, codes)
        reach = {name: min(rows, self.start) for name, rows in reach.items()}
        flows = {name: reach.pop(name) for name in FLOW_FIELDS if name in reach}
        tails = {name: rows for name, rows in reach.items() if name not in ("close", "raw_close")}
        if "amount" in tails:
            tails["volume"] = max(tails["amount"], tails.get("volume", 0))
        if market_cap:
            tails["market_cap"] = min(1, self.start)
        loading.read(tails, threads)
        panel = loading.panel(reach, returns=returns)
        return replace(panel, fields={**panel.fields, **self._flows(flows, codes, loading)}) if flows else panel

    def _flows(self, reach: Mapping[str, int], codes: NDArray[np.bytes_], loading: PanelAssembler) -> dict[str, Floats]:
        asked = len(self.sessions) - self.start
        tails = {name: asked + rows for name, rows in reach.items()}
        made = flow_files.read_arrays(self.lake, self.flows, self.sessions, codes, tails)
        if loading.lives is not None:
            made = {name: loading.lives.divided(array) for name, array in made.items()}
        for array in made.values():
            array.flags.writeable = False
        return made

    def suspects(self) -> list[tuple[np.datetime64, str, float, float]]:
        """Every suspicion of the window, ascending: (session, code, raw close before, raw close)."""
        loading = PanelAssembler(self, self.survey.codes)
        loading.read({}, 1)
        return loading.suspects()
