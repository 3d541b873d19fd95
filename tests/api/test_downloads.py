"""Every list as CSV, Parquet and Excel: the same rows, typed, safe to open, whole or refused."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from django.test import Client
from python_calamine import CalamineWorkbook

from marketdata.models import Instrument
from marketdata.web.api import responses, views
from scans.models import Mark, ScanRank
from scans.operations import signals
from tests.api.conftest import Get
from tests.scans.conftest import AS_OF

PATHS = (
    "kr/stocks", "kr/scans", "kr/scans/dates", "kr/scans/latest", "kr/scans/changes",
    "kr/scans/compare?versions=rises,rises-10", "kr/stocks/005930/scans", "kr/signals", "kr/marks", "versions",
)  # fmt: skip


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def lines(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(response).decode("utf-8-sig"), newline="")))


def sheet(response: Any) -> list[list[Any]]:
    """The cells of a workbook, read by another library."""
    return CalamineWorkbook.from_filelike(io.BytesIO(body(response))).get_sheet_by_index(0).to_python()


def table(response: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(body(response)))


@pytest.fixture
def lists(scanned: Any, get: Get, user: User) -> Any:
    Mark.objects.create(user=user, market="kr", code="005930", tag="buy", note="half now", updated_at=AS_OF)
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    return scanned


@pytest.mark.parametrize("path", PATHS)
def test_the_three_forms_agree(lists: Any, client: Client, path: str) -> None:
    sign = "&" if "?" in path else "?"
    limit = "" if "ch" in path or "compare" in path else "&limit=500"
    body = client.get(f"/api/{path}{sign}format=json{limit}").json()
    text = lines(client.get(f"/api/{path}{sign}format=csv"))
    typed = table(client.get(f"/api/{path}{sign}format=parquet"))
    rows = body
    if isinstance(body, dict):
        rows = next((body[name] for name in ("results", "rows") if name in body), None)
    if rows is None:
        rows = [*body["entered"], *body["left"], *body["moved"]]
    assert len(rows) == len(text) == typed.num_rows > 0
    assert list(text[0]) == typed.column_names
    head, *cells = sheet(client.get(f"/api/{path}{sign}format=xlsx"))
    assert head == typed.column_names
    assert len(cells) == len(rows)
    for name in set(typed.column_names) & rows[0].keys():
        values = typed.column(name).to_pylist()
        for value, cell in zip(values, cells, strict=True):
            assert_workbook_cell(cell[head.index(name)], value)
        for row, line, value in zip(rows, text, values, strict=True):
            assert_json_and_csv(row.get(name), line[name], value)


def assert_workbook_cell(shown: object, value: object) -> None:
    if isinstance(value, bool | int | float | date) and not isinstance(value, datetime):
        assert (shown, type(shown) is bool) == (value, type(value) is bool)
    elif value is None or value == "":
        assert shown == ""
    elif isinstance(value, str):
        assert shown == value


def assert_json_and_csv(member: object, text: str, value: object) -> None:
    if isinstance(value, float):
        assert member == value == float(text)
    elif isinstance(value, int | str) and not isinstance(value, bool):
        assert str(member) == str(value) == text or isinstance(member, dict)
    elif value is None:
        assert (member, text) == (None, "")


def test_types(lists: Any, client: Client, sessions: list[date]) -> None:
    scan = table(client.get("/api/kr/scans/latest?format=parquet"))
    kinds = {field.name: field.type for field in scan.schema}
    assert kinds["date"] == pa.date32()
    assert kinds["code"] == kinds["scanner_version"] == pa.string()
    assert kinds["rank"] == kinds["holding_max"] == pa.int64()
    assert kinds["change_pct"] == kinds["target"] == kinds["entry"] == pa.float64()
    assert kinds["signals"].value_type == pa.string()
    assert kinds["components"].item_type == pa.float64()
    one = scan.to_pylist()[0]
    rank = ScanRank.objects.filter(date=sessions[30], scanner_version__slug="rises", rank=1).get()
    assert (one["date"], one["code"], one["signals"]) == (sessions[30], rank.code, ["rise"])
    assert one["change_pct"] == rank.change_pct  # percent stays percent
    assert dict(one["components"]) == rank.components
    runs = table(client.get("/api/kr/scans?format=parquet"))
    assert runs.schema.field("started_at").type == pa.timestamp("us", "UTC")
    assert runs.to_pylist()[0]["started_at"] == AS_OF
    versions = table(client.get("/api/versions?format=parquet"))
    assert versions.schema.field("enabled").type == pa.bool_()


def test_no_cell_is_a_formula(market: Any, client: Client, get: Get) -> None:
    bad = ["=1+1", "+1", "-1", "@A1", "\t=1", "＝1", "=HYPERLINK(\"x\")", "plain", 'a "b", c\nd']  # fmt: skip
    codes = list(Instrument.objects.order_by("code").values_list("code", flat=True))
    for code, name in zip(codes, bad, strict=False):
        Instrument.objects.filter(code=code).update(name=name)
    Instrument.objects.create(market="kr", code="zz", name=bad[-1])
    get("versions")
    result = lines(client.get("/api/kr/stocks?format=csv"))
    assert [row["name"] for row in result[:6]] == [f"'{name}" for name in bad[:6]]
    assert result[-1]["name"] == bad[-1]
    raw = table(client.get("/api/kr/stocks?format=parquet"))
    assert raw.column("name").to_pylist()[:6] == bad[:6]


def test_a_byte_order_mark_is_for_people(lists: Any, client: Client) -> None:
    plain = body(client.get("/api/kr/signals?format=csv&encoding=utf-8"))
    assert not plain.startswith(b"\xef\xbb\xbf")
    for query in ("", "&encoding=utf-8-sig"):
        assert body(client.get(f"/api/kr/signals?format=csv{query}")) == b"\xef\xbb\xbf" + plain
    refused = client.get("/api/kr/signals?format=csv&encoding=cp949")
    assert (refused.status_code, refused.json()["known"]) == (400, ["utf-8-sig", "utf-8"])
    for one in ("/api/kr/signals?encoding=utf-8", "/api/kr/signals?encoding=utf-8&format=json"):
        assert client.get(one).headers["Content-Type"] == "application/json"


def test_codes_and_names_are_text_in_a_workbook(market: Any, client: Client, get: Get) -> None:
    codes = list(Instrument.objects.order_by("code").values_list("code", flat=True))
    bad = ["=1+1", "-1", "@A1", "https://example.org/", "12.5", "{=A1}"]
    for code, name in zip(codes, bad, strict=False):
        Instrument.objects.filter(code=code).update(name=name)
    get("versions")
    head, *rows = sheet(client.get("/api/kr/stocks?format=xlsx&fields=code,name"))
    assert head == ["code", "name"]
    assert rows[: len(bad)] == [[code, name] for code, name in zip(codes, bad, strict=False)]


def test_format_comes_from_query_or_accept_header(lists: Any, client: Client) -> None:
    def kind(accept: str, query: str = "") -> str:
        response = client.get(f"/api/kr/signals{query}", headers={"Accept": accept})
        return f"{response.status_code} {response.headers['Content-Type'].partition(';')[0]}"

    assert kind("text/csv") == "200 text/csv"
    assert kind("application/vnd.apache.parquet") == "200 application/vnd.apache.parquet"
    assert kind("text/csv;q=0.5, application/json") == "200 application/json"
    assert kind("*/*") == "200 application/json"
    assert kind("text/html") == "406 application/problem+json"
    assert kind("text/csv", "?format=json") == "200 application/json"
    assert kind("text/csv", "?status=won") == "400 application/problem+json"
    refused = client.get("/api/kr/signals?format=xml")
    assert (refused.status_code, refused.json()["known"]) == (
        400,
        ["json", "csv", "parquet", "xlsx"],
    )
    assert client.get("/api/kr/stocks/005930?format=csv").json()["code"] == "unknown_parameter"


def test_whole_a_page_or_refused(lists: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    every = lines(client.get("/api/kr/signals?format=csv&ordering=code"))
    assert len(every) > 20
    two = lines(client.get("/api/kr/signals?format=csv&ordering=code&limit=2"))
    assert two == every[:2]
    some = lines(client.get(f"/api/kr/signals?format=csv&code={every[0]['code']}&fields=code,plan"))
    plan = ["entry", "target", "stop", "holding_min", "holding_max"]
    orders = ["order_entry", "order_target", "order_stop"]
    assert list(some[0]) == ["code", *plan, *orders, "tick"]
    assert {row["code"] for row in some} == {every[0]["code"]}
    monkeypatch.setattr(views, "MOST_ROWS", len(every))
    assert len(lines(client.get("/api/kr/signals?format=csv"))) == len(every)
    monkeypatch.setattr(views, "MOST_ROWS", len(every) - 1)
    refused = client.get("/api/kr/signals?format=csv")
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_rows")


def test_the_file_is_named_safely(lists: Any, client: Client, sessions: list[date]) -> None:
    def name(path: str) -> str:
        header = client.get(f"/api/{path}").headers["Content-Disposition"]
        assert header.startswith('attachment; filename="')
        return header.partition('"')[2].removesuffix('"')

    assert name("kr/scans/latest?format=csv") == f"kr-rises-{sessions[30]}.csv"
    assert name("kr/signals?format=parquet") == "kr-signals.parquet"
    assert responses.file_name('../"x;\r\n한/scans') == "x-scans"
    assert responses.file_name("한국") == "seismo"
    assert len(responses.file_name("a" * 500)) == 100


def test_a_download_is_not_sent_again(lists: Any, client: Client) -> None:
    for form in ("csv", "parquet", "xlsx"):
        first = client.get(f"/api/kr/signals?format={form}")
        body(first)
        again = client.get(f"/api/kr/signals?format={form}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = client.get(
            "/api/kr/signals?format=csv&status=open",
            headers={"If-None-Match": first.headers["ETag"]},
        )
        assert other.status_code == 200
