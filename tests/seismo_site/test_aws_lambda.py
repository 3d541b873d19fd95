"""The handler of AWS Lambda in a process of its own, on an imitation of S3: what it writes, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import call_command

from scans.models import ScannerVersion
from scans.operations.scan.answers import SessionAnswer
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.exchanges.bucket import KEYS, Bucket
from tests.prepared import Prepared
from tests.scans.conftest import AS_OF, Importer, bring, frame, sessions
from tests.seismo_site.running import ROOT, environment

pytestmark = pytest.mark.slow

__all__ = ["bring", "sessions"]

SCRIPT = """
import json, sys
from seismo_site.aws_lambda import ScanRefused, handler
for line in sys.stdin:
    try:
        print(json.dumps(handler(json.loads(line), None)))
    except ScanRefused as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture
def market(bring: Importer, sessions: list[date], prepared: Prepared, data_dir: Path) -> None:
    """The market of `conftest.frame`, one instrument halted for a while; the versions `plain` and `never`."""
    rows = frame(sessions)
    halted = (rows["code"] == "035720") & rows["date"].isin(sessions[20:25])
    prepared.state("lambda-market", data_dir, lambda: bring(rows[~halted]))
    score = {"score": "rsi(5)", "min_bars": 5, "top_n": 100}
    ScannerVersion.objects.create(slug="plain", engine="formula", params={"match": "close > sma(close, 3)", **score})
    ScannerVersion.objects.create(slug="never", engine="formula", params={"match": "close < 0", **score})


def address(bucket: Bucket, name: str) -> str:
    return f"s3://{name}/of?region=eu-central-1&endpoint={bucket.endpoint}"


def copy(bucket: Bucket, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    call_command("copy_lake", address(bucket, "lake"), *options)
    return capsys.readouterr().out


def invoke(tmp_path: Path, *events: Any) -> list[Any]:
    """The results of the handler, a sentence where it refused, from one process without a database."""
    data = tmp_path / "function"
    if not data.exists():
        shutil.copytree(settings.CALENDAR_DIR, data / "calendars")  # building it takes seconds
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**environment(data), **KEYS, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
        input="\n".join(map(json.dumps, events)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def answers(session: date, *versions: str) -> list[SessionAnswer]:
    """The answers of `run_scan --no-save`."""
    request = RunRequest(market="kr", as_of=AS_OF, versions=versions, first=session, last=session, save=False)
    return [answer for scan in run_scan(request) for answer in scan.answers]


def test_a_scan_from_bucket_to_bucket_equals_one_of_the_record(
    market: None, bucket: Bucket, sessions: list[date], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(bucket, capsys)
    event = {"market": "kr", "lake": address(bucket, "lake"), "output": address(bucket, "ranks")}
    one, last = invoke(
        tmp_path,
        {**event, "versions": ["plain", "never"], "date": str(sessions[24])},
        {**event, "version": "plain"},
    )
    expected = answers(sessions[24], "plain", "never")
    assert [file["result_digest"] for file in one["answers"]] == [answer.result_digest for answer in expected]
    assert [file["input_digest"] for file in one["answers"]] == [answer.input_digest for answer in expected]
    assert [file["status"] for file in one["answers"]] == ["published", "no_match"]
    assert one["answers"][0]["executor"].startswith("thread")
    assert last["answers"][0]["date"] == str(sessions[-1])
    assert last["answers"][0]["result_digest"] == answers(sessions[-1], "plain")[0].result_digest

    written = [name for name in bucket.files if name.startswith("/ranks/")]
    assert len(written) == 3
    name = f"/ranks/of/{one['answers'][0]['file']}"
    assert name == (
        f"/ranks/of/market=kr/scanner_version=plain/date={sessions[24]}/ranks-{expected[0].input_digest}.parquet"
    )
    table = pq.read_table(BytesIO(bucket.files[name]))
    head = json.loads(table.schema.metadata[b"seismo.answer"])
    assert (head["scanner_version"], head["result_digest"]) == ("plain", expected[0].result_digest)
    rows = [{**row, "components": dict(row["components"])} for row in table.to_pylist()]
    assert rows == [{name: rank[name] for name in table.column_names} for rank in expected[0].ranks]
    never = pq.read_table(BytesIO(bucket.files[f"/ranks/of/{one['answers'][1]['file']}"]))
    assert never.num_rows == 0


def test_a_second_copy_sends_only_what_changed(
    market: None, bucket: Bucket, bring: Importer, sessions: list[date], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "0 unchanged" in copy(bucket, capsys)
    sent = len(bucket.requests)
    assert "0 files copied" in copy(bucket, capsys)
    puts = {name for method, name in bucket.requests[sent:] if method in ("PUT", "POST")}
    assert puts == {"/lake/of/_catalogue/market=kr/catalogue.json"}
    rows = frame(sessions)
    bring(rows[rows["date"] == sessions[-1]].assign(volume=7))
    copy(bucket, capsys)
    month = f"/lake/of/market=kr/year=2024/month={sessions[-1]:%m}/bars.parquet"
    before = f"/lake/of/market=kr/year=2024/month={sessions[0]:%m}/bars.parquet"
    puts = {name for method, name in bucket.requests[sent:] if method in ("PUT", "POST")}
    assert month in puts
    assert before not in puts


def test_what_is_wrong_is_one_sentence_and_writes_nothing(
    market: None, bucket: Bucket, sessions: list[date], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(bucket, capsys)
    event = {"market": "kr", "version": "plain", "lake": address(bucket, "lake"), "output": address(bucket, "ranks")}
    ScannerVersion.objects.create(slug="later", engine="formula", params={})
    cases: list[tuple[Any, str]] = [
        ([], "must be a JSON object"),
        ({**event, "market": "mars"}, "market is wrong"),
        ({**event, "versoin": "v2"}, "unknown field 'versoin'"),
        ({**event, "versions": ["plain"]}, "both version and versions"),
        ({**event, "version": ["plain"]}, "must be a list of names"),
        ({**event, "version": "later"}, "Unknown scanner version 'later'"),
        ({**event, "date": "24.05.2024"}, "write it as 2026-09-11"),
        ({**event, "date": "2024-04-10"}, "2024-04-10 is not a session of market kr"),
        ({**event, "date": "2030-01-02"}, "has no bars on 2030-01-02"),
        ({**event, "lake": "/lake"}, "lake must be s3://bucket/prefix"),
        ({**event, "output": f"s3://key:word@ranks/of?endpoint={bucket.endpoint}"}, "output must be s3://"),
        ({**event, "lake": address(bucket, "empty")}, "run `manage.py copy_lake s3://empty/of"),
    ]
    results = invoke(tmp_path, *(case for case, _ in cases))
    for result, (_, sentence) in zip(results, cases, strict=True):
        assert isinstance(result, str)
        assert sentence in result
        assert "Traceback" not in result
    month = f"/lake/of/market=kr/year=2024/month={sessions[-1]:%m}/bars.parquet"
    bucket.files[month] = bucket.files[month][:-100]
    away = {**event, "lake": "s3://lake/of?region=eu-central-1&endpoint=http://127.0.0.1:9"}
    sentence, refused = invoke(tmp_path, event, away)
    assert refused.startswith("The bucket of the lake or of the ranks refused: ")
    assert "bars.parquet cannot be read, it is damaged" in sentence
    assert "manage.py copy_lake BUCKET --rebuild" in sentence
    assert not [name for name in bucket.files if name.startswith("/ranks/")]
    intact = len(bucket.files[month])
    copy(bucket, capsys, "--rebuild")
    assert len(bucket.files[month]) == intact + 100
