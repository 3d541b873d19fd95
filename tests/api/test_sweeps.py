"""Sweeps over the API: the list, one sweep with its versions, its variants in every form, and who may read them."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest
from django.core.management import call_command
from django.test import Client

from scans.models import ScannerVersion, SweepStatus
from tests.sweeps import make_sweep

pytestmark = pytest.mark.django_db


def test_a_sweep_has_its_periods_verdict_looks_and_versions(get: Any) -> None:
    make_sweep()
    make_sweep("other", status=SweepStatus.RUNNING, result={}, size=40)
    call_command("scanner_version", "create", "swept", "--sweep", "volume", stdout=io.StringIO())
    rows = get("kr/sweeps")["results"]
    assert [(row["slug"], row["status"], row["variants"], row["size"], row["looks"]) for row in rows] == [
        ("other", "running", 2, 40, 0),
        ("volume", "done", 2, 2, 1),
    ]
    body = get("kr/sweeps/volume")
    assert body["verdict"] == (
        "Not distinguishable from luck: 2 variants tried, best outside +1.0 % +- 2.0 over 5 sessions against shares "
        "alike; 40 % of random picks alike are as good."
    )
    assert (body["first"], body["choose_from"], body["test_from"]) == ("2023-01-02", "2023-09-01", "2024-02-01")
    assert (body["chosen"], body["looks_at_test"][0]["looks_before"]) == (1, 1)
    assert body["versions"] == [
        {"scanner_version": "swept", "variant": 1, "promised_pct": 0.6, "after_pct": None, "after_picks": 0}
    ]
    assert body["seconds"] == {"variants": 32.44, "outside": 3.8}
    assert get("kr/sweeps/other")["verdict"] == ""
    assert get("kr/sweeps/nothing", 404)
    assert get("us/sweeps/volume", 404)


def test_a_version_of_a_sweep_has_the_parameters_of_its_variant(get: Any) -> None:
    make_sweep()
    call_command("scanner_version", "create", "second", "--sweep", "volume", "--variant", "2", stdout=io.StringIO())
    version = ScannerVersion.objects.get(slug="second")
    assert (version.engine, version.segments) == ("formula", ["KOSPI"])
    assert version.params == {"match": "rises(close)", "top_n": 4}
    assert version.sweep_variant is not None
    assert version.sweep_variant.number == 2


def test_variants_as_json_and_as_parquet(get: Any, client: Client) -> None:
    make_sweep()
    rows = get("kr/sweeps/volume/variants")["results"]
    assert [(row["number"], row["params"], row["chosen"]) for row in rows] == [
        (1, "top_n=2", True),
        (2, "top_n=4", False),
    ]
    assert rows[0]["mean_pct"] == 1.1
    assert rows[0]["over_matched_pct"] == 0.55
    assert rows[0]["over_cap_pct"] is None
    answer: Any = client.get("/api/kr/sweeps/volume/variants?format=parquet")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    frame = pd.read_parquet(io.BytesIO(content))
    assert frame["number"].tolist() == [1, 2]
    assert frame["mean_pct"].tolist() == [1.1, 0.9]
    assert frame["picks"].tolist() == [120, 120]


def test_strangers_read_no_sweeps(client: Client) -> None:
    make_sweep()
    client.logout()
    for address in ("sweeps", "sweeps/volume", "sweeps/volume/variants", "portfolio"):
        assert client.get(f"/api/kr/{address}").status_code == 401
