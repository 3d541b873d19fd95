"""An imitation of the exchange's Open API: whole sessions by service, published on the next business day at 08:00.

Every value is text. A day without rows, a day not yet published and a closed day answer the same empty list. A service
that is not approved, and a wrong key, answer 401; a wrong path 404.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pyarrow.parquet as pq

from tests import realdata
from tests.exchanges import row_faults
from tests.exchanges.row_faults import ROW_FAULTS, RowFields
from tests.exchanges.server import Exchange, Request, Response

KST = timezone(timedelta(hours=9))
KEY = "KRX-TEST-KEY"
SERVICES = {"KOSPI": "sto/stk_bydd_trd", "KOSDAQ": "sto/ksq_bydd_trd", "KONEX": "sto/knx_bydd_trd"}
BASE_INFO = {"KOSPI": "sto/stk_isu_base_info", "KOSDAQ": "sto/ksq_isu_base_info", "KONEX": "sto/knx_isu_base_info"}
INDEX_PATHS = {"/svc/apis/idx/kospi_dd_trd": "코스피", "/svc/apis/idx/kosdaq_dd_trd": "코스닥"}
INDEX_CLASSES = {"코스피": "KOSPI", "코스닥": "KOSDAQ"}
PUBLISHED = time(8, 0)
REFUSALS = {
    "refusal": (200, "900", "The service is closed for maintenance"),
    "limited": (429, "429", "Too many requests"),
    "busy": (200, "503", "Service temporarily unavailable"),
    "unapproved": (200, "401", "Unauthorized API Call"),
    "gone": (404, "404", "Not Found"),
}
"""Fault -> status, code in the body, message."""
FIELDS = RowFields(
    "BAS_DD", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "TDD_CLSPRC", "ACC_TRDVOL", "ACC_TRDVAL", "CMPPREVDD_PRC"
)

Days = Mapping[date, Mapping[str, Sequence[Mapping[str, str]]]]
"""Session -> segment -> rows."""


def daily_row(
    session: date,
    code: str,
    name: str = "",
    *,
    close: int,
    change: int = 0,
    prices: tuple[int, int, int] | None = None,
    volume: int = 1_000,
    amount: int | None = None,
    shares: int = 1_000_000,
    market: str = "KOSPI",
    department: str = "",
    **other: str,
) -> dict[str, str]:
    """A row with the fifteen fields of the daily services; `prices`: open, high, low."""
    o, h, low = prices or (close, close, close)
    before = close - change
    return {
        "BAS_DD": f"{session:%Y%m%d}",
        "ISU_CD": code,
        "ISU_NM": name or f"종목{code}",
        "MKT_NM": market,
        "SECT_TP_NM": department,
        "TDD_CLSPRC": str(close),
        "CMPPREVDD_PRC": str(change),
        "FLUC_RT": f"{100 * change / before:.2f}" if before else "0.00",
        "TDD_OPNPRC": str(o),
        "TDD_HGPRC": str(h),
        "TDD_LWPRC": str(low),
        "ACC_TRDVOL": str(volume),
        "ACC_TRDVAL": str(volume * close if amount is None else amount),
        "MKTCAP": str(close * shares),
        "LIST_SHRS": str(shares),
    } | other


def base_info_row(row: Mapping[str, str], **other: str) -> dict[str, str]:
    """The issue of a daily row with the twelve fields of the base info services."""
    is_preferred = row["ISU_CD"][-1] != "0"
    return {
        "ISU_CD": f"KR7{row['ISU_CD']}008",
        "ISU_SRT_CD": row["ISU_CD"],
        "ISU_NM": f"{row['ISU_NM']}{'1우선주' if is_preferred else '보통주'}",
        "ISU_ABBRV": row["ISU_NM"],
        "ISU_ENG_NM": f"Issue {row['ISU_CD']}",
        "LIST_DD": "20100104",
        "MKT_TP_NM": row["MKT_NM"],
        "SECUGRP_NM": "주권",
        "SECT_TP_NM": row["SECT_TP_NM"],
        "KIND_STKCERT_TP_NM": "구형우선주" if is_preferred else "보통주",
        "PARVAL": "500",
        "LIST_SHRS": row["LIST_SHRS"],
    } | other


class KrxOpenApi(Exchange):
    """Serves `days`; `approved` are the segments whose service the key may use. At `now` a session is published from
    08:00 of the next weekday on; without it, all are. Faults of its own: those of `row_faults` and `REFUSALS`,
    `other day` and `columns`."""

    def __init__(
        self, days: Days, *, approved: Collection[str] = tuple(SERVICES), now: datetime | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.days = days
        self.approved = set(approved)
        self.now = now
        self.base_info: dict[str, dict[str, str]] = {}  # code -> other cells of its issue
        self.base_info_rows: list[dict[str, str]] = []  # in their place
        self.unapproved: set[str] = set()  # services
        self._draw = random.Random(7)
        self.indices: dict[date, dict[str, tuple[float, float, float, float]]] = {}
        self.other_classes: tuple[str, ...] = ()  # which have indices of the same names at other levels, listed first

    def answer(self, request: Request, fault: str | None) -> Response:
        if request.path.removeprefix("/svc/apis/") in self.unapproved:
            return Response.json({"respMsg": "Unauthorized API Call", "respCode": "401"}, 401)
        if request.path in INDEX_PATHS:
            return self._indices(request)
        services = {f"/svc/apis/{path}": name for names in (SERVICES, BASE_INFO) for name, path in names.items()}
        segment = services.get(request.path)
        if segment is None:
            return Response.json({"respMsg": "Not Found", "respCode": "404"}, 404)
        if request.headers.get("auth_key") != KEY:
            return Response.json({"respMsg": "Unauthorized Key", "respCode": "401"}, 401)
        if segment not in self.approved:
            return Response.json({"respMsg": "Unauthorized API Call", "respCode": "401"}, 401)
        params = json.loads(request.body) if request.method == "POST" else request.params
        day = date.fromisoformat(str(params.get("basDd")))
        rows = self.days.get(day, {}).get(segment, ()) if self._is_published(day) else ()
        if request.path.endswith("_isu_base_info"):
            rows = [base_info_row(row, **self.base_info.get(row["ISU_CD"], {})) for row in rows]
            rows = self.base_info_rows or rows
        if fault in REFUSALS:
            status, code, message = REFUSALS[fault]
            return Response.json({"respMsg": message, "respCode": code}, status)
        return Response.json({"OutBlock_1": self._damaged(rows, fault)})

    def _damaged(self, rows: Sequence[Mapping[str, str]], fault: str | None) -> list[dict[str, str]]:
        """Copies of the rows, as the fault has them."""
        copies = [dict(row) for row in rows]
        if fault in ROW_FAULTS:
            row_faults.apply(copies, fault, FIELDS, self._draw)
        for row in copies:
            if fault == "other day":
                row["BAS_DD"] = "20200102"
            elif fault == "columns":
                row.pop("MKTCAP", None)
        return copies

    def _indices(self, request: Request) -> Response:
        """All indices of a service, those of no price among them."""
        if request.headers.get("auth_key") != KEY:
            return Response.json({"respMsg": "Unauthorized Key", "respCode": "401"}, 401)
        day = date.fromisoformat(str(request.params.get("basDd")))
        index_class = INDEX_CLASSES[INDEX_PATHS[request.path]]
        rows = [
            {"BAS_DD": f"{day:%Y%m%d}", "IDX_CLSS": index_class, "IDX_NM": f"{INDEX_PATHS[request.path]} (외국주포함)"}
            | dict.fromkeys(("CLSPRC_IDX", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX"), "-")
        ]
        for name, (o, h, low, c) in self.indices.get(day, {}).items():
            if name.startswith(INDEX_PATHS[request.path]):
                levels = {"OPNPRC_IDX": o, "HGPRC_IDX": h, "LWPRC_IDX": low, "CLSPRC_IDX": c}
                texts = {column: f"{value:,.2f}" for column, value in levels.items()}
                row = {"BAS_DD": f"{day:%Y%m%d}", "IDX_NM": name}
                other = dict.fromkeys(levels, "1,000.00")
                rows += [row | other | {"IDX_CLSS": other_class} for other_class in self.other_classes]
                rows.append(row | texts | {"IDX_CLSS": index_class})
        return Response.json({"OutBlock_1": rows if len(rows) > 1 and self._is_published(day) else []})

    def _is_published(self, day: date) -> bool:
        if self.now is None:
            return True
        following = day + timedelta(days=1)
        while following.weekday() > 4:
            following += timedelta(days=1)
        return self.now >= datetime.combine(following, PUBLISHED, KST)


def recorded_days() -> dict[date, dict[str, list[dict[str, str]]]]:
    """The recorded lists of 2026 as the API has them, without KONEX; empty where the data is not here."""
    file = realdata.FOLDER / "marcap-2026.parquet"
    days: dict[date, dict[str, list[dict[str, str]]]] = {}
    for row in pq.read_table(file).to_pylist() if file.is_file() else ():
        if row["Market"] == "KONEX":
            continue
        day = row["Date"].date()
        rows = days.setdefault(day, {"KOSPI": [], "KOSDAQ": []})["KOSPI" if row["Market"] == "KOSPI" else "KOSDAQ"]
        rows.append(
            daily_row(
                day,
                row["Code"],
                row["Name"],
                close=int(row["Close"]),
                change=int(row["Changes"]),
                prices=(int(row["Open"]), int(row["High"]), int(row["Low"])),
                volume=int(row["Volume"]),
                amount=int(row["Amount"]),
                shares=int(row["Stocks"]),
                market=row["Market"],
                department=row["Dept"] or "",
            )
        )
    return days
