"""Imitation of the overseas part of the KIS Open API: US daily prices, quotes of ten, and the master files.

All values are strings; rows come newest first, 100 at most, up to `BYMD`; the change has no sign of its own. An unknown
symbol, or one asked for on another exchange, is answered with success, an empty list and a blank count.
"""

from __future__ import annotations

import io
import time
import zipfile
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from tests.exchanges.kis import REFUSALS, KisExchange
from tests.exchanges.server import Request, Response

PREFIX = "/uapi/overseas-price/v1/quotations/"
TRANSACTIONS = {"dailyprice": "HHDFS76240000", "multprice": "HHDFS76220000"}
FILES = {"nasmst.cod.zip": "NAS", "nysmst.cod.zip": "NYS", "amsmst.cod.zip": "AMS"}


class UsBar(NamedTuple):
    """Prices in dollars."""

    session: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    base: float


@dataclass
class UsInstrument:
    """`bars` oldest first; `kind`: 2 stock, 3 fund (`fund` 001: ETF)."""

    exchange: str
    name: str
    bars: list[UsBar]
    kind: str = "2"
    fund: str = ""
    receipt: str = "N"


class KisOverseasExchange(KisExchange):
    """`listed`: symbol as KIS writes it -> instrument. `today` is the last day that answers know of."""

    def __init__(self, listed: Mapping[str, UsInstrument], **options: Any) -> None:
        super().__init__({}, **options)
        self.listed = dict(listed)

    def answer(self, request: Request, fault: str | None) -> Response:
        file = request.path.rsplit("/", 1)[-1]
        if file in FILES:
            return self._list_of(FILES[file])
        if not request.path.startswith(PREFIX):
            return super().answer(request, fault)
        name = request.path.removeprefix(PREFIX)
        refusal = self._overseas_refusal(request, name, fault)
        if refusal:
            return Response.json({"rt_cd": "1", "msg_cd": refusal, "msg1": "refused"}, 500)
        return self._prices(request.params) if name == "dailyprice" else self._many(request.params)

    def _overseas_refusal(self, request: Request, name: str, fault: str | None) -> str:
        if fault in REFUSALS:
            return REFUSALS[fault]
        if not self.token or request.headers.get("authorization") != f"Bearer {self.token}":
            return "EGW00121"
        if TRANSACTIONS.get(name) != request.headers.get("tr_id"):
            return "OPSQ0002"
        return "EGW00201" if self.limit.take(time.monotonic()) < 0 else ""

    def _known(self, symbol: str, exchange: str) -> UsInstrument | None:
        instrument = self.listed.get(symbol)
        return instrument if instrument and instrument.exchange == exchange else None

    def _recorded(self, instrument: UsInstrument) -> list[UsBar]:
        if self.today is None:
            return instrument.bars
        return instrument.bars[: bisect_right(instrument.bars, self.today, key=lambda bar: bar.session)]

    def _prices(self, params: Mapping[str, str]) -> Response:
        instrument = self._known(params["SYMB"], params["EXCD"])
        if params.get("MODP") != "0" or params.get("GUBN") != "0":
            return Response.json({"rt_cd": "1", "msg_cd": "OPSQ2001", "msg1": "INPUT"}, 500)
        if instrument is None:
            return _success({"rsym": "", "zdiv": "", "nrec": ""}, [])
        last = date.fromisoformat(params["BYMD"]) if params["BYMD"] else date.max
        bars = [bar for bar in self._recorded(instrument) if bar.session <= last][-100:]
        rows = [_price_row(bar) for bar in reversed(bars)]
        return _success({"rsym": f"D{params['EXCD']}{params['SYMB']}", "zdiv": "4", "nrec": str(len(rows))}, rows)

    def _many(self, params: Mapping[str, str]) -> Response:
        rows: list[dict[str, str]] = []
        for number in range(1, 11):
            symbol, exchange = params.get(f"SYMB_{number:02d}", ""), params.get(f"EXCD_{number:02d}", "")
            instrument = self._known(symbol, exchange)
            bars = self._recorded(instrument) if instrument else []
            if not bars:
                rows.append({})
                continue
            bar = bars[-1]
            rows.append(
                {
                    "rsym": f"D{exchange}{symbol}",
                    "excd": exchange,
                    "symb": symbol,
                    "base": f"{bar.base:.4f}",
                    "last": f"{bar.close:.4f}",
                    "open": f"{bar.open:.4f}",
                    "high": f"{bar.high:.4f}",
                    "low": f"{bar.low:.4f}",
                    "tvol": str(bar.volume),
                    "tamt": str(round(bar.close * bar.volume)),
                }
            )
        return _success({"nrec": params.get("NREC", "")}, rows)

    def _list_of(self, exchange: str) -> Response:
        lines = [
            "\t".join(_list_cells(symbol, instrument))
            for symbol, instrument in self.listed.items()
            if instrument.exchange == exchange
        ]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{exchange}MST.COD", "\r\n".join(lines).encode("cp949"))
        return Response(200, packed.getvalue(), kind="application/zip")


def _list_cells(symbol: str, instrument: UsInstrument) -> list[str]:
    last = instrument.bars[-1].close if instrument.bars else 0.0
    return [
        *("US", "22", instrument.exchange, "나스닥", symbol, f"{instrument.exchange}{symbol}"),
        *(instrument.name, instrument.name.upper(), instrument.kind, "USD", "4", "1", f"{last:.4f}"),
        *("1", "1", "0930", "1600", instrument.receipt, "", "370", "0", "1", instrument.fund, ""),
    ]


def _price_row(bar: UsBar) -> dict[str, str]:
    change = round(bar.close - bar.base, 4)
    return {
        "xymd": f"{bar.session:%Y%m%d}",
        "clos": f"{bar.close:.4f}",
        "sign": "2" if change > 0 else "5" if change < 0 else "3",
        "diff": f"{abs(change):.4f}",
        "rate": f" {100 * change / bar.base:+.2f}",
        "open": f"{bar.open:.4f}",
        "high": f"{bar.high:.4f}",
        "low": f"{bar.low:.4f}",
        "tvol": str(bar.volume),
        "tamt": str(round(bar.close * bar.volume)),
    }


def _success(head: dict[str, str], rows: list[dict[str, str]]) -> Response:
    return Response.json({"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리", "output1": head, "output2": rows})
