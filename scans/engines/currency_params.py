"""Limits in money, parameters of several engines: each market has its own default. One million dollars a day and two
dollars a share are the round amounts next to KRX's."""

from __future__ import annotations

from typing import Any

from scans.engines.engine_params import param


def money(won: float, dollars: float, help: str) -> Any:
    """A parameter in the market's currency with its default in won (KRX, Upbit) and in dollars (US)."""
    return param(won, least=0, unit="currency", by_market={"us": dollars}, help=help)


def turnover_floor() -> Any:
    """The parameter turnover_min."""
    return money(1e9, 1e6, "Least mean turnover of 20 sessions")


def price_floor() -> Any:
    """The parameter price_min."""
    return money(2000.0, 2.0, "Least raw close")
