"""A reading of a pick: deterministic, honest about few picks, and complete whatever the server that writes does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.cache import cache
from django.test import Client

from marketdata.models import Generation
from scans.models import ScanRun
from scans.operations.analysis import narrate
from scans.operations.evaluation import base_rates
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, risers
from tests.exchanges.writer import KEY, MODEL, Writer
from tests.scans.conftest import AS_OF, CODES

COUNTS = ("by", "group", "horizon", "picks", "computed_afterwards", "judged", "too_few", "standing")


@pytest.fixture
def pick(scanned: pd.DataFrame, sessions: list[date]) -> str:
    """The first pick of the latest published session."""
    return risers(scanned, sessions[30])[0]


@pytest.fixture
def writer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A server that writes, which is configured; the breaker begins anew."""
    from caching.circuit_breaker import CircuitBreaker

    monkeypatch.setattr(narrate, "BREAKER", CircuitBreaker(threshold=3, rest=60))
    with Writer() as server:
        settings.NARRATIVE_URL = f"{server.url}/v1"
        settings.NARRATIVE_MODEL = "requested-model"
        settings.NARRATIVE_KEY = KEY
        settings.NARRATIVE_SECONDS = 5.0
        yield server


def test_a_pick_is_read(scanned: pd.DataFrame, sessions: list[date], pick: str, get: Get) -> None:
    body = get(f"kr/analysis/{pick}")
    ranked = get("kr/scans/latest")["results"][0]
    assert (body["date"], body["code"]) == (str(sessions[30]), pick)
    assert body["status"] == "published"
    assert body["pick"] == {name: ranked[name] for name in body["pick"]}
    assert body["pick"]["plan"]["target"] == pytest.approx(1.02 * ranked["close"])
    assert [check["name"] for check in body["fired"]] == ["rise"]
    assert body["not_fired"] == []
    assert body["parameters"]["reproduces"] is True
    assert body["narrative"] == {"state": "off", "text": "", "model": "", "reason": ""}


