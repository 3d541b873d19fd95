"""An installation that knows the instruments of an imitated KIS and has no bar of them yet."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from tests.exchanges.kis import KisExchange
from tests.exchanges.kis_market import Instrument as Listed
from tests.exchanges.kis_market import generated_bars
from tests.seismo_site.running import installed, managed, run_in_shell

SESSIONS = (
    "import numpy as np; from marketdata.queries.market_calendar import get_sessions; days = get_sessions('kr'); "
    "print(*days[days <= np.datetime64('{last}')][-250:])"
)


def listed(count: int) -> dict[str, Listed]:
    """So many instruments without bars."""
    return {f"{number:05d}0": Listed(f"종목{number}", []) for number in range(1, count + 1)}


def install(exchange: KisExchange, folder: Path, **servers: str) -> tuple[Path, dict[str, str], date]:
    """The installation's folder, the settings of its source and `servers`, and the first of the 250 sessions, up to the
    latest that is over, of which the exchange has bars from now on."""
    data = installed(folder, **servers)
    env = {
        "KIS_APP_KEY": exchange.keys[0],
        "KIS_APP_SECRET": exchange.keys[1],
        "KIS_HOST": exchange.url,
        "KIS_MASTER_HOST": f"{exchange.url}/common/master",
        "KIS_PER_SECOND": "100000",
        "KIS_TOKEN_SECONDS": "0.01",
        "SEISMO_COLLECT_CHECK": "0",
        **servers,
    }
    managed(data, "sync_instruments", **env)
    last = re.search(r"up to ([0-9-]+)", managed(data, "collect_prices", "--dry-run", **env))
    assert last
    days = [date.fromisoformat(day) for day in run_in_shell(data, SESSIONS.format(last=last[1]), **env).split()]
    for number, one in enumerate(exchange.market.values(), 1):
        one.bars[:] = generated_bars(days, number)
    return data, env, days[0]
