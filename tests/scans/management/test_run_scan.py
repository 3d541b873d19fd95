"""The command line of the scanner: what it prints, and one sentence for whatever is wrong."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from python_calamine import CalamineWorkbook

from marketdata.models import Instrument
from scans.models import ScanRun
from tests.scans.conftest import Importer
from tests.scans.probe import Probe
from tests.seismo_site.running import installed, manage


def run_scan(*arguments: str) -> str:
    out = io.StringIO()
    call_command("run_scan", *arguments, stdout=out)
    return out.getvalue()


def test_json_is_one_line_for_each_version_and_session(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    text = run_scan(
        "--version=rises",
        "--version=rises-10",
        f"--from={sessions[-3]}",
        f"--to={sessions[-1]}",
        "--format=json",
    )
    lines = [json.loads(line) for line in text.splitlines()]
    expected = [(version, day.isoformat()) for version in ("rises", "rises-10") for day in sessions[-3:]]
    assert [(line["scanner_version"], line["date"]) for line in lines] == expected
    for line in lines:
        assert line["market"] == "kr"
        assert line["status"] == ("published" if line["ranks"] else "no_match")
        assert {"reason", "regime", "universe", "scored", "matched", "input_digest"} <= set(line)
        assert [rank["rank"] for rank in line["ranks"]] == list(range(1, len(line["ranks"]) + 1))
        for rank in line["ranks"]:
            assert {"code", "name", "score", "strategy", "label", "signals", "components"} <= set(rank)


def test_table_csv_and_parquet_tell_the_same(market: pd.DataFrame, probe: Probe, tmp_path: Path) -> None:
    ranks = json.loads(run_scan("--format=json"))["ranks"]
    codes = [rank["code"] for rank in ranks]
    rows = list(csv.DictReader(io.StringIO(run_scan("--format=csv"))))
    assert [row["code"] for row in rows] == codes
    run_scan("--format=parquet", f"--output={tmp_path}/ranks.parquet")
    table = pq.read_table(tmp_path / "ranks.parquet")
    assert table.column("code").to_pylist() == codes
    assert table.column("score").to_pylist() == [rank["score"] for rank in ranks]
    table_text = run_scan()
    assert all(code in table_text for code in codes)
    run_scan("--format=csv", f"--output={tmp_path}/ranks.csv")
    assert (tmp_path / "ranks.csv").read_text(encoding="utf-8").count("\n") == len(codes) + 1


def test_ranks_in_parquet_are_typed(market: pd.DataFrame, probe: Probe, tmp_path: Path) -> None:
    answer = json.loads(run_scan("--format=json"))
    run_scan("--format=parquet", f"--output={tmp_path}/ranks.parquet")
    table = pq.read_table(tmp_path / "ranks.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["date"], kinds["flow_date"]) == ("date32[day]", "date32[day]")
    assert (kinds["rank"], kinds["holding_min"], kinds["holding_max"]) == ("int32",) * 3
    assert kinds["signals"] == "list<element: string>"
    assert kinds["components"].startswith("map<string, double")
    numbers = ("score", "close", "change_pct", "amount", "entry", "target", "stop")
    assert {kinds[name] for name in numbers} == {"double"}
    for row, rank in zip(table.to_pylist(), answer["ranks"], strict=True):
        assert row["date"] == date.fromisoformat(answer["date"])
        assert row["signals"] == rank["signals"]
        assert dict(row["components"]) == rank["components"]
        assert [row[name] for name in numbers] == [rank[name] for name in numbers]


def test_no_door_hands_out_a_formula(market: pd.DataFrame, probe: Probe, tmp_path: Path, client: Client) -> None:
    """The same text from the command line and from the API, with a byte order mark unless it is unwanted."""
    name = '=HYPERLINK("https://example.org","x")'
    Instrument.objects.update(name=name)
    ranks = json.loads(run_scan("--format=json"))["ranks"]
    assert {rank["name"] for rank in ranks} == {name}
    run_scan("--format=csv", f"--output={tmp_path}/ranks.csv")
    run_scan("--format=csv", "--encoding=utf-8", f"--output={tmp_path}/plain.csv")
    written, plain = ((tmp_path / one).read_bytes() for one in ("ranks.csv", "plain.csv"))
    assert written == b"\xef\xbb\xbf" + plain
    assert run_scan("--format=csv", "--encoding=utf-8").encode() == plain
    client.force_login(User.objects.create_user("reader"))
    sent = client.get("/api/kr/scans/latest?format=csv&encoding=utf-8")
    served = b"".join(sent.streaming_content)  # type: ignore[attr-defined]
    for content in (plain, served):
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        assert [row["name"] for row in rows] == [f"'{name}"] * len(ranks)
        assert [float(row["change_pct"]) for row in rows] == [rank["change_pct"] for rank in ranks]


def test_a_workbook_holds_what_it_says(market: pd.DataFrame, probe: Probe, tmp_path: Path) -> None:
    name = "=1+1"
    Instrument.objects.update(name=name)
    answer = json.loads(run_scan("--format=json"))
    run_scan("--format=xlsx", f"--output={tmp_path}/ranks.xlsx")
    book = CalamineWorkbook.from_path(tmp_path / "ranks.xlsx")
    head, *cells = book.get_sheet_by_index(0).to_python()
    rows = [dict(zip(head, row, strict=True)) for row in cells]
    assert [row["code"] for row in rows] == [rank["code"] for rank in answer["ranks"]]
    for row, rank in zip(rows, answer["ranks"], strict=True):
        assert row["date"] == date.fromisoformat(answer["date"])
        assert (row["name"], row["rank"], row["score"]) == (name, rank["rank"], rank["score"])
    with zipfile.ZipFile(tmp_path / "ranks.xlsx") as parts:
        text = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in text
    assert "hyperlink" not in text


def test_top_keeps_the_best(market: pd.DataFrame, probe: Probe) -> None:
    assert [rank["rank"] for rank in json.loads(run_scan("--format=json", "--top=1"))["ranks"]] == [1]


def test_no_save_publishes_nothing(market: pd.DataFrame, probe: Probe) -> None:
    run_scan("--no-save")
    assert not ScanRun.objects.exists()


def test_the_first_line_warns_of_an_old_record(market: pd.DataFrame, probe: Probe) -> None:
    """The record ends in 2024; how many sessions ago depends on the day of the test."""
    warning = re.compile(
        r"WARNING: The record of market kr ends \d+ sessions ago, on 2024-04-30: the last closed session is "
        r"20\d\d-\d\d-\d\d\."
    )
    assert warning.fullmatch(run_scan().splitlines()[0])
    out, err = io.StringIO(), io.StringIO()
    call_command("run_scan", "--format=json", stdout=out, stderr=err)
    assert all(json.loads(line) for line in out.getvalue().splitlines())
    assert warning.search(err.getvalue())


def test_strict_fresh_refuses_an_old_record(market: pd.DataFrame, probe: Probe) -> None:
    with pytest.raises(CommandError, match=r"ends \d+ sessions ago, .* Nothing was done"):
        run_scan("--strict-fresh")
    assert not ScanRun.objects.exists()


def test_explain_prints_every_check(market: pd.DataFrame, probe: Probe) -> None:
    text = run_scan("--explain=005930")
    assert re.match(r"rises  kr  005930  2024-04-30: (rank \d+, close [\d,]+|not picked)\n", text)
    assert "close above the close before" in text
    assert run_scan("--explain=5930") == text


def test_explain_as_json(market: pd.DataFrame, probe: Probe) -> None:
    picked, other = (json.loads(run_scan(f"--explain={code}", "--format=json")) for code in ("005930", "000020"))
    assert [one["date"] for one in (picked, other)] == ["2024-04-30", "2024-04-30"]
    assert (picked["code"], picked["scanner_version"]) == ("005930", "rises")
    (check,) = picked["checks"]
    assert check["rule"] == "close above the close before"
    assert type(check["value"]) is float
    for one in (picked, other):
        assert one["checks"][0]["holds"] is (one["pick"] is not None)
    with pytest.raises(CommandError, match="--explain is shown as a table or with --format json"):
        run_scan("--explain=005930", "--format=csv")


def test_failing_version_is_reported_and_ends_in_an_error(market: pd.DataFrame, probe: Probe) -> None:
    probe.failure = RuntimeError("out of luck")
    with pytest.raises(CommandError, match="rises failed: RuntimeError: out of luck"):
        run_scan("--format=json")


WRONG = {
    "unknown version": (["--version=v9"], "Unknown scanner version 'v9': the known ones are"),
    "unknown market": (
        ["--market=xx"],
        "Unknown market 'xx': choose one of kr, us, upbit, bithumb",
    ),
    "empty market": (["--market=us", "--version=rises"], "Market us has no bars yet: import some"),
    "no active version": (["--market=us"], "Market us has no active scanner version"),
    "not a date": (["--date=yesterday"], "'yesterday' is not a date; write it as 2026-08-21"),
    "not a session": (["--date=2024-04-10"], "2024-04-10 is not a session of market kr"),
    "in the future": (["--date=2031-01-06"], "has no bars on 2031-01-06"),
    "two ways to say when": (["--date=2024-04-09", "--from=2024-04-09"], "either --date or --from"),
    "a range backwards": (
        ["--from=2024-04-09", "--to=2024-04-08"],
        "begins on 2024-04-09, after its end",
    ),
    "not a limit": (["--limit=KOSPI"], "'KOSPI' is not a limit; write it as KOSPI=200"),
    "unknown segment": (
        ["--limit=KOSPPI=9"],
        "has no segment 'KOSPPI': choose among KOSPI, KOSDAQ",
    ),
    "no file for Parquet": (["--format=parquet"], "Parquet goes into a file"),
    "no file for Excel": (["--format=xlsx"], "An Excel workbook goes into a file"),
    "a file that cannot be": (
        ["--output=/nowhere/ranks.txt"],
        "/nowhere/ranks.txt cannot be written",
    ),
    "unknown instrument": (["--explain=999999"], "Market kr has no instrument '999999'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_argument_is_refused_in_one_sentence(market: pd.DataFrame, probe: Probe, case: str) -> None:
    arguments, sentence = WRONG[case]
    with pytest.raises(CommandError) as answer:
        run_scan(*arguments)
    assert sentence in str(answer.value)
    assert "\n" not in str(answer.value).strip()


@pytest.mark.slow
def test_the_real_command_line(bring: Importer, sessions: list[date], tmp_path: Path, data_dir: Any) -> None:
    from tests.scans.conftest import frame

    folder = installed(tmp_path / "own")
    file = tmp_path / "prices.csv"
    frame(sessions).to_csv(file, index=False)
    assert manage(folder, "import_prices", str(file)).returncode == 0

    done = manage(folder, "run_scan", "--version", "v2", "--version", "v1", "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["scanner_version"] for line in lines] == ["v2", "v1"]
    again = manage(folder, "run_scan", "--version", "v2", "--format", "json")
    assert json.loads(again.stdout)["result_digest"] == lines[0]["result_digest"]
    assert json.loads(again.stdout)["unchanged"] is True

    unknown = manage(folder, "run_scan", "--version", "v7")
    assert unknown.returncode == 1
    assert unknown.stderr.strip().splitlines() == [
        "Unknown scanner version 'v7': the known ones are seismograph, seismograph-crypto, v1, v2, v2-crypto, v3, vcp."
    ]
