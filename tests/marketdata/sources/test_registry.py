"""The table of sources: no name twice, every source fits the contract, and what a person may know of them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from marketdata import checks
from marketdata.operations import sources
from marketdata.sources import registry
from marketdata.sources.base import Capability, Source, SourceRefused
from marketdata.sources.daily import DailyBarSource, QuoteSource
from marketdata.sources.registry import SOURCES, SourceDependencies, table

KEYS = {"environment": "real", "app_key": "PSverysecretkey", "app_secret": "the-very-secret"}


def made(name: str, **options: Any) -> Source:
    source = registry.build(name, options, SourceDependencies())
    source.close()
    return source


def test_two_sources_of_one_name_are_refused() -> None:
    line = ("kis", SOURCES["kis"])
    with pytest.raises(ValueError, match="Two sources are called 'kis'"):
        table(line, ("upbit", SOURCES["upbit"]), line)


def test_unknown_source_is_refused_with_the_list_of_sources() -> None:
    with pytest.raises(SourceRefused, match="choose one of kis, kis-us, krx, yfinance, upbit, bithumb"):
        made("kiss")


OPTIONS: dict[str, dict[str, Any]] = {
    "kis": {**KEYS},
    "kis-us": {**KEYS},
    "krx": {"api_key": "the-very-secret"},
    "yfinance": {"enabled": True},
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_called_by_its_name_and_can_do_what_it_says(name: str) -> None:
    source = made(name, **OPTIONS.get(name, {}))
    assert isinstance(source, Source)
    assert source.name == name
    assert source.missing_settings() == ()
    assert isinstance(source, DailyBarSource) is (Capability.DAILY_BARS in source.capabilities)
    assert not isinstance(source, QuoteSource) or Capability.QUOTES in source.capabilities


def listed(**options: Any) -> str:
    out = StringIO()
    call_command("sources", stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_tells_what_is_missing_and_never_a_secret(settings: Settings) -> None:
    settings.SOURCES = {"kis": KEYS | {"app_secret": ""}}
    text = listed()
    assert "kis      Korea Investment & Securities: not configured, missing KIS_APP_SECRET" in text
    assert "upbit    Upbit: configured" in text
    settings.SOURCES = {"kis": KEYS}
    kis, *_ = [json.loads(line) for line in listed(format="json").splitlines()]
    assert kis["is_configured"]
    assert "quotes" in kis["can"]
    settings.SOURCES = {"kis": KEYS | {"environment": "paper"}}
    kis, *_ = [json.loads(line) for line in listed(format="json").splitlines()]
    assert "quotes" not in kis["can"]
    for output in (text, listed(), listed(format="json")):
        assert "PSverysecretkey" not in output
        assert "the-very-secret" not in output


@pytest.mark.django_db
def test_the_command_names_market_calls_and_finality() -> None:
    rows = {row["name"]: row for row in map(json.loads, listed(format="json").splitlines())}
    assert {name: (rows[name]["market"], rows[name]["final"]) for name in ("kis", "krx", "upbit")} == {
        "kis": ("kr", "from 08:00 of the next day on"),
        "krx": ("kr", "once published: from 08:10 of the next session's day on"),
        "upbit": ("upbit", "from the close on"),
    }
    assert rows["krx"]["calls"] == "2 calls a session of all instruments, 10,000 a day"
    assert "30 instruments a call on the evening of a session" in rows["kis"]["calls"]
    assert "kr: 2 calls a session of all instruments" in listed()


@pytest.mark.django_db
def test_settings_that_contradict_each_other_are_reported(settings: Settings) -> None:
    real = "https://openapi.koreainvestment.com:9443"
    settings.SOURCES = {"kis": KEYS | {"environment": "paper", "base_url": real}}
    assert "the address is that of real: change one of them" in listed()
    with pytest.raises(SourceRefused, match="change one of them"):
        sources.get_source("kis", SourceDependencies())
    assert [(error.id, "change one of them" in error.msg) for error in checks.check_sources()] == [
        ("marketdata.E001", True)
    ]


def test_a_source_that_is_not_configured_is_refused(settings: Settings) -> None:
    settings.SOURCES = {"kis": KEYS | {"app_key": ""}}
    with pytest.raises(SourceRefused, match="not configured: set KIS_APP_KEY"):
        sources.get_source("kis", SourceDependencies())
