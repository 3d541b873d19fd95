"""Whole sessions of the exchange's Open API in the record: whole or not at all, and the rest with the next run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import translation

from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.operations.collect import CollectionReport, SessionPlan, plan_sessions, run_sessions
from marketdata.operations.collect.instruments import sync
from marketdata.operations.imports.prices import import_prices
from marketdata.templatetags.failures import failure_reason
from tests import realdata
from tests.exchanges.krx_open_api import KEY, KST, KrxOpenApi, recorded_days
from tests.exchanges.row_faults import ROW_FAULTS
from tests.exchanges.server import TRANSPORT_FAULTS, Faults
from tests.marketdata.sources.krx.krx_setup import krx_source, whole_session

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

THURSDAY, FRIDAY, MONDAY = date(2026, 8, 13), date(2026, 8, 14), date(2026, 8, 18)
"""Monday the 17th is a holiday."""
LATER = datetime(2026, 8, 19, 3, 0, tzinfo=UTC)


def days(*sessions: date) -> dict[date, Any]:
    return {session: whole_session(session, step=10 * n) for n, session in enumerate(sessions)}


def collect(
    served: dict[date, Any], *, now: datetime = LATER, since: date = THURSDAY, **options: Any
) -> CollectionReport:
    with krx_source(served, now=now, **options) as (_, source):
        return run_sessions(source, "kr", since=since, clock=lambda: now)


def recorded() -> dict[date, int]:
    rows = StockPrice.objects.filter(market="kr", source="krx").values_list("date", flat=True)
    return {day: list(rows).count(day) for day in set(rows)}


def test_sessions_are_recorded_once() -> None:
    served = days(THURSDAY, FRIDAY, MONDAY)
    report = collect(served)
    assert (report.counts.new, report.calls, report.failures) == (3 * 1_900, 6, {})
    row = StockPrice.objects.get(market="kr", date=FRIDAY, stock_code="000010")
    assert (row.close, row.base_price, row.market_cap, row.shares) == (10_020, 10_020, 10_020_000_000, 1_000_000)
    assert collect(served).calls == 0


def test_a_session_is_planned_from_the_next_business_day_on() -> None:
    """Friday's session is published on Tuesday the 18th, since Monday is a holiday."""
    for now, expected in (
        (datetime(2026, 8, 17, 12, 0, tzinfo=KST), (THURSDAY,)),
        (datetime(2026, 8, 18, 8, 9, tzinfo=KST), (THURSDAY,)),
        (datetime(2026, 8, 18, 8, 10, tzinfo=KST), (THURSDAY, FRIDAY)),
    ):
        with krx_source({}) as (_, source):
            plan = plan_sessions(source, market="kr", since=THURSDAY, as_of=now)
        assert plan.days == expected
        waiting = plan.waiting
        assert waiting is not None or expected == (THURSDAY, FRIDAY)
        if expected == (THURSDAY,):
            assert waiting == (FRIDAY, datetime(2026, 8, 18, 8, 10, tzinfo=KST))


def test_a_half_published_session_leaves_nothing_and_comes_with_the_next_run() -> None:
    served = days(THURSDAY, FRIDAY, MONDAY)
    half = served | {FRIDAY: {"KOSPI": served[FRIDAY]["KOSPI"]}}
    report = collect(half)
    assert recorded() == {THURSDAY: 1_900, MONDAY: 1_900}
    assert "KOSDAQ without a row" in report.failures["2026-08-14"]
    assert collect(served).counts.new == 1_900
    assert recorded()[FRIDAY] == 1_900


def test_an_empty_session_is_a_question_and_never_a_closed_day() -> None:
    report = collect(days(THURSDAY, MONDAY))
    assert list(report.failures) == ["2026-08-14"]
    assert "calendar overrides" in report.failures["2026-08-14"]


@pytest.mark.parametrize(
    ("session", "sentence"),
    [
        (whole_session(FRIDAY, kospi=699), "KOSPI has 699 rows, fewer than the 700"),
        (whole_session(FRIDAY, kosdaq=1_199), "KOSDAQ has 1,199 rows, fewer than the 1,200"),
        (whole_session(FRIDAY, kospi=700, kosdaq=1_200), ""),
    ],
)
def test_too_few_rows_of_a_segment(session: dict[str, Any], sentence: str) -> None:
    report = collect({FRIDAY: session}, since=FRIDAY, now=datetime(2026, 8, 18, 1, 0, tzinfo=UTC))
    assert sentence in report.failures.get("2026-08-14", "")
    assert recorded() == ({} if sentence else {FRIDAY: 1_900})


def test_fewer_bars_than_the_session_before() -> None:
    served = {THURSDAY: whole_session(THURSDAY, kosdaq=1_400), FRIDAY: whole_session(FRIDAY, kosdaq=1_290)}
    report = collect(served, now=datetime(2026, 8, 18, 1, 0, tzinfo=UTC))
    assert report.failures == {"2026-08-14": "1,990 bars, fewer than 95% of the 2,100 of the session before."}
    assert recorded() == {THURSDAY: 2_100}


