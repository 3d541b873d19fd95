"""Imitation of the KIS Open API: tokens, daily bars, many quotes, investor flow, holidays and master files.

Behaves as the real one does: one token a minute per key (403 EGW00133), calls counted per account
over all clients (500 EGW00201 with a body), business errors by body with status 500 or 200, all
values strings, daily bars newest first and 100 at most, the previous close as an unsigned change
with its sign beside it, an unknown code answered with success and nothing, halted bars with zero
prices.
"""

from __future__ import annotations

import io
import random
import time
import zipfile
from bisect import bisect_right
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from tests.exchanges.kis_market import Bar, Instrument, Market
from tests.exchanges.kis_master import master_line
from tests.exchanges.server import Exchange, Request, Response, SlidingLimit

KST = timezone(timedelta(hours=9))
PREFIX = "/uapi/domestic-stock/v1/quotations/"
TRANSACTIONS = {
    "inquire-daily-itemchartprice": "FHKST03010100",
    "intstock-multprice": "FHKST11300006",
    "inquire-investor": "FHKST01010900",
    "chk-holiday": "CTCA0903R",
}
MESSAGES = {
    "EGW00201": "초당 거래건수를 초과하였습니다.",
    "EGW00316": "일시적인 오류입니다.",
    "OPSQ1002": "시스템이 혼잡합니다.",
    "EGW00123": "기간이 만료된 token 입니다.",
    "EGW00121": "유효하지 않은 token 입니다.",
    "EGW00215": "계좌별 원장 조회 제한",
}


REFUSALS = {
    "busy": "EGW00201",
    "transient": "EGW00316",
    "crowded": "OPSQ1002",
    "ledger": "EGW00215",
}
"""Faults that are answered with a code."""
BLANKS = ("", " ", "-", None)
"""How a value is missing; None: the field itself is."""
PRICES = ("oprc", "hgpr", "lwpr", "clpr", "prpr", "acml_vol", "acml_tr_pbmn", "prdy_vrss", "sdpr")
"""Ends of the names of the fields that the fault `spoiled` takes values from."""
AFTER_MARKET_SINCE = date(2026, 9, 14)
AFTER_MARKET = 16 * 60
"""Minutes after midnight in Seoul from when on `drift` moves the bars of the day."""
EXAM_DAY = date(2026, 11, 19)
"""The day of the university entrance exam: everything is an hour later."""


