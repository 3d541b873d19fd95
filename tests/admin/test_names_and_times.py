"""Lists name versions and shares, not row ids; times are on the market's clock with its zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.test import Client
from django.urls import reverse

from marketdata.candles.models import CandleCollection, CandleCoverage, CandleSeries
from marketdata.models import BarCorrection, FactorEvent, Instrument, InstrumentStatus
from scans.models import (
    Backfill,
    Notification,
    QuarantineDecision,
    ScannerVersion,
    ScanRank,
    ScanRequest,
    ScanRun,
    ScanSession,
    Signal,
)
from scans.operations import signals
from tests.admin.views import page
from tests.scans.conftest import AS_OF

AT = datetime(2024, 6, 1, 9, 42, tzinfo=UTC)
IN_SEOUL = '<time class="moment" title="2024-06-01 09:42 UTC">2024-06-01 18:42 KST</time>'
IN_NEW_YORK = '<time class="moment" title="2024-06-01 09:42 UTC">2024-06-01 05:42 EDT</time>'
DAY = date(2024, 4, 30)


def listed(console: Client, model: type, **query: str) -> str:
    meta = model._meta  # type: ignore[attr-defined]
    return page(console, reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"), **query)


def shown(console: Client, row: Any) -> str:
    meta = row._meta
    return page(console, reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]))


def test_runs_sessions_and_picks_are_called_by_their_version(scanned: Any) -> None:
    run = ScanRun.objects.get(scanner_version__slug="rises-10")
    days = f"{run.first} to {run.last}"
    assert str(run) == f"rises-10 on kr, {days} (run {run.pk})"
    session = run.answers.get(date=run.last)
    assert str(session) == f"rises-10 on kr, {run.last}: published"
    decision = QuarantineDecision(session=session, verdict="published", who="ann", at=AS_OF)
    assert str(decision) == f"rises-10 on kr, {run.last}: published, published by ann"
    backfill = Backfill(scanner_version=run.scanner_version, market="kr", first=DAY, last=DAY, status="running")
    assert str(backfill) == "backfill of rises-10 on kr, 2024-04-30 to 2024-04-30: running"
    rank = ScanRank(date=DAY, scanner_version=run.scanner_version, rank=3, code="005930", name="Samsung")
    assert str(rank) == "2024-04-30 rises-10 #3 005930 Samsung"


def test_statuses_and_candles_are_called_by_what_they_are_of() -> None:
    status = InstrumentStatus(instrument_id=77, source="krx", valid_from=DAY, valid_to=DAY)
    assert str(status) == "krx, 2024-04-30 to 2024-04-30"
    series = CandleSeries(pk=78, exchange="upbit", market="KRW-BTC", timeframe="1m")
    verified = CandleCoverage(series=series, start=0, end=3_600)
    assert str(verified) == "1970-01-01 00:00 UTC to 1970-01-01 01:00 UTC"
    collection = CandleCollection(pk=79, series=series, start=0, end=86_400, status="done")
    assert str(collection) == "upbit KRW-BTC 1m, 1970-01-01 00:00 UTC to 1970-01-02 00:00 UTC: done"


def test_rows_with_a_code_have_the_name_of_the_share(market: Any, console: Client) -> None:
    Instrument.objects.filter(code="005930").update(name="Samsung Electronics")
    Instrument.objects.create(market="us", code="005930", name="Another share")
    BarCorrection.objects.create(
        market="kr", stock_code="005930", date=DAY, source="kis", old={"close": 1.0}, replaced_at=AT
    )
    event = FactorEvent.objects.create(
        market="us", stock_code="005930", date=DAY, ratio=0.5, source="file", created_at=AT
    )
    assert "Samsung Electronics" in listed(console, BarCorrection)
    assert IN_SEOUL in listed(console, BarCorrection)
    text = listed(console, FactorEvent)
    assert "Another share" in text
    assert IN_NEW_YORK in text
    assert "Samsung Electronics" not in text
    assert "Another share" in shown(console, event)


def test_signals_name_the_share_and_the_version(scanned: Any, console: Client) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    ScanRank.objects.update(name="Samsung Electronics")
    one = Signal.objects.filter(scanner_version__slug="rises").latest("pk")
    assert "Samsung Electronics" in listed(console, Signal)
    text = shown(console, one)
    assert f"{one.rank.date} rises #{one.rank.rank} {one.code} Samsung Electronics" in text


def test_times_of_a_market_s_rows_have_its_zone(scanned: Any, console: Client) -> None:
    ScanRun.objects.update(started_at=AT, finished_at=AT)
    run = ScanRun.objects.latest("pk")
    assert IN_SEOUL in listed(console, ScanRun)
    assert shown(console, run).count(IN_SEOUL) == 2
    text = listed(console, ScanSession)
    assert f"{run.first} to {run.last}</a>" in text
    assert f">run {run.pk}<" not in text
    queued = ScanRequest.objects.create(
        market="us",
        versions=["rises"],
        first=DAY,
        last=DAY,
        sessions=1,
        request_hash="x",
        created_at=AT,
        queued_at=AT,
    )
    assert IN_NEW_YORK in listed(console, ScanRequest)
    assert IN_NEW_YORK in shown(console, queued)
    notification = Notification.objects.create(
        market="kr", session=DAY, outcome="done", digest="x", created_at=AT, changed_at=AT
    )
    notification.deliveries.create(channel="email", digest="x", sent_at=AT)
    text = listed(console, Notification)
    assert IN_SEOUL in text
    assert "email: sent 2024-06-01 18:42 KST" in text


def test_times_of_rows_without_a_market_are_in_utc(console: Client) -> None:
    ScannerVersion.objects.filter(slug="v1").update(updated_at=AT)
    assert "2024-06-01 09:42 UTC" in listed(console, ScannerVersion)