def test_one_bad_row_is_rejected_and_many_refuse_the_session() -> None:
    served = days(FRIDAY)
    served[FRIDAY]["KOSPI"][0] |= {"TDD_CLSPRC": "x"}
    now = datetime(2026, 8, 18, 1, 0, tzinfo=UTC)
    report = collect(served, since=FRIDAY, now=now)
    assert (report.counts.new, sum(report.rejected.values())) == (1_899, 1)
    StockPrice.objects.all().delete()
    for row in served[FRIDAY]["KOSPI"][:100]:
        row["ACC_TRDVOL"] = "x"
    report = collect(served, since=FRIDAY, now=now)
    assert "of 1,900 rows are rejected" in report.failures["2026-08-14"]
    assert recorded() == {}


def test_every_reason_why_a_session_is_not_recorded_has_a_korean_form() -> None:
    now = datetime(2026, 8, 18, 1, 0, tzinfo=UTC)
    rejected = days(FRIDAY)
    for row in rejected[FRIDAY]["KOSPI"][:100]:
        row["ACC_TRDVOL"] = "x"
    fewer = {THURSDAY: whole_session(THURSDAY, kosdaq=1_400), FRIDAY: whole_session(FRIDAY, kosdaq=1_290)}
    reports = [
        collect(served, now=now, since=FRIDAY) for served in ({}, rejected, {FRIDAY: whole_session(FRIDAY, kospi=9)})
    ]
    reports += [collect(fewer, now=now), collect(fewer, now=now, api_key="of another")]
    reports.append(collect(days(FRIDAY), since=FRIDAY, now=now, approved=["KOSPI"]))
    reasons = [reason for report in reports for reason in (*report.failures.values(), report.stopped) if reason]
    assert len(reasons) == 6
    with translation.override("ko"):
        for reason in (*reasons, *(f"Session {FRIDAY}: {reason}" for reason in reasons[:4])):
            assert not failure_reason(reason).startswith("영문 기록"), reason


def test_the_calls_of_a_day_bound_all_its_runs_and_the_next_day_has_the_rest() -> None:
    """Of 5 calls 4 can be planned: two sessions."""
    served = days(THURSDAY, FRIDAY, MONDAY)
    plans: list[SessionPlan] = []
    midnight = datetime(2026, 8, 20, 0, 0, tzinfo=KST)
    with krx_source(served, calls_a_day=5) as (exchange, source):
        for now in (LATER, LATER, midnight):
            run_sessions(
                source,
                "kr",
                since=THURSDAY,
                clock=partial(datetime.fromtimestamp, now.timestamp(), KST),
                on_plan=plans.append,
            )
        assert sum(exchange.calls.values()) == 6
    assert [(plan.days, plan.later) for plan in plans[:2]] == [((THURSDAY, FRIDAY), 1), ((), 1)]
    assert plans[2].days == (MONDAY,)
    assert recorded() == {THURSDAY: 1_900, FRIDAY: 1_900, MONDAY: 1_900}


def test_an_unapproved_service_ends_the_run() -> None:
    report = collect(days(THURSDAY, FRIDAY), approved=["KOSPI"])
    assert "sto/ksq_bydd_trd" in report.stopped
    assert recorded() == {}


def test_statuses_of_kospi_leave_those_of_other_sources_alone() -> None:
    collect(days(FRIDAY), since=FRIDAY, now=datetime(2026, 8, 18, 1, 0, tzinfo=UTC))
    row = InstrumentStatus.objects.get(instrument__market="kr", instrument__code="000010", source="krx")
    assert (row.segment, row.managed, row.caution) == ("KOSPI", None, None)


def test_the_lists_of_issues_date_and_classify_instruments() -> None:
    """As of the last published session; what other sources recorded of KOSPI, and other kinds, are left alone."""
    with krx_source(days(THURSDAY, FRIDAY), now=LATER) as (exchange, source):
        run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER)
        Instrument.objects.create(market="kr", code="069500", kind="etf", segment="KOSPI")
        exchange.calls.clear()
        exchange.days = days(THURSDAY, FRIDAY, MONDAY)
        exchange.base_info = {
            "000010": {"LIST_DD": "1999/01/05", "SECUGRP_NM": "부동산투자회사"},
            "100010": {"SECT_TP_NM": "관리종목(소속부없음)", "LIST_DD": "20200102"},
            "000020": {"SECUGRP_NM": "신주인수권증서"},
        }
        report = sync(source, market="kr", as_of=LATER)
        assert (report.listed, report.passed_over, report.new, report.gone) == (1_899, 1, 0, ("000020",))
        assert sum(exchange.calls.values()) == 2
    rows = {row.code: row for row in Instrument.objects.filter(code__in=("000010", "100010", "000020", "069500"))}
    assert (rows["000010"].kind, rows["000010"].listed_on) == ("reit", date(1999, 1, 5))
    assert rows["000010"].name == "종목000010"
    assert (rows["100010"].listed_on, rows["000020"].gone_on) == (date(2020, 1, 2), MONDAY)
    assert rows["069500"].gone_on is None
    status = InstrumentStatus.objects.filter(instrument=rows["100010"], source="krx").latest("valid_from")
    assert (status.valid_from, status.managed, status.department) == (MONDAY, True, "관리종목(소속부없음)")
    status = InstrumentStatus.objects.filter(instrument=rows["000010"], source="krx").latest("valid_from")
    assert (status.kind, status.managed, status.halted) == ("reit", None, None)


