"""A misspelt name is answered with the nearest one, at every door alike; expected names are chosen by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from marketdata.candles.collector.timeframes import TimeframeError, get_timeframe
from marketdata.markets import UnknownMarket, get_market
from marketdata.models import IndexBar, IndexChoice
from marketdata.nearest_name import did_you_mean, nearest_name
from marketdata.operations.sources import get_source
from marketdata.queries.index_series import get_series
from marketdata.sources.base import SourceRefused
from scans.engines.registry import UnknownEngine, get_engine
from scans.models import ScannerVersion
from seismo_site import env


@pytest.mark.parametrize(
    ("name", "names", "nearest"),
    [
        ("v22", ["v1", "v2", "v3"], "v2"),
        ("kx", ["kr", "us", "upbit", "bithumb"], "kr"),
        ("KR", ["kr", "us"], "kr"),
        ("v9", ["v1", "v2", "v3"], ""),  # as near to each
        ("zz", ["kr", "us"], ""),
        ("ks11", ["KQ11", "KS11"], "KS11"),
        ("", ["kr"], ""),
        ("kr", [], ""),
    ],
)
def test_the_nearest_name_is_the_one_meant(name: str, names: list[str], nearest: str) -> None:
    assert nearest_name(name, names) == nearest
    assert did_you_mean(name, names) == (f" Did you mean {nearest}?" if nearest else "")


def test_plain_doors_propose_the_nearest() -> None:
    with pytest.raises(UnknownMarket, match=r"Did you mean kr\?"):
        get_market("kx")
    with pytest.raises(TimeframeError, match=r"Did you mean 240m\?"):
        get_timeframe("240")
    with pytest.raises(UnknownEngine, match=r"Did you mean seismograph\?"):
        get_engine("seismogrph")
    with pytest.raises(SourceRefused, match=r"Did you mean upbit\?"):
        get_source("upbitt")


@pytest.mark.django_db
def test_commands_and_models_propose_the_nearest() -> None:
    ScannerVersion.objects.get_or_create(slug="v2", defaults={"engine": "v2"})
    for command in (["run_scan", "--version", "v22"], ["compare_versions", "v1", "v22"]):
        with pytest.raises(CommandError, match=r"Did you mean v2\?"):
            call_command(*command)
    for command in (["run_scan", "--market", "kx"], ["stock", "005930", "--market", "kx"]):
        with pytest.raises(CommandError, match=r"Did you mean kr\?"):
            call_command(*command)
    with pytest.raises(CommandError, match=r"Did you mean kis\?"):
        call_command("collect_prices", "--source", "kiss")
    with pytest.raises(ValidationError, match=r"Did you mean vcp\?"):
        ScannerVersion(slug="mine", engine="vpc").full_clean()
    IndexBar.objects.create(
        market="kr",
        name="KS11",
        date="2024-01-02",
        open=1,
        high=1,
        low=1,
        close=1,
        created_at="2024-01-02T00:00:00Z",
        updated_at="2024-01-02T00:00:00Z",
    )
    with pytest.raises(Exception, match=r"Did you mean KS11\?"):
        get_series("kr", "KS1")
    with pytest.raises(ValidationError, match=r"Did you mean KS11\?"):
        IndexChoice(market="kr", name="KS1").full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "nearest"),
    [
        ("/api/kx/stocks", "kr"),
        ("/api/kr/scans?scanner_version=v22", "v2"),
        ("/api/kr/stocks?serch=a", "search"),
        ("/api/kr/stocks?format=jsn", "json"),
        ("/api/kr/stocks?fields=cod", "code"),
    ],
)
def test_the_api_proposes_the_nearest(admin_client: Client, address: str, nearest: str) -> None:
    ScannerVersion.objects.get_or_create(slug="v2", defaults={"engine": "v2"})
    answer = admin_client.get(address)
    detail: Any = answer.json()["detail"]
    assert answer.status_code in (400, 404)
    assert detail.endswith(f"Did you mean {nearest}?"), detail


def test_a_misspelt_setting_is_named_with_the_one_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEISMO_DATADIR", "data")
    monkeypatch.setenv("SEISMO_QQQQ", "1")
    monkeypatch.setenv("SEISMO_SECRET_KEY_FILE", "key")  # a setting out of a file
    warnings = env.unknown_settings()
    assert [one for one in warnings if one.startswith("SEISMO_SECRET")] == []
    head = "is no setting and changes nothing: .env.example lists them."
    assert f"SEISMO_DATADIR {head} Did you mean SEISMO_DATA_DIR?" in warnings
    assert f"SEISMO_QQQQ {head}" in warnings


def test_a_choice_of_the_environment_proposes_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEISMO_SCAN_EXECUTOR", "proces")
    with pytest.raises(ImproperlyConfigured, match=r"Did you mean process\?"):
        env.choice("SEISMO_SCAN_EXECUTOR", "auto", ("auto", "inline", "process", "thread"))
