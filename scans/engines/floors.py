"""What an instrument must at least turn over and cost, a parameter of several engines: amounts of money, so that each
market has its own default. One million dollars a day and two dollars a share are the round amounts next to KRX's."""

from __future__ import annotations

from typing import Any

from scans.engines.params import param


def turnover_floor() -> Any:
    """The parameter turnover_min."""
    return param(
        1e9,
        least=0,
        unit="currency",
        elsewhere={"us": 1e6},
        help="Least mean turnover of 20 sessions",
    )


def price_floor() -> Any:
    """The parameter price_min."""
    return param(2000.0, least=0, unit="currency", elsewhere={"us": 2.0}, help="Least raw close")
