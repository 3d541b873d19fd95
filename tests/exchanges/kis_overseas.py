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
from dataclasses import dataclass, field
from datetime import date
from math import prod
from typing import Any, NamedTuple

from tests.exchanges import row_faults
from tests.exchanges.kis import REFUSALS, KisExchange
from tests.exchanges.row_faults import RowFields
from tests.exchanges.server import Request, Response

PREFIX = "/uapi/overseas-price/v1/quotations/"
TRANSACTIONS = {"dailyprice": "HHDFS76240000", "multprice": "HHDFS76220000"}
FIELDS = RowFields("xymd", "open", "high", "low", "clos", "tvol", "tamt", "diff")
QUOTE_FIELDS = RowFields("", "open", "high", "low", "last", "tvol", "tamt", "base")
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
    """`bars` oldest first, raw; `kind`: 2 stock, 3 fund (`fund` 001: ETF); `splits`: session -> factor (0.5: two for
    one), which the adjusted series has and the raw changes do not."""

    exchange: str
    name: str
    bars: list[UsBar]
    kind: str = "2"
    fund: str = ""
    receipt: str = "N"
    splits: Mapping[date, float] = field(default_factory=dict)

    def adjusted(self, bar: UsBar) -> UsBar:
        """The bar as the adjusted series has it; its volume is as traded."""
        factor = prod(ratio for day, ratio in self.splits.items() if day > bar.session)
        if factor == 1.0:
            return bar
        open_, high, low, close = (round(price * factor, 4) for price in bar[1:5])
        return UsBar(bar.session, open_, high, low, close, bar.volume, bar.base * factor)


class KisOverseasExchange(KisExchange):
    """`listed`: symbol as KIS writes it -> instrument. `today` is the last day that answers have. Faults of its own are
    those of `row_faults`, `short` (a third of the rows is missing, and counted) and `other` (another symbol's)."""

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
        return self._prices(request.params, fault) if name == "dailyprice" else self._many(request.params, fault)

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

    def _prices(self, params: Mapping[str, str], fault: str | None) -> Response:
        instrument = self._known(params["SYMB"], params["EXCD"])
        if params.get("MODP") not in ("0", "1") or params.get("GUBN") != "0":
            return Response.json({"rt_cd": "1", "msg_cd": "OPSQ2001", "msg1": "INPUT"}, 500)
        if instrument is None:
            return _success({"rsym": "", "zdiv": "", "nrec": ""}, [])
        last = date.fromisoformat(params["BYMD"]) if params["BYMD"] else date.max
        bars = [bar for bar in self._recorded(instrument) if bar.session <= last][-100:]
        if params["MODP"] == "1":
            bars = [instrument.adjusted(bar) for bar in bars]
        rows = [_price_row(bar) for bar in reversed(bars)]
        head = {"rsym": f"D{params['EXCD']}{params['SYMB']}", "zdiv": "4", "nrec": str(len(rows))}
        row_faults.apply(rows, fault, FIELDS, self._draw)
        if fault == "emptied":
            head = {"rsym": "", "zdiv": "", "nrec": ""}
        elif fault == "short":
            del rows[len(rows) * 2 // 3 :]
        elif fault == "other":
            head["rsym"] = "DNASOTHER"
        return _success(head, rows)

    def _many(self, params: Mapping[str, str], fault: str | None) -> Response:
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
        row_faults.apply([row for row in rows if row], fault, QUOTE_FIELDS, self._draw)
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