def test_the_command_plans_collects_and_refuses_single_shares(settings: Any, capsys: Any) -> None:
    with KrxOpenApi(days(THURSDAY, FRIDAY)) as exchange:
        settings.SOURCES = settings.SOURCES | {"krx": {"api_key": KEY, "base_url": exchange.url, "per_second": 1_000}}
        call_command("collect_prices", "--since", "2026-08-13", "--dry-run")
        assert "kr from krx:" in capsys.readouterr().out
        with pytest.raises(CommandError, match="whole sessions, not single shares"):
            call_command("collect_prices", "--codes", "005930", "--source", "krx")
        assert sum(exchange.calls.values()) == 0


def test_the_recorded_exchange_files_by_api_equal_their_import(tmp_path: Path) -> None:
    """The exchange's own rows of 2026-02-19 and 20, served as the API has them, against the import of the file."""
    file, sessions = realdata.path("marcap-2026.parquet"), (date(2026, 2, 19), date(2026, 2, 20))
    served = {day: rows for day, rows in recorded_days().items() if day in sessions}
    report = collect(served, since=sessions[0], now=datetime(2026, 2, 23, 3, 0, tzinfo=UTC))
    assert (report.failures, report.rejected) == ({}, {})
    table = pq.read_table(file).to_pandas()
    part = tmp_path / "exchange.parquet"
    table[table["Date"].dt.date.isin(sessions) & (table["Market"] != "KONEX")].to_parquet(part)
    import_prices(files=[part], source="marcap", market="kr", as_of=LATER)
    fields = (
        "stock_code",
        "date",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "amount",
        "base_price",
        "market_cap",
        "shares",
    )
    by_api, by_file = (
        list(StockPrice.objects.filter(source=source).order_by("date", "stock_code").values_list(*fields))
        for source in ("krx", "marcap")
    )
    assert len(by_api) > 5_000
    assert by_api == by_file


FAULTS = (*ROW_FAULTS, "other day", "columns", *(kind for kind in TRANSPORT_FAULTS if kind != "skew"))


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_answers_record_nothing_wrong_and_the_next_runs_complete(fault: str) -> None:
    """Every second answer is faulty; three clean runs at most have all."""
    served, faults = traded_days(), Faults({fault: 0.5}, seed=4)
    expected = {row for day, rows in served.items() for each in rows.values() for row in map(bar_of_row, each)}
    columns = ("date", "stock_code", "open", "high", "low", "close", "volume", "amount", "base_price", "market_cap")
    query = StockPrice.objects.filter(market="kr", source="krx").values_list(*columns)
    with krx_source(served, now=LATER, faults=faults, hang=0.01) as (exchange, source):
        run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER)
        assert faults.hit[fault]
        whole = {row for row in query if None not in row}
        assert whole <= expected
        faults.rates.clear()
        before = sum(exchange.calls.values())
        report = run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER)
        assert report.calls == sum(exchange.calls.values()) - before
        assert run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER).calls == 0
    assert report.failures == {}
    assert set(query.all()) == expected


def test_prices_of_0_beside_a_volume_are_recorded_once_they_are_confirmed() -> None:
    """As of block trades alone: 0 in the first answer may be a fault."""
    served = traded_days()
    served[FRIDAY]["KOSPI"][5] |= {"TDD_OPNPRC": "0", "TDD_HGPRC": "0", "TDD_LWPRC": "0"}
    code = served[FRIDAY]["KOSPI"][5]["ISU_CD"]
    with krx_source(served, now=LATER) as (_, source):
        run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER)
        assert not StockPrice.objects.filter(stock_code=code, date=FRIDAY).exists()
        assert run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER).calls == 2
        assert StockPrice.objects.get(stock_code=code, date=FRIDAY).open == 0
        assert run_sessions(source, "kr", since=THURSDAY, clock=lambda: LATER).calls == 0


def traded_days() -> dict[date, Any]:
    """Three sessions whose rows have four different prices."""
    served = days(THURSDAY, FRIDAY, MONDAY)
    for rows in (each for segments in served.values() for each in segments.values()):
        for row in rows:
            close = int(row["TDD_CLSPRC"])
            prices = {"TDD_OPNPRC": close - 40, "TDD_HGPRC": close + 70, "TDD_LWPRC": close - 90}
            row |= {name: str(price) for name, price in prices.items()}
    return served


def bar_of_row(row: dict[str, str]) -> tuple[Any, ...]:
    names = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "TDD_CLSPRC", "ACC_TRDVOL", "ACC_TRDVAL")
    base = float(row["TDD_CLSPRC"]) - float(row["CMPPREVDD_PRC"])
    numbers = (*(float(row[name]) for name in names), base, float(row["MKTCAP"]))
    return (date.fromisoformat(row["BAS_DD"]), row["ISU_CD"], *numbers)
