"""`seismo.polars`: the functions of `import seismo` as polars frames, where polars is installed. What indexes a pandas
frame is a column here, and NaN is null."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from scans.seismo import frames, studies

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

P = ParamSpec("P")


def _as_polars(function: Callable[P, pd.DataFrame]) -> Callable[P, pl.DataFrame]:
    """`function` with its frame in polars; ImportError where that is not installed."""

    @wraps(function)
    def converted(*args: P.args, **kwargs: P.kwargs) -> pl.DataFrame:
        try:
            import polars as pl
        except ModuleNotFoundError as error:
            raise ImportError("polars is not installed: run `pip install polars`, or use the pandas frames.") from error
        frame = function(*args, **kwargs)
        if frame.index.name or frame.index.nlevels > 1:
            frame = frame.reset_index()
        return pl.from_pandas(frame)

    return converted


bars = _as_polars(frames.bars)
panel = _as_polars(frames.panel)
picks = _as_polars(frames.picks)
scan = _as_polars(frames.scan)
evaluate = _as_polars(frames.evaluate)
sweep = _as_polars(studies.sweep)
