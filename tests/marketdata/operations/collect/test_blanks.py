"""Answers that lack values, against what the imitation serves: no wrong bar, and a clean rerun has them all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

import tests.exchanges.kis
from marketdata.models import BarCorrection, BarCoverage, StockPrice
from marketdata.operations.collect import CollectionOptions, CollectionReport, coverage
from marketdata.operations.collect.coverage import merge_spans, subtract
from marketdata.sources.kis import parse
from tests.exchanges.kis_market import Bar
from tests.exchanges.server import Faults
from tests.marketdata.operations.kis_setup import (
    KisSetup,
    create_instruments,
    generated_instruments,
    recorded_rows,
    served_rows,
    sessions,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def whole(kis: KisSetup, sessions_back: int) -> list[tuple[Any, ...]]:
    last = sessions()[-1]
    return [row for code, one in kis.market.items() for row in served_rows(code, one.bars[-sessions_back:], last)]


def prices(rows: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Without amount and base price, which may be missing for a while."""
    return {row[:7] for row in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.slow
def test_spoiled_answers_record_no_wrong_bar_and_a_clean_rerun_completes_them(seed: int) -> None:
    """15 % of all answers lack values or whole rows: of two pages for each of forty instruments."""
    faults = Faults({"spoiled": 0.15}, seed=seed)
    with KisSetup(generated_instruments(40), faults=faults, seed=seed) as kis:
        create_instruments(*kis.market)
        days = sessions()
        kis.collect(days[-2], CollectionOptions(since=days[-130]))
        kis.collect(days[-1])
        assert faults.hit["spoiled"] > 8
        expected = whole(kis, 130)
        assert prices(recorded_rows()) <= prices(expected)
        amounts = {row[:2]: row[7:] for row in expected}
        for row in recorded_rows():
            wanted = amounts[row[:2]]
            assert row[7] in (None, wanted[0])
            assert row[8] in (None, wanted[1])
        faults.rates = {}
        report = kis.collect(days[-1])
        assert (report.failures, report.stopped) == ({}, "")
        assert recorded_rows() == sorted(expected)
        assert not BarCoverage.objects.filter(spoiled=True).exists()
        assert kis.collect(days[-1]).calls == 0


BLANKS = ["", " ", "\u3000", "-", "--", "N/A", "nan", None]


def spoiled(kis: KisSetup, monkeypatch: pytest.MonkeyPatch, session: date, **values: str | None) -> None:
    """Every answer of daily bars has these values on one session; None: the field is missing."""

    def row(bar: Bar) -> dict[str, str]:
        made = real(bar)
        if bar.session == session:
            made |= {name: value for name, value in values.items() if value is not None}
            for name in (name for name, value in values.items() if value is None):
                del made[name]
        return made

    real: Callable[[Bar], dict[str, str]] = tests.exchanges.kis._bar_row
    monkeypatch.setattr(tests.exchanges.kis, "_bar_row", row)


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("name", ["stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol"])
def test_a_blank_price_or_volume_makes_no_bar(name: str, blank: str | None) -> None:
    row = {
        "stck_bsop_date": "20260820", "stck_oprc": "10", "stck_hgpr": "12", "stck_lwpr": "9",
        "stck_clpr": "11", "acml_vol": "100", "acml_tr_pbmn": "1100", "prdy_vrss": "1",
        "prdy_vrss_sign": "2",
    }  # fmt: skip
    if blank is None:
        del row[name]
    else:
        row[name] = blank
    page = parse.daily_bars({"output2": [row], "output1": {}}, "005930", "Bars")
    assert page.bars == []
    assert page.spoiled == [(date(2026, 8, 20), date(2026, 8, 20))]


@pytest.mark.parametrize(
    ("values", "is_bar"),
    [
        (("10", "12", "9", "11", "100"), True),
        (("0", "0", "0", "11", "0"), True),  # halted
        (("11", "11", "11", "11", "0"), True),  # untraded, as some feeds write it
        (("0", "0", "0", "11", "100"), False),
        (("0", "12", "9", "11", "100"), False),
        (("10", "12", "0", "11", "100"), False),
        (("10", "12", "9", "11", "0"), False),
        (("10", "12", "9", "0", "100"), False),
        (("10", "12", "9", "11", "-1"), False),
    ],
)
def test_prices_and_volume_that_contradict_each_other_make_no_bar(values: tuple[str, ...], is_bar: bool) -> None:
    names = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")
    row = {"stck_bsop_date": "20260820", **dict(zip(names, values, strict=True))}
    page = parse.daily_bars({"output2": [row], "output1": {}}, "005930", "Bars")
    assert bool(page.bars) is is_bar
    quote = dict(
        zip(
            ("inter2_oprc", "inter2_hgpr", "inter2_lwpr", "inter2_prpr", "acml_vol"),
            values,
            strict=True,
        )
    )
    quote |= {"inter_shrn_iscd": "005930", "inter2_sdpr": "10", "acml_tr_pbmn": "1000"}
    (quotes_row,) = parse.quotes({"output": [quote]}, "Quotes")
    assert quotes_row.is_whole is is_bar


@pytest.mark.parametrize(
    ("change", "sign", "base"),
    [
        ("1", "2", 10),
        ("1", "5", 12),
        ("-1", "5", 12),
        ("0", "3", 11),
        ("", "2", None),
        ("1", "", None),
        ("-1", "", 12),
    ],
)
def test_a_change_without_its_sign_makes_no_base_price(change: str, sign: str, base: int | None) -> None:
    row = {
        "stck_bsop_date": "20260820", "stck_oprc": "10", "stck_hgpr": "12", "stck_lwpr": "9", "stck_clpr": "11",
        "acml_vol": "100", "acml_tr_pbmn": "1100", "prdy_vrss": change, "prdy_vrss_sign": sign,
    }  # fmt: skip
    page = parse.daily_bars({"output2": [row], "output1": {}}, "005930", "Bars")
    assert page.bars[0].base_price == base
    assert page.partial == ([] if base else [date(2026, 8, 20)])


def test_an_amount_of_nothing_beside_a_volume_is_missing() -> None:
    row = {
        "stck_bsop_date": "20260820", "stck_oprc": "10", "stck_hgpr": "12", "stck_lwpr": "9", "stck_clpr": "11",
        "acml_vol": "100", "acml_tr_pbmn": "0", "prdy_vrss": "1", "prdy_vrss_sign": "2",
    }  # fmt: skip
    page = parse.daily_bars({"output2": [row], "output1": {}}, "005930", "Bars")
    assert page.bars[0].amount is None
    assert page.partial == [date(2026, 8, 20)]


def test_a_row_without_a_date_leaves_the_days_between_its_neighbours_open() -> None:
    def row(day: str) -> dict[str, str]:
        return {
            "stck_bsop_date": day, "stck_oprc": "10", "stck_hgpr": "12", "stck_lwpr": "9", "stck_clpr": "11",
            "acml_vol": "1", "acml_tr_pbmn": "11", "prdy_vrss": "1", "prdy_vrss_sign": "2",
        }  # fmt: skip

    body = {"output2": [{}, row("20260820"), {}, row("20260814"), {}], "output1": {}}
    page = parse.daily_bars(body, "005930", "Bars")
    assert page.spoiled == [
        (date(2026, 8, 21), None),
        (date(2026, 8, 15), date(2026, 8, 19)),
        (None, date(2026, 8, 13)),
    ]


def test_requests_for_an_open_session_end(monkeypatch: pytest.MonkeyPatch) -> None:
    days = sessions()
    monkeypatch.setattr(coverage, "TRIES", 4)
    with KisSetup(generated_instruments(2)) as kis:
        create_instruments(*kis.market)
        spoiled(kis, monkeypatch, days[-9], stck_hgpr="")
        calls, failed = [], []
        for _ in range(5):
            report = kis.collect(days[-1], CollectionOptions(since=days[-20], check_every=0))
            calls.append(kis.calls().get("inquire-daily-itemchartprice", 0))
            failed.append(set(report.failures))
        assert calls == [4, 4, 0, 0, 0]  # each run asks twice, and each answer in vain counts
        assert failed[0] == {"000010", "000020"}
        assert not StockPrice.objects.filter(date=days[-9]).exists()
        assert {row.tries for row in BarCoverage.objects.filter(spoiled=True)} == {4}


def test_a_quote_without_a_value_requests_its_bars() -> None:
    days = sessions()
    with KisSetup(generated_instruments(30)) as kis:
        create_instruments(*kis.market)
        kis.collect(days[-2], CollectionOptions(since=days[-20]))
        kis.exchange.faults.only = "intstock-multprice"
        kis.exchange.faults.next("spoiled")
        report = kis.collect(days[-1])
        assert (report.counts.new, report.failures) == (30, {})
        assert recorded_rows(date=days[-1]) == whole(kis, 1)


def test_zeros_beside_a_volume_in_a_quote_are_not_a_halted_day() -> None:
    days = sessions()
    with KisSetup(generated_instruments(30)) as kis:
        create_instruments(*kis.market)
        kis.collect(days[-2], CollectionOptions(since=days[-20]))
        kis.exchange.faults.only = "intstock-multprice"
        kis.exchange.faults.next("zeros")
        kis.collect(days[-1])
        assert recorded_rows(date=days[-1]) == whole(kis, 1)


# --- requested again ----------------------------------------------------------------------------------


def refetch(kis: KisSetup, code: str, since: date) -> CollectionReport:
    return kis.collect(sessions()[-1], CollectionOptions(codes=(code,), since=since, refetch=True))


def test_a_refetch_asks_again_and_keeps_what_it_replaces() -> None:
    days = sessions()
    with KisSetup(generated_instruments(2)) as kis:
        create_instruments(*kis.market)
        gap = kis.market["000010"].bars.pop(-12)  # answered: no bar on that session
        kis.collect(days[-1], CollectionOptions(since=days[-40]))
        StockPrice.objects.filter(stock_code="000010", date=days[-30]).update(high=1.0, low=1.0)
        kis.market["000010"].bars.insert(-11, gap)
        assert kis.collect(days[-1]).calls == 0
        report = refetch(kis, "000010", days[-40])
        assert (report.counts.new, report.counts.corrected, report.failures) == (1, 1, {})
        assert recorded_rows() == sorted(whole(kis, 40))
        correction = BarCorrection.objects.get()
        assert (correction.date, correction.reason) == (days[-30], "fetched again")
        assert correction.old == {"high": 1.0, "low": 1.0}
        assert set(kis.calls()) == {"inquire-daily-itemchartprice"}


def test_a_refetch_names_recorded_bars_that_the_source_no_longer_has() -> None:
    days = sessions()
    with KisSetup(generated_instruments(1)) as kis:
        create_instruments(*kis.market)
        kis.collect(days[-1], CollectionOptions(since=days[-20]))
        del kis.market["000010"].bars[-5]
        report = refetch(kis, "000010", days[-20])
        assert report.absent == (("000010", days[-5]),)
        assert StockPrice.objects.filter(date=days[-5]).exists()


def test_a_refetch_that_lacks_a_session_leaves_it_open() -> None:
    days = sessions()
    with KisSetup(generated_instruments(1)) as kis:
        create_instruments(*kis.market)
        kis.collect(days[-1], CollectionOptions(since=days[-20]))
        kis.exchange.faults.next("blank", "blank")
        refetch(kis, "000010", days[-20])
        assert BarCoverage.objects.filter(spoiled=True).exists()
        kis.collect(days[-1])
        assert not BarCoverage.objects.filter(spoiled=True).exists()


# --- spans --------------------------------------------------------------------------------------------

D = date(2026, 8, 3)


def day(number: int) -> date:
    return D + timedelta(days=number)


@pytest.mark.parametrize(
    ("holes", "pieces"),
    [
        ([], [(0, 9)]),
        ([(3, 3)], [(0, 2), (4, 9)]),
        ([(0, 0), (9, 9)], [(1, 8)]),
        ([(0, 9)], []),
        ([(2, 3), (4, 5)], [(0, 1), (6, 9)]),
        ([(20, 21)], [(0, 9)]),
    ],
)
def test_a_span_without_its_holes(holes: list[tuple[int, int]], pieces: list[tuple[int, int]]) -> None:
    rows = [(day(first), day(last)) for first, last in holes]
    assert subtract((day(0), day(9)), rows) == [(day(first), day(last)) for first, last in pieces]


def test_pieces_around_an_open_session_do_not_touch() -> None:
    import numpy as np

    calendar = np.arange("2026-08-03", "2026-08-13", dtype="datetime64[D]")
    pieces = subtract((day(0), day(9)), [(day(4), day(4))])
    assert merge_spans(pieces, calendar) == pieces
    assert coverage.span_positions((day(1), day(3)), calendar) == range(1, 4)


def test_calls_reported_are_calls_made() -> None:
    """Refused, failed and repeated calls count, and that for the token."""
    days = sessions()
    faults = Faults({"busy": 0.1, "error": 0.1, "transient": 0.1}, seed=4)
    with KisSetup(generated_instruments(20), faults=faults) as kis:
        create_instruments(*kis.market)
        report = kis.collect(days[-1], CollectionOptions(since=days[-150]))
        assert report.failures == {}
        assert report.calls == sum(kis.exchange.calls.values()) > report.planned