def test_base_rates_know_nothing_of_later_days(
    scanned: pd.DataFrame, sessions: list[date], get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Picks of the version up to the day, bought at the next open, sold five sessions on, as far as they had ended."""
    monkeypatch.setattr(base_rates, "MIN_JUDGED", 5)
    day = next(n for n in range(25, 31) if risers(scanned, sessions[n]))
    code = risers(scanned, sessions[day])[0]
    body = get(f"kr/analysis/{code}", date=sessions[day])["base_rates"]
    opened, closed = (scanned.pivot_table(index="date", columns="code", values=name) for name in ("open", "close"))
    returns = [
        float(closed[one][sessions[n + 5]] / opened[one][sessions[n + 1]]) - 1
        for n in range(10, day + 1)
        for one in risers(scanned, sessions[n])
        if n + 5 <= day
    ]
    every = sum(len(risers(scanned, sessions[n])) for n in range(10, day + 1))
    rates = {(one["by"], one["horizon"]): one for one in body["rates"]}
    for by in ("all", "label", "strategy"):
        one = rates[by, 5]
        assert (one["picks"], one["judged"]) == (every, len(returns))
        assert one["mean_pct"] + one["costs_pct"] == pytest.approx(100 * np.mean(returns))
        assert 0 < one["hit_rate_pct"] <= 100 * np.mean([x > 0 for x in returns])  # after costs
        assert 0 < one["universe_hit_rate_pct"] < 100
        assert one["computed_afterwards"] == every  # the run began long after
        assert one["excess"]["matched"]["error_pct"] > 0
    assert rates["label", 5]["group"] == "rise"
    assert rates["regime", 5]["group"] == body["market_regime"] != ""
    assert body["last"] == str(sessions[day])
    assert body["revision"] == 2
    assert (body["instruments"], body["gone"]) == (len(CODES), 0)


def test_few_picks_say_nothing(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    code = risers(scanned, sessions[12])[0]
    rates = get(f"kr/analysis/{code}", date=sessions[12])["base_rates"]["rates"]
    assert rates
    for one in rates:
        assert one["too_few"] is True
        assert one["judged"] < base_rates.MIN_JUDGED
        assert {value for name, value in one.items() if name not in COUNTS} == {None}


def test_an_instrument_that_was_not_picked(
    scanned: pd.DataFrame, sessions: list[date], get: Get, writer: Writer
) -> None:
    code = next(code for code in CODES if code not in risers(scanned, sessions[30]))
    body = get(f"kr/analysis/{code}")
    assert body["pick"] is None
    assert (body["fired"], [check["name"] for check in body["not_fired"]]) == ([], ["rise"])
    assert body["base_rates"]["rates"] == []
    assert body["narrative"]["state"] == "not_picked"
    assert writer.requests == []


def test_a_text_that_a_server_writes_has_no_time(
    pick: str, client: Client, get: Get, writer: Writer, settings: Any
) -> None:
    get("versions")
    Generation.objects.update(changed_at=AS_OF)
    path = f"/api/kr/analysis/{pick}"
    body = client.get(path)
    assert body.json()["narrative"]["state"] == "made"
    assert "ETag" in body.headers
    assert "Last-Modified" not in body.headers
    settings.NARRATIVE_URL = ""
    assert "Last-Modified" in client.get(path).headers


def test_the_same_each_time(pick: str, client: Client, get: Get) -> None:
    path = f"/api/kr/analysis/{pick}"
    get("versions")
    first = client.get(path)
    cache.clear()
    again = client.get(path)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert ScanRun.objects.count() == 2


@pytest.mark.parametrize(
    ("code", "query", "status", "problem"),
    [
        ("999999", {}, 404, "unknown_stock"),
        ("005930", {"date": "2024-05-01"}, 404, "not_a_session"),
        ("005930", {"date": "2024-03-05"}, 404, "no_run"),
        ("005930", {"date": "2030-01-02"}, 404, "no_run"),
        ("005930", {"scanner_version": "v1"}, 404, "no_run"),
        ("005930", {"scanner_version": "v99"}, 404, "unknown_version"),
    ],
)
def test_what_cannot_be_read(
    scanned: pd.DataFrame, get: Get, code: str, query: dict[str, str], status: int, problem: str
) -> None:
    assert get(f"kr/analysis/{code}", status, **query)["code"] == problem


def test_a_narrative_is_written_once_from_the_facts_alone(
    pick: str, sessions: list[date], client: Client, get: Get, writer: Writer
) -> None:
    body = get(f"kr/analysis/{pick}")
    assert body["narrative"] == {
        "state": "made",
        "text": writer.text,
        "model": MODEL,
        "reason": "",
    }
    assert get(f"kr/analysis/{pick}") == body
    (call,) = writer.requests
    assert call["model"] == "requested-model"
    facts = json.loads(call["messages"][1]["content"])
    assert facts["instrument"] == {"market": "kr", "code": pick, "name": body["name"]}
    assert facts["pick"]["score"] == body["pick"]["score"]
    assert facts["held"] == ["filter rise: close above the close before"]
    assert "rise" not in call["messages"][0]["content"]
    assert {"from", "to", "picks_computed_afterwards"} <= set(facts["base_rates"][0])
    other = next(day for day in sessions[20:30] if get(f"kr/analysis/{pick}", date=day)["pick"])
    assert len(writer.requests) == 2
    run_scan(RunRequest(market="kr", as_of=AS_OF, top=1, first=other, last=other))
    get(f"kr/analysis/{pick}", date=other)
    assert len(writer.requests) <= 3  # another answer is another subject


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("timeout", "not reached"),
        ("reset", "not reached"),
        ("cut", "not reached"),
        ("error", "answered 500"),
        ("html", "not a chat completion"),
        ("truncated", "not a chat completion"),
        ("refused", "answered 401"),
        ("busy", "answered 429"),
        ("filtered", "refused to write it"),
        ("empty", "has no text"),
        ("shapeless", "not a chat completion"),
        ("nested", "not a chat completion"),
        ("endless", "too long"),
    ],
)
def test_the_analysis_is_complete_whatever_the_writer_does(
    pick: str,
    get: Get,
    writer: Writer,
    fault: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    writer.faults.next(fault)
    result = get(f"kr/analysis/{pick}")
    body = result.pop("narrative")
    assert (body["state"], body["text"], body["model"]) == ("failed", "", "")
    assert reason in body["reason"]
    assert KEY not in caplog.text + json.dumps(body)
    calls = sum(writer.calls.values())
    again = get(f"kr/analysis/{pick}")  # a failure is not tried again at once
    assert again.pop("narrative") == body
    assert sum(writer.calls.values()) == calls
    assert again == result
    cache.clear()
    assert get(f"kr/analysis/{pick}")["narrative"]["state"] == "made"


def test_a_writer_that_is_slow_is_not_waited_for(pick: str, get: Get, writer: Writer, settings: Any) -> None:
    settings.NARRATIVE_SECONDS, writer.hang = 0.2, 30.0
    writer.faults.next("timeout")
    assert get(f"kr/analysis/{pick}")["narrative"]["reason"] == "no answer within 0.2 seconds"


def test_a_writer_that_keeps_failing_is_left_alone(
    scanned: pd.DataFrame, sessions: list[date], get: Get, writer: Writer
) -> None:
    writer.faults.rates = {"error": 1.0}
    for n in range(11, 19):
        for code in risers(scanned, sessions[n])[:1]:
            body = get(f"kr/analysis/{code}", date=sessions[n])["narrative"]
            assert body["state"] == "failed"
    assert sum(writer.calls.values()) == 3
    assert "no calls" in body["reason"]


def test_a_narrative_is_plain_text(pick: str, get: Get, writer: Writer) -> None:
    writer.faults.next("markup")
    text = get(f"kr/analysis/{pick}")["narrative"]["text"]
    assert text == "‹script›alert(1)‹/script› It rose. See (here)( or \n\nABCD"


def test_no_address_no_call(pick: str, get: Get, writer: Writer, settings: Any) -> None:
    settings.NARRATIVE_URL = ""
    assert get(f"kr/analysis/{pick}")["narrative"]["state"] == "off"
    settings.NARRATIVE_URL = "http://127.0.0.1:1/v1"
    assert get(f"kr/analysis/{pick}")["narrative"]["state"] == "failed"
    assert writer.requests == []
