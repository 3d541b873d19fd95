"""Traces as an OpenTelemetry collector gets them: one from a request to its task to the stages of its scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.market import SETTING_UP, prices
from tests.exchanges.otlp import Collector
from tests.seismo_site.running import installed, manage, managed, run_in_shell

pytestmark = pytest.mark.slow

REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The example of W3C Trace Context."""
REQUESTS = f"""
from django.contrib.auth.models import User
from django.test import Client
client = Client(headers={{"host": "localhost"}})
client.force_login(User.objects.get())
scan = {{"versions": ["busiest"], "first": "2025-02-28", "last": "2025-02-28"}}
headers = {{"X-Request-ID": "{REQUEST_ID}"}}
print(client.post("/api/kr/scans", scan, "application/json", headers=headers).status_code)
for n in range(2):
    print(client.get("/api/kr/stocks/000100/chart", headers={{"X-Request-ID": "caller-0123"}}).status_code)
print(client.get("/api/kr/stocks/none", headers={{"traceparent": "{CALLER}"}}).status_code)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = installed(tmp_path_factory.mktemp("traces"))
    prices().to_csv(folder / "prices.csv", index=False)
    run_in_shell(folder, SETTING_UP.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def traces(data: Path) -> Iterator[Collector]:
    """What a collector has of three requests and a task."""
    with Collector() as collector:
        out = run_in_shell(data, REQUESTS, SEISMO_TRACES=collector.url)
        assert out.split() == ["202", "200", "200", "404"]
        managed(data, "qcluster", "--run-once", SEISMO_TRACES=collector.url)
        yield collector


def test_one_trace_leads_from_a_request_to_its_task_and_the_stages_of_its_scan(traces: Collector) -> None:
    (request,) = traces.named("POST /api/{market}/scans")
    (task,) = traces.named("task scan")
    (score,) = traces.named("scan.score")
    (publish,) = traces.named("scan.publish")
    inside = [request, task, *traces.named("scan.read"), *traces.named("scan.features"), score, publish]
    assert len(inside) == 6
    assert {span.trace for span in inside} == {REQUEST_ID}
    assert {span.attributes["seismo.request_id"] for span in inside} == {REQUEST_ID}
    assert (request.parent, task.parent) == ("", request.id)
    assert traces.ancestors(score)[-2:] == [task.name, request.name]
    assert score.attributes["scanner_version"] == "busiest"
    assert {span.service for span in inside} == {"seismo"}


def test_a_request_has_spans_of_its_statements_and_of_the_cache(traces: Collector) -> None:
    first, second = traces.named("GET /api/{market}/stocks/{code}/chart")
    assert (first.attributes["http.response.status_code"], first.attributes["http.route"]) == (
        200,
        "/api/{market}/stocks/{code}/chart",
    )
    assert first.trace == second.trace  # one identifier of two requests, which is no trace identifier by itself
    below = {each.id: [span for span in traces.spans if span.parent == each.id] for each in (first, second)}
    assert any(span.attributes.get("cache.hit") is True for span in below[second.id])
    statements = [span for span in below[first.id] if "db.query.text" in span.attributes]
    assert {span.attributes["db.system.name"] for span in statements} == {"sqlite"}
    assert len(statements) > len([span for span in below[second.id] if "db.query.text" in span.attributes])
    assert not any("000100" in span.attributes["db.query.text"] for span in statements)  # text has no values


def test_a_callers_trace_goes_on(traces: Collector) -> None:
    (span,) = traces.named("GET /api/{market}/stocks/{code}")[-1:]
    assert (span.trace, span.parent) == tuple(CALLER.split("-")[1:3])
    assert span.attributes["http.response.status_code"] == 404


def test_a_command_has_a_trace_of_its_own(data: Path) -> None:
    with Collector() as collector:
        managed(data, "run_scan", "--version", "busiest", "--no-save", SEISMO_TRACES=f"{collector.url}/v1/traces")
    (command,) = collector.named("manage.py run_scan")
    (score,) = collector.named("scan.score")
    assert (command.parent, collector.ancestors(score)[-1]) == ("", command.name)


def test_no_share_of_traces_sends_nothing(data: Path) -> None:
    with Collector() as collector:
        managed(
            data, "run_scan", "--version", "busiest", "--no-save",
            SEISMO_TRACES=collector.url, SEISMO_TRACES_PERCENT="0",
        )  # fmt: skip
    assert collector.spans == []


def test_a_collector_that_is_not_there_prevents_nothing(data: Path) -> None:
    done = manage(data, "run_scan", "--version", "busiest", "--no-save", SEISMO_TRACES="http://127.0.0.1:9")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "busiest" in done.stdout


@pytest.mark.parametrize("traces", ["", "http://127.0.0.1:4318"])
def test_without_an_address_nothing_of_opentelemetry_is_imported(data: Path, traces: str) -> None:
    code = "import sys; print(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert run_in_shell(data, code, SEISMO_TRACES=traces).strip() == str(bool(traces))
