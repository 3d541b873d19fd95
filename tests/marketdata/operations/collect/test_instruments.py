"""Lists of what trades: instruments, point-in-time statements, listings and delistings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from marketdata.errors import DataProblem
from marketdata.models import Instrument, InstrumentStatus, LakePartition
from marketdata.operations.collect import CollectionOptions
from marketdata.operations.collect.instruments import SyncReport, sync
from tests.exchanges.kis_market import Instrument as Listed
from tests.marketdata.operations.kis_setup import NEVER, KisSetup, evening, generated_instruments, sessions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

MARKET = {
    "005930": Listed("삼성전자", [], listed=date(1975, 6, 11)),
    "005935": Listed("삼성전자우", [], preferred=True),
    "035720": Listed("카카오", [], "KOSDAQ", managed=True, caution=True, warning="02"),
    "0001A0": Listed("새 스팩", [], "KOSDAQ", spac=True, halted=True),
    "900110": Listed("외국 회사", [], "KOSDAQ", group="FS"),
    "069500": Listed("지수 펀드", [], group="EF"),
    "330590": Listed("부동산", [], group="RT"),
    "57JK01": Listed("주식워런트", [], group="EW"),
    "900001": Listed("코넥스", [], "KONEX"),
}


@pytest.fixture
def kis() -> Iterator[KisSetup]:
    with KisSetup(dict(MARKET)) as made:
        yield made


def synced(kis: KisSetup, day: date) -> SyncReport:
    return sync(kis.source, market="kr", as_of=evening(day))


def recorded_statuses(code: str) -> list[tuple[object, ...]]:
    names = ("valid_from", "valid_to", "segment", "kind", "managed", "caution", "halted", "warning")
    rows = InstrumentStatus.objects.filter(instrument__code=code, source="kis")
    return list(rows.order_by("valid_from").values_list(*names))


def test_names_segments_kinds_flags_and_listing_dates(kis: KisSetup) -> None:
    day = sessions()[-1]
    done = synced(kis, day)
    assert (done.listed, done.new, done.changed, done.passed_over) == (8, 8, 0, 1)
    rows = Instrument.objects.values_list("code", "name", "kind", "segment")
    assert {row[0]: row[1:] for row in rows} == {
        "005930": ("삼성전자", "common", "KOSPI"),
        "005935": ("삼성전자우", "preferred", "KOSPI"),
        "035720": ("카카오", "common", "KOSDAQ"),
        "0001A0": ("새 스팩", "spac", "KOSDAQ"),
        "900110": ("외국 회사", "common", "KOSDAQ"),
        "069500": ("지수 펀드", "etf", "KOSPI"),
        "330590": ("부동산", "reit", "KOSPI"),
        "900001": ("코넥스", "common", "KONEX"),
    }
    assert Instrument.objects.get(code="005930").listed_on == date(1975, 6, 11)
    assert recorded_statuses("005930") == [(day, day, "KOSPI", "common", False, False, False, "")]
    assert recorded_statuses("035720") == [(day, day, "KOSDAQ", "common", True, True, False, "02")]
    assert recorded_statuses("0001A0") == [(day, day, "KOSDAQ", "spac", False, False, True, "")]


def test_status_is_valid_from_the_day_of_its_file(kis: KisSetup) -> None:
    first, then, last = sessions()[-3:]
    synced(kis, first)
    synced(kis, then)
    assert recorded_statuses("005930") == [(first, then, "KOSPI", "common", False, False, False, "")]
    kis.exchange.market["005930"] = Listed("삼성전자", [], managed=True)
    done = synced(kis, last)
    assert (done.new, done.changed) == (0, 1)  # its listing date
    assert recorded_statuses("005930") == [
        (first, then, "KOSPI", "common", False, False, False, ""),
        (last, last, "KOSPI", "common", True, False, False, ""),
    ]
    again = synced(kis, last)
    assert (again.new, again.changed, again.gone) == (0, 0, ())


def test_two_lists_of_one_day_leave_the_later(kis: KisSetup) -> None:
    first, last = sessions()[-2:]
    synced(kis, first)
    synced(kis, last)
    kis.exchange.market["005930"] = Listed("삼성전자", [], halted=True)
    synced(kis, last)
    assert recorded_statuses("005930") == [
        (first, first, "KOSPI", "common", False, False, False, ""),
        (last, last, "KOSPI", "common", False, False, True, ""),
    ]


def test_a_delisting_is_recorded_reported_and_ends_requests(kis: KisSetup) -> None:
    first, last = sessions()[-2:]
    synced(kis, first)
    kept = kis.exchange.market.pop("005930")
    done = synced(kis, last)
    assert done.gone == ("005930",)
    assert Instrument.objects.get(code="005930").gone_on == last
    assert recorded_statuses("005930")[-1][1] == first
    plan = kis.plan(last, CollectionOptions(since=first))
    assert {(one.code, one.end) for one in plan.requests if one.code == "005930"} == {("005930", first)}
    assert synced(kis, last).gone == ()
    kis.exchange.market["005930"] = kept
    done = synced(kis, last + timedelta(days=3))
    assert done.back == ("005930",)
    assert Instrument.objects.get(code="005930").gone_on is None


def test_a_list_that_fails_delists_no_instrument(kis: KisSetup) -> None:
    first, last = sessions()[-2:]
    synced(kis, first)
    kis.exchange.market.pop("005930")
    kis.exchange.faults.only, kis.exchange.faults.rates = "kospi_code.mst.zip", {"error": 1.0}
    done = synced(kis, last)
    assert [segment for segment, _ in done.failures] == ["KOSPI"]
    assert (done.gone, done.listed) == ((), 4)


def test_a_list_that_lost_too_much_is_not_believed() -> None:
    with KisSetup(generated_instruments(300)) as kis:
        first, last = sessions()[-2:]
        synced(kis, first)
        for code in list(kis.exchange.market)[:40]:
            del kis.exchange.market[code]
        with pytest.raises(DataProblem, match="hold 260 of the 300 instruments"):
            synced(kis, last)
        assert not Instrument.objects.exclude(gone_on=None).exists()


def test_a_segment_that_lost_too_much_is_not_believed_though_the_others_are_whole() -> None:
    """30 of 60 are a tenth of all, and half of KONEX."""
    market = generated_instruments(300)
    for code in list(market)[:60]:
        market[code].segment = "KONEX"
    with KisSetup(market) as kis:
        first, last = sessions()[-2:]
        synced(kis, first)
        for code in list(kis.exchange.market)[:30]:
            del kis.exchange.market[code]
        with pytest.raises(DataProblem, match="hold 30 of the 60 instruments of KONEX"):
            synced(kis, last)


def test_what_changes_membership_marks_the_months_it_holds_for() -> None:
    with KisSetup(generated_instruments(2)) as kis:
        first, last = sessions()[-2:]
        synced(kis, first)
        kis.collect(last, CollectionOptions(since=sessions()[-60]))
        before = dict(LakePartition.objects.values_list("month", "wanted"))
        one = kis.exchange.market["000010"]
        kis.exchange.market["000010"] = Listed(one.name, one.bars, managed=True)
        synced(kis, last)
        after = dict(LakePartition.objects.values_list("month", "wanted"))
        assert {month for month in after if after[month] != before[month]} == {last.replace(day=1)}


def test_funds_are_recorded_but_not_collected(kis: KisSetup) -> None:
    synced(kis, sessions()[-1])
    plan = kis.plan(sessions()[-1], NEVER)
    assert plan.instruments == 7
    assert "069500" not in {one.code for one in plan.requests}
