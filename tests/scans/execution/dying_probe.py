"""An engine whose process ends in the middle. Without Django: the scheduler of a cluster reads it too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from scans.engines.base import Features
from scans.engines.indicators import Measures
from tests.scans.probe import Probe


class DyingProbe(Probe):
    """The probe, which ends the first other process that computes its features."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self.marker, self.home = marker, os.getpid()

    def features(self, measures: Measures, params: Any) -> Features:
        if os.getpid() != self.home and not self.marker.exists():
            self.marker.touch()
            os._exit(1)
        return super().features(measures, params)
