"""Reads panels from the lake.

1. `footers.survey` reads the footers of a window's partitions: which instruments have bars on which day
   (`schema.Roster`).
2. `Window.read` reads, for each field, only the months it needs, and of them only the row groups of the requested
   instruments (`assembler`).
3. `flow_files` adds investor flow, where it is requested.
4. `lives` gives each life of an instrument a column; `adjust` fills, finds factors and suspects, and adjusts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marketdata.lake import flow_files
from marketdata.lake.assembler import PanelAssembler
from marketdata.lake.window_plan import WindowPlan
from marketdata.panel import FLOW_FIELDS, Floats, Panel

Suspicion = tuple[np.datetime64, str, float, float]


@dataclass(frozen=True, slots=True)
class Window(WindowPlan):
    """A plan that panels can be read from, whole or by instruments; can be sent to a process."""

    def read(
        self, reach: Mapping[str, int], *, instruments: slice = slice(None), threads: int = 1, returns: bool = False
    ) -> Panel:
        """The panel of the instruments `instruments` (a slice of `survey.codes`). `reach`: field ->
        how many sessions before the first requested one it is needed; its array has those and the requested ones.

        `market_cap` is the carried cap; `returns` adds the returns of the requested sessions, C[t] / C[t-1] - 1, from
        raw closes and factors: exact whatever was loaded.
        """
        codes = self.survey.codes[instruments]
        reach = {name: min(rows, self.start) for name, rows in reach.items()}
        flows = {name: reach.pop(name) for name in FLOW_FIELDS if name in reach}
        assembler = self._assembler(reach, codes, threads)
        panel = assembler.panel(reach, returns=returns)
        return replace(panel, fields={**panel.fields, **self._flows(flows, codes, assembler)}) if flows else panel

    def read_with_suspicions(self, reach: Mapping[str, int], *, threads: int = 1) -> tuple[Panel, list[Suspicion]]:
        """The panel of all instruments as `read` gives it, without investor flow, and the suspicions of the window."""
        reach = {name: min(rows, self.start) for name, rows in reach.items()}
        assembler = self._assembler(reach, self.survey.codes, threads)
        suspicions = assembler.suspects()  # the panel adjusts the closes
        return assembler.panel(reach, returns=False), suspicions

    def _assembler(self, reach: Mapping[str, int], codes: NDArray[np.bytes_], threads: int) -> PanelAssembler:
        """The arrays of the fields `reach`, read."""
        assembler = PanelAssembler(self, codes)
        tails = {name: rows for name, rows in reach.items() if name not in ("close", "raw_close")}
        if "amount" in tails:
            tails["volume"] = max(tails["amount"], tails.get("volume", 0))
        if "market_cap" in tails and self.caps_row is not None:
            if self.start - tails["market_cap"] < self.caps_row:
                raise ValueError("the window was opened for fewer sessions of market_cap")
            tails["market_cap"] = self.start - self.caps_row
        assembler.read(tails, threads)
        return assembler

    def _flows(
        self, reach: Mapping[str, int], codes: NDArray[np.bytes_], assembler: PanelAssembler
    ) -> dict[str, Floats]:
        requested = len(self.sessions) - self.start
        tails = {name: requested + rows for name, rows in reach.items()}
        fields = flow_files.read_arrays(self.lake, self.flows, self.sessions, codes, tails)
        if assembler.lives is not None:
            fields = {name: assembler.lives.divided(array) for name, array in fields.items()}
        for array in fields.values():
            array.flags.writeable = False
        return fields

    def suspects(self) -> list[Suspicion]:
        """The suspicions of the window, ascending: (session, code, raw close before, raw close)."""
        assembler = PanelAssembler(self, self.survey.codes)
        assembler.read({}, 1)
        return assembler.suspects()