class KisExchange(Exchange):
    """`market` maps codes to instruments; one application key and its secret are valid. `today` is the last day that
    bars and quotes know of (None: whatever the market has); on `paper` there are no quotes and no holidays. With
    `drift` the bars of `today` follow the trades after 16:00, by the exchange's own clock. Besides the faults of the
    transport: `spoiled` takes values from some rows of an answer, drawn by `seed`, `zeros` answers prices of 0 beside a
    volume, `blank` an empty row, and those of `REFUSALS`."""

    def __init__(
        self,
        market: Market,
        *,
        app_key: str = "PSimitationkey",
        app_secret: str = "imitation-secret",  # noqa: S107
        per_second: int = 18,
        token_every: float = 60.0,
        token_seconds: int = 86_400,
        closed: frozenset[date] = frozenset(),
        today: date | None = None,
        paper: bool = False,
        drift: bool = False,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.market = dict(market)
        self.keys = (app_key, app_secret)
        self.limit = SlidingLimit(per_second)
        self._token_every = token_every
        self._token_seconds = token_seconds
        self._token_at = float("-inf")
        self.closed = closed
        self.unsaid: frozenset[date] = frozenset()  # days whose holiday field is blank
        self.today = today
        self.repeats = False  # quotes of a day without a bar repeat the session before, as on a closed day
        self._paper = paper
        self._drift = drift
        self._draw = random.Random(seed)
        self.token = ""
        self.tokens_issued = 0
        self.refused: Counter[str] = Counter()
        self.quoted: list[list[str]] = []  # the codes of each call of quotes

    def restrict(self, per_second: int) -> None:
        """From now on so many calls a second."""
        self.limit = SlidingLimit(per_second)

    def answer(self, request: Request, fault: str | None) -> Response:
        if request.path == "/oauth2/tokenP":
            return self._issue(request)
        if request.path.startswith("/common/master/"):
            return self._master(request.path.rsplit("/", 1)[1])
        name = request.path.removeprefix(PREFIX)
        refusal = self._refusal(request, name, fault)
        if refusal:
            self.refused[refusal] += 1
            # Half of them with status 200, as they are met on the wire.
            status = 200 if sum(self.refused.values()) % 2 else 500
            message = MESSAGES.get(refusal, "오류")
            return Response.json({"rt_cd": "1", "msg_cd": refusal, "msg1": message}, status)
        answers = {
            "inquire-daily-itemchartprice": self._daily,
            "intstock-multprice": self._quotes,
            "inquire-investor": self._investor,
            "chk-holiday": self._holidays,
        }
        return answers[name](request, fault)

    def _refusal(self, request: Request, name: str, fault: str | None) -> str:
        """The code of what is wrong with a call, "" where nothing is."""
        headers = request.headers
        if fault in REFUSALS:
            return REFUSALS[fault]
        if fault == "expired":
            self.token = ""
            return "EGW00123"
        if headers.get("appkey") != self.keys[0]:
            return "EGW00103"
        if headers.get("appsecret") != self.keys[1]:
            return "EGW00105"
        if not self.token or headers.get("authorization") != f"Bearer {self.token}":
            return "EGW00121"
        if self._paper and name in ("intstock-multprice", "chk-holiday"):
            return "OPSQ0002"
        if TRANSACTIONS.get(name) != headers.get("tr_id") or headers.get("custtype") != "P":
            return "OPSQ0002"
        if self.limit.take(time.monotonic()) < 0:
            return "EGW00201"
        return ""

    def _issue(self, request: Request) -> Response:
        import json

        body = json.loads(request.body)
        if (body.get("appkey"), body.get("appsecret")) != self.keys:
            return Response.json({"error_code": "EGW00105", "error_description": "secret"}, 403)
        now = time.monotonic()
        if now < self._token_at + self._token_every:
            return Response.json({"error_code": "EGW00133", "error_description": "1분당 1회"}, 403)
        self._token_at = now
        self.tokens_issued += 1
        self.token = f"imitation-token-{self.tokens_issued}"
        ends = datetime.fromtimestamp(self.clock(), UTC).astimezone(KST)
        ends += timedelta(seconds=self._token_seconds)
        return Response.json(
            {
                "access_token": self.token,
                "token_type": "Bearer",
                "expires_in": self._token_seconds,
                "access_token_token_expired": f"{ends:%Y-%m-%d %H:%M:%S}",
            }
        )

    def _daily(self, request: Request, fault: str | None) -> Response:
        params = request.params
        instrument = self.market.get(params["FID_INPUT_ISCD"])
        if params.get("FID_PERIOD_DIV_CODE") != "D" or params.get("FID_ORG_ADJ_PRC") != "1":
            return Response.json({"rt_cd": "1", "msg_cd": "OPSQ2001", "msg1": "INPUT"}, 500)
        if instrument is None:
            return _success(output1={"hts_kor_isnm": "", "stck_prpr": "0"}, output2=[])
        start, end = (date.fromisoformat(params[f"FID_INPUT_DATE_{n}"]) for n in (1, 2))
        bars = [bar for bar in self._bars(instrument) if start <= bar.session <= end][-100:]
        rows = [_bar_row(bar) for bar in reversed(bars)]
        if fault == "blank" and rows:
            rows[len(rows) // 2] = {}
        self._spoil(rows, fault)
        last = self._last(instrument)
        head = {
            "hts_kor_isnm": instrument.name,
            "stck_prpr": str(last.close if last else 0),
            "lstn_stcn": str(instrument.shares),
            "per": "12.34",
            "eps": "-1234.00",
            "pbr": "",
        }
        return _success(output1=head, output2=rows)

    def _quotes(self, request: Request, fault: str | None) -> Response:
        rows = []
        codes = [request.params.get(f"FID_INPUT_ISCD_{number}", "") for number in range(1, 31)]
        self.quoted.append(list(filter(None, codes)))
        for code in codes:
            instrument = self.market.get(code)
            bar = self._last(instrument) if instrument else None
            if bar is None:
                continue
            if self.repeats and self.today and bar.session != self.today:  # the exchange was closed: the session before
                bar = drifted(bar)
            elif self.today and bar.session != self.today:  # no trade today
                bar = Bar(self.today, 0, 0, 0, bar.close, 0, bar.close)
            rows.append(
                {
                    "inter_shrn_iscd": code,
                    "inter2_prpr": str(bar.close),
                    "inter2_oprc": str(bar.open),
                    "inter2_hgpr": str(bar.high),
                    "inter2_lwpr": str(bar.low),
                    "acml_vol": str(bar.volume),
                    "acml_tr_pbmn": str(bar.close * bar.volume),
                    "inter2_sdpr": str(bar.base),
                }
            )
        self._spoil(rows, fault)
        return _success(output=rows)

    def _spoil(self, rows: list[dict[str, str]], fault: str | None) -> None:
        """Take values from one to three rows, or the whole of one, as the fault has it."""
        if not rows or fault not in ("spoiled", "zeros"):
            return
        for row in self._draw.sample(rows, min(len(rows), self._draw.randint(1, 3))):
            if fault == "zeros":
                for name in row:
                    if name.endswith(("oprc", "hgpr", "lwpr")):
                        row[name] = "0"
                continue
            if self._draw.random() < 0.2:
                row.clear()
                continue
            fields = [name for name in row if name.endswith(PRICES)]
            for name in self._draw.sample(fields, self._draw.randint(1, 3)):
                value = self._draw.choice(BLANKS)
                if value is None:
                    del row[name]
                else:
                    row[name] = value

    def _bars(self, instrument: Instrument) -> list[Bar]:
        if self.today is None:
            return instrument.bars
        bars = instrument.bars[: bisect_right(instrument.bars, self.today, key=lambda bar: bar.session)]
        if self._drift and bars and self._is_after_market(bars[-1].session):
            bars = [*bars[:-1], drifted(bars[-1])]
        return bars

    def _is_after_market(self, session: date) -> bool:
        now = datetime.fromtimestamp(self.clock(), UTC).astimezone(KST)
        if session < AFTER_MARKET_SINCE:
            return False
        begins = AFTER_MARKET + 60 * (session == EXAM_DAY)
        return now.date() == session and now.hour * 60 + now.minute >= begins

    def _last(self, instrument: Instrument) -> Bar | None:
        bars = self._bars(instrument)
        return bars[-1] if bars else None

    def _investor(self, request: Request, fault: str | None) -> Response:
        instrument = self.market.get(request.params["FID_INPUT_ISCD"])
        rows = []
        flows = instrument.flows if instrument else []
        if self.today is not None:
            flows = [flow for flow in flows if flow[0] <= self.today]
        for session, *nets in reversed(flows[-30:]):
            close = next((b.close for b in instrument.bars if b.session == session), 0) if instrument else 0
            row = {"stck_bsop_date": f"{session:%Y%m%d}", "stck_clpr": str(close)}
            for who, net in zip(("prsn", "frgn", "orgn"), nets, strict=True):
                row[f"{who}_ntby_qty"] = "" if net is None else str(net)
                won = "" if net is None else str(round(net * close / 1_000_000))
                row[f"{who}_ntby_tr_pbmn"] = won
            rows.append(row)
        return _success(output=rows)

    def _holidays(self, request: Request, fault: str | None) -> Response:
        first = date.fromisoformat(request.params["BASS_DT"])
        page = int(request.params.get("CTX_AREA_NK") or 0)
        if bool(page) != (request.headers.get("tr_cont") == "N"):
            return Response.json({"rt_cd": "1", "msg_cd": "OPSQ2001", "msg1": "tr_cont"}, 500)
        days = [first + timedelta(days=page * 25 + number) for number in range(25)]
        rows = [
            {
                "bass_dt": f"{day:%Y%m%d}",
                "opnd_yn": "N" if day.weekday() > 4 or day in self.closed else "Y",
            }
            for day in days
        ]
        for row, day in zip(rows, days, strict=True):
            if day in self.unsaid:
                row["opnd_yn"] = ""
        body = {"output": rows, "ctx_area_fk": "x", "ctx_area_nk": str(page + 1)}
        return _success(tr_cont="M" if page < 2 else "D", **body)

    def _master(self, file: str) -> Response:
        segment = {"kospi": "KOSPI", "kosdaq": "KOSDAQ", "konex": "KONEX"}[file.split("_")[0]]
        lines = [master_line(code, each) for code, each in self.market.items() if each.segment == segment]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file.removesuffix(".zip"), "".join(lines).encode("cp949"))
        return Response(200, packed.getvalue(), kind="application/zip")


def drifted(bar: Bar) -> Bar:
    """The bar of a day as its after-market leaves it until the next morning."""
    close = bar.close + max(1, bar.close // 50)
    return bar._replace(close=close, high=max(bar.high, close), volume=bar.volume + 1_000)


def _success(*, tr_cont: str = "", **body: Any) -> Response:
    whole = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."} | body
    return Response.json(whole, tr_cont=tr_cont) if not tr_cont else _paged(whole, tr_cont)


def _paged(body: dict[str, Any], tr_cont: str) -> Response:
    response = Response.json(body)
    response.headers["tr_cont"] = tr_cont
    return response


def _bar_row(bar: Bar) -> dict[str, str]:
    change = bar.close - bar.base
    sign = "2" if change > 0 else "5" if change < 0 else "3"
    return {
        "stck_bsop_date": f"{bar.session:%Y%m%d}",
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "stck_clpr": str(bar.close),
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(bar.close * bar.volume),
        "prdy_vrss": str(abs(change)),
        "prdy_vrss_sign": sign,
        "flng_cls_code": "00",
        "prtt_rate": "0.00",
        "mod_yn": "N",
    }
