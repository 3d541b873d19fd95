"""Indicators over one panel, each computed once however many engines ask for it.

Arrays are (T, N) or the last rows of that, as each method says; nothing here modifies the panel.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from marketdata.panel import Panel


class Measures:
    """What kernels make of `panel`, remembered by name and arguments for as long as this object lives."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The value under `key`, computed on the first call."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]
