"""How many queries each page of the admin makes: the same for ten rows and for a hundred, and the number that
query_counts.json says. Where one changed for a reason, write it anew:

    RECORD_QUERY_COUNTS=1 pytest tests/admin/test_budgets.py
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from marketdata.candles.models import CandleChunk, CandleCollection, CandleCoverage, CandleSeries
from marketdata.models import (
    BarCorrection,
    CalendarOverride,
    FactorEvent,
    FeatureFlag,
    FlagRollback,
    FlowCorrection,
    IndexBar,
    IndexChoice,
    InstitutionalFlow,
    Instrument,
    InstrumentStatus,
    LakePartition,
)
from marketdata.operations import generations, task_queue
from scans.models import (
    Delivery,
    Notification,
    ScannerVersion,
    ScanRank,
    ScanRequest,
    ScanRun,
    VersionChange,
)
from scans.operations import signals
from scans.operations.evening.report import VersionReport
from seismo_site.models import ApiToken
from tests.admin.views import changes, lists
from tests.scans.conftest import AS_OF

COUNTS = Path(__file__).parent / "query_counts.json"
ROWS = 110
PRICES = "marketdata_stockprice"


@pytest.fixture
def many(scanned: Any, operator: User, django_user_model: Any) -> None:
    """A hundred rows and more of everything that there is a list of."""
    fill(operator, django_user_model)


def fill(operator: User, user_model: Any) -> None:
    """`ROWS` rows of everything that there is a list of."""
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(ROWS)]
    codes = [f"1{n:05d}" for n in range(ROWS)]
    now = timezone.now()
    Instrument.objects.bulk_create(
        Instrument(market="kr", code=code, name=f"No. {code}", last_bar=days[0]) for code in codes
    )
    last = Instrument.objects.get(code=codes[-1])
    InstrumentStatus.objects.bulk_create(
        InstrumentStatus(instrument=last, source="file", valid_from=day, valid_to=day) for day in days
    )
    CalendarOverride.objects.bulk_create(CalendarOverride(market="us", date=day) for day in days)
    FactorEvent.objects.bulk_create(
        FactorEvent(market="us", stock_code=code, date=days[0], ratio=0.5, created_at=now) for code in codes
    )
    BarCorrection.objects.bulk_create(
        BarCorrection(market="kr", stock_code=code, date=days[0], old={"close": 1.0}, replaced_at=now) for code in codes
    )
    InstitutionalFlow.objects.bulk_create(
        InstitutionalFlow(market="kr", stock_code=code, date=days[0], source="x", created_at=now, updated_at=now)
        for code in codes
    )
    FlowCorrection.objects.bulk_create(
        FlowCorrection(market="kr", stock_code=code, date=days[0], old={}, replaced_at=now) for code in codes
    )
    IndexBar.objects.bulk_create(
        IndexBar(
            market="kr",
            name="KS11",
            date=day,
            open=1,
            high=1,
            low=1,
            close=1,
            created_at=now,
            updated_at=now,
        )
        for day in days
    )
    IndexChoice.objects.bulk_create(IndexChoice(market=f"kr-{n}") for n in range(ROWS))
    LakePartition.objects.bulk_create(
        LakePartition(market="us", month=date(2000 + n // 12, n % 12 + 1, 1), wanted=1, written=1) for n in range(ROWS)
    )
    _candles(now)
    _scans(now)
    _notifications(now)
    user_model.objects.bulk_create(User(username=f"user{n}") for n in range(ROWS))
    Group.objects.bulk_create(Group(name=f"group {n}") for n in range(ROWS))
    ApiToken.objects.bulk_create(ApiToken(user=operator, name=f"token {n}", digest=f"{n}") for n in range(ROWS))
    _tasks(now)


def _candles(now: Any) -> None:
    series = CandleSeries.objects.bulk_create(
        CandleSeries(exchange="upbit", market=f"KRW-{n}", timeframe="1m") for n in range(ROWS)
    )
    last = CandleSeries.objects.get(market=series[-1].market)
    CandleCoverage.objects.bulk_create(
        CandleCoverage(series=last, start=120 * n, end=120 * n + 60) for n in range(ROWS)
    )
    CandleCollection.objects.bulk_create(
        CandleCollection(
            series=last,
            start=0,
            end=6000,
            closed_until=6000,
            by_count=False,
            status="done",
            started_at=now,
        )
        for _ in range(ROWS)
    )
    chunk = dict.fromkeys(
        ("slots_asked", "slots_answered", "rows", "calls", "retries", "bytes", "cache_hits"), 1
    ) | dict.fromkeys(("seconds_overlap", "seconds_api", "seconds_store"), 0.1)
    collection = CandleCollection.objects.latest("pk")
    CandleChunk.objects.bulk_create(
        CandleChunk(collection=collection, number=n, start=0, end=60, label="none", stored_at=0, **chunk)
        for n in range(ROWS)
    )
    FlagRollback.objects.bulk_create(
        FlagRollback(feature="x", metric="y", mean=1, threshold=1, observations=1, at=now) for _ in range(ROWS)
    )
    FeatureFlag.objects.bulk_create(
        FeatureFlag(feature=f"feature {n}", metric="x", threshold=1, window=1) for n in range(ROWS)
    )


def _scans(now: Any) -> None:
    versions = ScannerVersion.objects.bulk_create(
        ScannerVersion(slug=f"version-{n}", engine="v2", params={"risk_max": 3}) for n in range(ROWS)
    )
    VersionChange.objects.bulk_create(
        VersionChange(version=versions[-1], at=now, who="ann", after={"params": {"risk_max": n}}) for n in range(ROWS)
    )
    run = ScanRun.objects.order_by("pk").last()
    assert run
    session, ranks = run.answers.order_by("-date")[0], list(ScanRank.objects.filter(run=run))
    for n, version in enumerate(versions):
        run.pk, run.scanner_version = None, version
        run.save()
        session.pk, session.run, session.scanner_version = None, run, version
        session.published = n > 1
        session.save()
    copies = []
    for n in range(ROWS):
        rank = ranks[n % len(ranks)]
        copies.append(ScanRank(**{**_values(rank), "session": session, "code": f"{n}", "rank": n + 1}))
    ScanRank.objects.bulk_create(copies)
    ScanRequest.objects.bulk_create(
        ScanRequest(
            market="kr",
            versions=["rises"],
            first=session.date,
            last=session.date,
            sessions=1,
            request_hash="x",
            created_at=now,
            queued_at=now,
        )
        for _ in range(ROWS)
    )


def _notifications(now: Any) -> None:
    rows = Notification.objects.bulk_create(
        Notification(
            market="kr",
            session=date(2025, 1, 1) + timedelta(days=n),
            outcome="done",
            versions=[asdict(VersionReport("rises", "no_match", "nothing passed"))],
            digest="x",
            created_at=now,
            changed_at=now,
        )
        for n in range(ROWS)
    )
    Delivery.objects.bulk_create(
        Delivery(notification=row, channel=channel, digest="x") for row in rows for channel in ("webhook", "email")
    )


def _values(rank: ScanRank) -> dict[str, Any]:
    skipped = {"id", "session", "code", "rank"}
    return {
        field.name: getattr(rank, field.name) for field in ScanRank._meta.concrete_fields if field.name not in skipped
    }


def _tasks(now: Any) -> None:
    for kind, success in ((Success, True), (Failure, False)):
        kind.objects.bulk_create(
            kind(id=f"{success}{n}", name=f"{n}", func="f", started=now, stopped=now, success=success)
            for n in range(ROWS)
        )
    Schedule.objects.bulk_create(Schedule(func="f", name=f"{n}") for n in range(ROWS))
    OrmQ.objects.bulk_create(OrmQ(key="seismo", payload="", lock=now) for _ in range(ROWS))


def own_pages() -> dict[str, str]:
    """The pages that are neither a model's list nor a row's page, and lists with a filter, by name."""
    version = ScannerVersion.objects.get(slug="version-0").pk
    run = ScanRun.objects.order_by("pk")[0].pk
    return {
        "index": reverse("admin:index"),
        "coverage": reverse("admin:coverage"),
        "coverage of a market": reverse("admin:coverage_of_market", args=["kr"]),
        "suspected actions": reverse("admin:suspected_actions"),
        "version: add": reverse("admin:scans_scannerversion_add") + "?engine=v2",
        "version: clone": reverse("admin:scans_scannerversion_add") + f"?clone={version}",
        "version: run": reverse("admin:scans_version_run", args=[version]),
        "version: activate": reverse("admin:scans_version_activate", args=[version]),
        "version: history": reverse("admin:scans_scannerversion_history", args=[version]),
        "run: again": reverse("admin:scans_run_rerun", args=[run]),
        "notification: again": reverse(
            "admin:scans_notification_again", args=[Notification.objects.order_by("pk")[0].pk]
        ),
        "prices of a day": reverse(f"admin:{PRICES}_changelist") + "?date=2024-04-12",
        "prices of a code": reverse(f"admin:{PRICES}_changelist") + "?code=005930",
        "ranks of a code": reverse("admin:scans_scanrank_changelist") + "?code=005930",
    }


def count(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        query_counts = client.get(address)
    assert query_counts.status_code == 200, (address, query_counts.status_code)
    return len(queries)


def counts(client: Client, size: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    for one in admin.site._registry.values():
        monkeypatch.setattr(one, "list_per_page", size)
    pages = {**own_pages(), **dict(lists()), **dict(changes())}
    return {name: count(client, address) for name, address in pages.items()}


@pytest.mark.slow
def test_the_queries_of_every_page(many: None, console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (*own_pages().values(), *dict(changes()).values()):
        count(console, address)  # what is kept between requests is kept now
    ten, hundred = (counts(console, size, monkeypatch) for size in (10, 100))
    assert hundred == ten
    if os.environ.get("RECORD_QUERY_COUNTS"):
        COUNTS.write_text(json.dumps(dict(sorted(ten.items())), indent=2) + "\n")
    golden = json.loads(COUNTS.read_text())
    if not task_queue.in_database():  # messages that wait are no rows
        golden["index"] -= 1
    there = {name: n for name, n in golden.items() if name in ten}  # with Redis the queue has no list
    assert ten == there
    assert {name for name in golden if name not in ten} <= {"django_q_ormq", "django_q_ormq change"}


READINESS = 1
"""Queries of one more market with bars: the answers of its versions."""


def test_a_market_costs_what_its_readiness_does(many: None, console: Client) -> None:
    index = reverse("admin:index")
    count(console, index)
    before = count(console, index)
    query_counts = []
    for market in ("kr-adj", "kr-b"):
        Instrument.objects.create(market=market, code="1", last_bar=date(2024, 3, 4))
        generations.advance(market)
        LakePartition.objects.create(market=market, month=date(2024, 3, 1), wanted=1, written=1)
        cache.clear()
        count(console, index)
        query_counts.append(count(console, index))
    assert query_counts == [before + READINESS, before + 2 * READINESS]


def test_prices_are_never_counted(scanned: Any, console: Client) -> None:
    for query in ("", "?market=kr", "?code=005930", "?date=2024-04-12&p=1"):
        with CaptureQueriesContext(connection) as queries:
            console.get(reverse(f"admin:{PRICES}_changelist") + query)
        assert not [one for one in queries if "COUNT(" in one["sql"] and "stockprice" in one["sql"]]
