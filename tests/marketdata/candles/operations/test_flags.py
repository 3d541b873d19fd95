"""Flags of the collector in the record: an admin turns them, a guard turns them off and says why."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata.candles import queries
from marketdata.candles.collector.features import RULES, Feature
from marketdata.candles.collector.planner import CandleRequest
from marketdata.candles.collector.timeframes import as_datetime
from marketdata.candles.models import CandleChunk
from marketdata.candles.operations.advice import advice, advised_pace
from marketdata.candles.operations.collect import collect
from marketdata.candles.operations.sources import candle_source
from marketdata.feature_guard import Guard
from marketdata.models import FeatureFlag, FlagRollback
from marketdata.operations.feature_flags import RecordFlags, rules
from tests.marketdata.candles.collector.minute_market import END, NOW, minutes
from tests.marketdata.candles.collector.stores import ListSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


def form(flag: FeatureFlag, **changed: Any) -> dict[str, Any]:
    shown = {
        "enabled": "on" if flag.enabled else "",
        "threshold": flag.threshold,
        "share": flag.share,
        "window": flag.window,
    }
    return {name: value for name, value in (shown | changed).items() if value != ""}


def collected(count: int, market: str = "KRW-BTC") -> None:
    source = ListSource(minutes(count), now=NOW)
    request = CandleRequest(market, "1m", count=count, before=as_datetime(END))
    collect(source=source, request=request, as_of=as_datetime(NOW))


def test_the_shipped_flags_are_the_rules_of_the_guard() -> None:
    assert set(rules(RULES)) == set(RULES)
    shipped = dict.fromkeys(Feature, True) | {Feature.ADVISED_PACE: False}
    assert queries.flags() == shipped
    FeatureFlag.objects.all().delete()
    assert queries.flags() == shipped
    assert set(rules(RULES)) == set(RULES)


def test_a_flag_that_does_harm_is_turned_off_once_with_a_warning_and_a_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    FeatureFlag.objects.filter(feature="look_ahead").update(threshold=0.1, window=5)
    flags, elsewhere = RecordFlags(), RecordFlags(clock=lambda: 0.0)
    assert elsewhere.enabled(Feature.LOOK_AHEAD)
    guard = Guard(flags, rules(RULES))
    for _ in range(20):
        guard.observe("seconds_analysis", 0.13)
    flag = FeatureFlag.objects.get(feature="look_ahead")
    assert (flag.enabled, flag.changed_by) == (False, "guard")
    (rollback,) = FlagRollback.objects.all()
    assert (rollback.metric, rollback.observations) == ("seconds_analysis", 5)
    assert rollback.mean == pytest.approx(0.13)
    assert not flags.enabled(Feature.LOOK_AHEAD)
    assert elsewhere.enabled(Feature.LOOK_AHEAD)  # looked at a moment ago
    assert not RecordFlags().enabled(Feature.LOOK_AHEAD)
    assert "look_ahead was turned off: seconds_analysis is 0.13 on average" in caplog.text


def test_only_a_person_turns_it_on_again(staff: Client) -> None:
    flag = FeatureFlag.objects.get(feature="combined_cache")
    page = f"/admin/marketdata/featureflag/{flag.pk}/change/"
    for enabled in (False, True):
        staff.post(page, form(flag, enabled="on" if enabled else "", threshold=0.2))
        flag.refresh_from_db()
        assert (flag.enabled, flag.threshold, flag.changed_by) == (enabled, 0.2, "ann")
        assert queries.flags()[Feature.COMBINED_CACHE] is enabled
    assert staff.post(page, form(flag, window=0)).status_code == 200  # refused
    flag.refresh_from_db()
    assert flag.window == 500


def test_a_feature_without_comparison_has_a_sentence_in_place_of_its_share(staff: Client) -> None:
    flag = FeatureFlag.objects.get(feature="look_ahead")
    FeatureFlag.objects.update(share=50)
    page = f"/admin/marketdata/featureflag/{flag.pk}/change/"
    html = staff.get(page).content.decode()
    assert "look_ahead is on or off; only process_pool, score_cache, warm_up can have a share." in html
    assert 'name="share"' not in html
    assert staff.post(page, form(flag, share=25)).status_code == 302
    flag.refresh_from_db()
    assert flag.share == 100
    compared = FeatureFlag.objects.get(feature="score_cache")
    page = f"/admin/marketdata/featureflag/{compared.pk}/change/"
    assert "is on or off" not in staff.get(page).content.decode()
    assert staff.post(page, form(compared, share=25)).status_code == 302
    compared.refresh_from_db()
    assert compared.share == 25


def test_the_admins_pages_ask_a_fixed_number_of_queries(staff: Client) -> None:
    collected(450)
    (collection,) = queries.collections()
    pages = (
        "/admin/candles/candlecollection/",
        f"/admin/candles/candlecollection/{collection.pk}/change/",
        "/admin/candles/candleseries/",
        f"/admin/candles/candleseries/{collection.series_id}/change/",
        "/admin/marketdata/featureflag/",
        "/admin/marketdata/flagrollback/",
    )
    for page in pages:
        staff.get(page)  # what is looked up once a process
    shown = {page: seen(staff, page) for page in pages}
    assert "100% of 450 slots" in shown[pages[0]][1]
    assert "<th>slots answered</th>" in shown[pages[1]][1]
    assert shown[pages[1]][1].count("<td>none</td>") == 3
    for n in range(8):
        collected(450 + n, f"KRW-C{n}")
    for page in pages:
        assert seen(staff, page)[0] == shown[page][0] < 10, page


def seen(staff: Client, page: str) -> tuple[int, str]:
    """How many queries a page asks, and what it shows."""
    with CaptureQueriesContext(connection) as requests:
        answer = staff.get(page)
    assert answer.status_code == 200
    return len(requests), answer.content.decode()


def test_progress_is_derived_from_chunks() -> None:
    collected(450)
    collection: Any = queries.collections().get()
    assert queries.collection_progress(collection).ratio == 1.0
    collection.status = "running"
    collection.settled_from = END - 90 * 60
    progress = queries.collection_progress(collection)
    assert (progress.slots, progress.settled) == (450, 90)
    assert progress.remaining == pytest.approx(collection.seconds / 450 * 360)
    assert progress.rows_per_second == pytest.approx(450 / collection.seconds)


def test_figures_of_the_newest_chunks_are_sums() -> None:
    collected(450)
    figures = queries.recent_figures()
    assert (figures["chunks"], figures["rows"], figures["calls"], figures["retries"]) == (3, 450, 3, 0)
    assert figures["memory_peak"] > 2**20
    assert figures["seconds_store"] > 0
    assert queries.recent_figures(1)["chunks"] == 1


def test_the_advised_pace_counts_while_its_flag_is_on_and_repeated_calls_turn_it_off() -> None:
    collected(4_000)
    CandleChunk.objects.update(retries=1)
    (row,) = advice()
    suggestion = row.suggestions[0]
    assert suggestion.pace == pytest.approx(0.9 * row.figures.usual_pace)
    assert advised_pace("upbit") == 0.0
    FeatureFlag.objects.filter(feature="advised_pace").update(enabled=True, window=5)
    assert (advised_pace("upbit"), advised_pace("bithumb")) == (suggestion.pace, 0.0)
    with closing(candle_source("upbit", per_second=advised_pace("upbit"))) as source:
        assert source.calls_per_second == suggestion.pace  # type: ignore[attr-defined]
    guard = Guard(RecordFlags(), rules(RULES))
    for retries in (0, 1, 0, 1, 0):
        guard.observe("retries_per_call", retries)
    assert advised_pace("upbit") == 0.0
