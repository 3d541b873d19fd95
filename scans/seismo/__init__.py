"""Seismo from Python: `import seismo` after `pip install .`; bars, panels, picks, scans, evaluations, sweeps as frames
of pandas, or of polars (`seismo.polars`).

`SEISMO_DATA_DIR` names the data, as for the command line. Each function opens what it needs; nothing is written but the
lake, where it is behind the record, and sweeps.
"""

from scans.seismo import polars
from scans.seismo.frames import bars, evaluate, panel, picks, scan
from scans.seismo.studies import sweep

__all__ = ["bars", "evaluate", "panel", "picks", "polars", "scan", "sweep"]
