"""Start an imitation exchange by hand:

    python -m tests.exchanges upbit --port 8900 --fault error=0.05 --fault busy=0.01
    python -m tests.exchanges kis --port 8901
    python -m tests.exchanges krx --port 8904

Point a configuration at the printed address; Ctrl-C ends it. KIS serves the recorded KRX data since 2025 where it
lies (SEISMO_SHARED_DATA), else a made-up market; KRX serves the recorded lists
of 2026 to the key KRX-TEST-KEY.
"""

from __future__ import annotations

import argparse
import threading
import time
from datetime import date, datetime

from tests.exchanges.kis import KST, KisExchange
from tests.exchanges.kis_market import small_market
from tests.exchanges.krx import real_market
from tests.exchanges.krx_open_api import KrxOpenApi, recorded_days
from tests.exchanges.server import Exchange, Faults
from tests.exchanges.upbit import BithumbExchange, UpbitExchange, small_book


def build(name: str, port: int, faults: Faults, *, drift: bool = False) -> Exchange:
    if name == "kis":
        market = real_market(since=date(2025, 1, 1)) or small_market()
        today = datetime.now(KST).date()
        return KisExchange(market, faults=faults, port=port, today=today, drift=drift)
    if name == "krx":
        return KrxOpenApi(recorded_days(), faults=faults, port=port)
    kind = UpbitExchange if name == "upbit" else BithumbExchange
    return kind(small_book(time.time()), faults=faults, port=port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("exchange", choices=("kis", "krx", "upbit", "bithumb"))
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=RATE", help="such as error=0.05")
    parser.add_argument(
        "--burst",
        action="append",
        default=[],
        metavar="KIND=N",
        help="hits the first N calls: reset=12",
    )
    parser.add_argument(
        "--gone",
        default="",
        metavar="SECONDS[@CALLS]",
        help="be gone so long after so many calls: 16@5",
    )
    parser.add_argument("--drift", action="store_true", help="KIS: bars of the day move after 16:00")
    chosen = parser.parse_args()
    rates = {kind: float(rate) for kind, _, rate in (one.partition("=") for one in chosen.fault)}
    faults = Faults(rates, seed=int(time.time()))
    for kind, _, number in (one.partition("=") for one in chosen.burst):
        faults.burst(kind, int(number))
    with build(chosen.exchange, chosen.port, faults, drift=chosen.drift) as exchange:
        if chosen.gone:
            seconds, _, calls = chosen.gone.partition("@")
            exchange.die(float(seconds), after=int(calls or 0))
        print(f"{chosen.exchange} is imitated at {exchange.url}", flush=True)
        if isinstance(exchange, KisExchange):
            key, secret = exchange.keys
            print(f"KIS_APP_KEY={key} KIS_APP_SECRET={secret} KIS_HOST={exchange.url}", end=" ")
            print(f"KIS_MASTER_HOST={exchange.url}/common/master", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"{sum(exchange.calls.values())} calls were answered.")


if __name__ == "__main__":
    main()
