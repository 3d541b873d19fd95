"""Asking for scans over the API: who may, what is refused, once for each key, polled, cancelled, run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.models import TaskRecord, TaskStatus
from marketdata.operations.tasks import queueing
from marketdata.web.api import parsers
from scans.models import RequestStatus, ScanRequest, ScanRun
from scans.operations.requests import queue, worker
from tests.people import scan_chief
from tests.scans.conftest import AS_OF
from tests.scans.probe import Probe

Send = Callable[..., Any]
ASK = "/api/kr/scans"


@pytest.fixture
def send(client: Client, market: pd.DataFrame, probe: Probe, django_capture_on_commit_callbacks: Any) -> Send:
    """Sends a body as the staff member `chief`; the parsed answer where the status is the one expected."""
    client.force_login(scan_chief())

    def send(path: str, status: int, body: Any = None, /, **headers: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(path, body, content_type="application/json", headers=headers)
        assert response.status_code == status, response.content
        return response.json() | {"headers": response.headers}

    return send


def work(number: int) -> None:
    worker.process_request(number, as_of=AS_OF)


def test_scan_is_requested_polled_and_read(send: Send, client: Client, sessions: list[date]) -> None:
    body = {"versions": ["rises", "rises-10"], "first": sessions[10], "last": sessions[11]}
    made = send(ASK, 202, body, **{"X-Request-ID": "id-of-a-test"})
    assert made["headers"]["Location"] == f"/api/kr/scan-requests/{made['id']}"
    assert (made["status"], made["progress"]["total"], made["outcomes"]) == ("queued", 4, [])
    assert (made["requested_by"], made["request_id"]) == ("chief", "id-of-a-test")
    work(made["id"])
    polled = client.get(made["headers"]["Location"]).json()
    assert (polled["status"], polled["progress"]["done"]) == ("done", 4)
    assert [one["scanner_version"] for one in polled["outcomes"]] == ["rises", "rises-10"]
    assert ScanRun.objects.get(pk=polled["outcomes"][1]["runs"][0]).request_id == "id-of-a-test"
    shown = client.get(f"/api/kr/scans/{sessions[11]}?scanner_version=rises-10").json()
    assert shown["run"] == polled["outcomes"][1]["runs"][0]
    listed = client.get("/api/kr/scan-requests?status=done").json()["results"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert client.get("/api/kr/scan-requests?status=queued").json()["results"] == []


def test_empty_request_scans_the_last_session_by_the_active_version(send: Send, sessions: list[date]) -> None:
    made = send(ASK, 202, {})
    assert "manage.py qcluster" in made["warning"]  # no worker runs here
    assert (made["versions"], made["first"], made["last"]) == (
        ["rises"],
        sessions[-1].isoformat(),
        sessions[-1].isoformat(),
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scanner": "rises"}, "scanner"),
        ({"scanner_version": "rises", "versions": ["rises"]}, "versions"),
        ({"versions": []}, "versions"),
        ({"versions": "rises"}, "versions"),
        ({"versions": ["rises"] * 9}, "versions"),
        ({"date": "2024-02-31"}, "date"),
        ({"date": "2024-04-03", "last": "2024-04-04"}, "date"),
        ({"limits": {"KOSPI": 0}}, "limits"),
        ({"limits": {"KOSPI": 10**30}}, "limits"),
        ({"limits": {"NASDAQ": 3}}, "limits"),
        ({"limits": [3]}, "limits"),
        ({"top": -1}, "top"),
        ({"save": "perhaps"}, "save"),
        ([1, 2], ""),
    ],
)
def test_a_body_that_does_not_fit(send: Send, body: Any, field: str) -> None:
    answer = send(ASK, 400, body)
    assert answer["code"] == "invalid"
    assert [name.split(".")[0].replace("non_field_errors", "") for name in answer["errors"]] == [field]
    assert not ScanRequest.objects.exists()


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"top": NaN}', 400, "malformed"),
        (b"[" * 40_000, 400, "malformed"),
        (b'{"scanner_version": "a\\u0000"}', 400, "malformed"),
        (b'{"scanner_version": "\\ud800"}', 400, "malformed"),
        (b'{"top": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b" " * (parsers.MOST + 1), 413, "body_too_large"),
        (b'{"scanner_version": "v9"}', 404, "unknown_version"),
        (b'{"date": "2031-01-02"}', 409, "no_data"),
        (b'{"date": "2024-05-04"}', 409, "no_data"),
    ],
)
def test_a_body_that_is_refused(send: Send, text: bytes, status: int, code: str) -> None:
    assert send(ASK, status, text)["code"] == code
    assert not ScanRequest.objects.exists()


def test_a_form_is_no_body(send: Send, client: Client) -> None:
    refused = client.post(ASK, {"top": 1})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")


def test_a_write_takes_no_query(send: Send) -> None:
    assert send(f"{ASK}?status=done", 400, {})["code"] == "unknown_parameter"


def test_a_key_makes_one_request(send: Send) -> None:
    key = {"Idempotency-Key": "monday"}
    made = send(ASK, 202, {"scanner_version": "rises"}, **key)
    again = send(ASK, 202, {"scanner_version": "rises"}, **key)
    assert again["id"] == made["id"]
    assert send(ASK, 422, {"scanner_version": "rises-10"}, **key)["code"] == "idempotency_key_reused"
    for bad in ("", "ü", "a b", "x" * 129):
        body = send(ASK, 400, {}, **{"Idempotency-Key": bad})
        assert body["code"] == "invalid_idempotency_key"
    assert ScanRequest.objects.count() == 1


def test_cancelled_and_run_again(send: Send, client: Client) -> None:
    made = send(ASK, 202, {})
    where = made["headers"]["Location"]
    ended = send(f"{where}/cancel", 200)
    assert (ended["status"], ended["reason"]) == ("cancelled", "cancelled by chief")
    assert send(f"{where}/cancel", 409)["code"] == "already_ended"
    other = send(f"{where}/rerun", 202)
    assert other["headers"]["Location"] == f"/api/kr/scan-requests/{other['id']}" != where
    work(other["id"])
    assert client.get(other["headers"]["Location"]).json()["status"] == "done"


def test_without_saving(send: Send, client: Client, sessions: list[date]) -> None:
    body = {"versions": ["rises", "rises-10"], "date": sessions[20], "save": False}
    made = send(ASK, 202, body)
    where = f"{made['headers']['Location']}/answer"
    assert client.get(where).json()["code"] == "no_answer"
    work(made["id"])
    kept = client.get(f"{where}?scanner_version=rises-10&date={sessions[20]}").json()
    assert client.get("/api/kr/scans/latest").json()["code"] == "no_run"
    work(send(ASK, 202, body | {"save": True})["id"])
    shown = client.get(f"/api/kr/scans/{sessions[20]}?scanner_version=rises-10").json()
    assert kept["results"] == shown["results"]
    for name in ("date", "scanner_version", "status", "counts", "result_digest", "input_digest"):
        assert kept[name] == shown[name]


def test_a_worker_that_was_lost_is_seen_when_polling(send: Send, client: Client) -> None:
    made = send(ASK, 202, {})
    ScanRequest.objects.update(status=RequestStatus.RUNNING, started_at=AS_OF)
    body = client.get(made["headers"]["Location"]).json()
    assert (body["status"], body["reason"]) == ("queued", "Its worker was lost: it is done again.")
    ScanRequest.objects.update(status=RequestStatus.RUNNING)
    TaskRecord.objects.update(status=TaskStatus.DEAD)
    body = client.get(made["headers"]["Location"]).json()
    assert body["status"] == "failed"
    assert body["reason"].startswith("The worker was lost")


def test_a_queue_that_does_not_answer(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("redis://:hunter2@there")

    monkeypatch.setattr(queueing, "async_task", refuse)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda callback: callback())
    body = send(ASK, 503, {})
    assert body["code"] == "queue_unreachable"
    assert "hunter2" not in json.dumps(body["detail"])
    assert not ScanRequest.objects.exists()


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 40, "-1", "x", "%00", "1'--", "١"])
def test_a_request_that_is_not_there(send: Send, client: Client, number: str) -> None:
    assert client.get(f"/api/kr/scan-requests/{number}").status_code == 404
    assert client.post(f"/api/kr/scan-requests/{number}/cancel").status_code == 404


def test_of_another_market(send: Send, client: Client) -> None:
    number = send(ASK, 202, {})["id"]
    assert client.get(f"/api/us/scan-requests/{number}").json()["code"] == "unknown_request"


def test_staff_alone(market: pd.DataFrame, probe: Probe, client: Client, user: User, settings: Any) -> None:
    settings.ANONYMOUS_READS = True
    number = queue.queue_request(market="kr", as_of=AS_OF, requested_by="chief").request.pk
    writes = [ASK, *(f"/api/kr/scan-requests/{number}/{what}" for what in ("cancel", "rerun"))]
    reads = [f"/api/kr/scan-requests{rest}" for rest in ("", f"/{number}", f"/{number}/answer")]
    for status, code in ((401, "not_authenticated"), (403, "permission_denied")):
        for path in writes:
            refused = client.post(path, {}, content_type="application/json")
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        for path in reads:
            refused = client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        client.force_login(user)
    assert ScanRequest.objects.get().status == "queued"


def test_a_session_needs_its_csrf_token(market: pd.DataFrame, probe: Probe) -> None:
    chief = scan_chief()
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(chief)
    refused = careful.post(ASK, {}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert "CSRF" in refused.json()["detail"]
    assert not ScanRequest.objects.exists()
