"""What files of the field leave in the record: one code a company, missing zeros, composed text, bounded rejects."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from django.test import Client
from pytest_django import Settings

from marketdata.models import Instrument, InstrumentStatus, StockPrice
from marketdata.operations.imports.prices import import_prices
from marketdata.operations.record import rejects
from marketdata.queries import history, instrument_search, instruments
from tests.marketdata.operations.tidy_files import AS_OF, COLUMNS, import_file, write_tidy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reject_dir(tmp_path: Path, settings: Settings) -> None:
    settings.REJECT_DIR = tmp_path / "rejects"


def codes() -> list[str]:
    return sorted(Instrument.objects.values_list("code", flat=True))


def test_a_company_is_one_instrument_however_files_spell_it(tmp_path: Path) -> None:
    rows = [
        f"2026-08-{day},{code},1,1,1,1,1" for day, code in ((18, "BRK.B"), (19, "BRK-B"), (20, "BRK/B"), (20, "brk b"))
    ]
    report = import_file(write_tidy(tmp_path / "us.csv", rows), market="us")
    assert report.rejected == {"duplicate key in the file": 1}
    assert report.doubt == ""
    assert codes() == ["BRK.B"]
    assert StockPrice.objects.count() == 3


def test_the_spelling_that_was_recorded_first_stays(tmp_path: Path) -> None:
    Instrument.objects.create(market="us", code="BRK-B", name="Berkshire")
    import_file(write_tidy(tmp_path / "us.csv", ["2026-08-20,BRK.B,1,1,1,1,1"]), market="us")
    assert codes() == ["BRK-B"]
    for spelling in ("BRK-B", "BRK.B", "brk/b"):
        result = instruments.get_instrument("us", spelling)
        assert result is not None
        assert result.code == "BRK-B"


def test_nothing_is_no_instrument_and_odd_tickers_are(tmp_path: Path) -> None:
    odd = ["NA", "NAN", "TRUE", "NULL", "ON", "NO", "E"]
    none = ["", "None", "NaN", "nan", "Total", "Symbol", "Ticker"]
    rows = [f"2026-08-20,{code},1,1,1,1,1" for code in (*odd, *none)]
    report = import_file(write_tidy(tmp_path / "us.csv", rows), market="us")
    assert codes() == sorted(odd)
    assert report.rejected == {"not a code of this market": len(none)}
    assert "7 of its 14 rows were kept out: not a code of this market (row 8, code empty)" in report.doubt


def test_an_amount_of_0_beside_a_volume_is_missing_and_so_are_its_siblings(tmp_path: Path) -> None:
    more = "amount,base_price,market_cap,shares"
    rows = [
        "2026-08-19,000010,100,110,90,105,1000,0,0,0,0",
        "2026-08-20,000010,0,0,0,105,0,0,105,7,9",  # halted: certainly nothing was traded
    ]
    import_file(write_tidy(tmp_path / "kr.csv", rows, columns=f"{COLUMNS},{more}"))
    kept = StockPrice.objects.order_by("date").values_list(*more.split(","))
    assert list(kept) == [(None, None, None, None), (0.0, 105.0, 7.0, 9.0)]


def test_an_amount_of_0_that_is_recorded_already_reads_as_missing(tmp_path: Path) -> None:
    import_file(write_tidy(tmp_path / "kr.csv", ["2026-08-19,000010,100,110,90,105,1000"]))
    StockPrice.objects.update(amount=0.0)
    result = history.get_history(history.read_instrument_table("kr"), "000010")
    assert result is not None
    np.testing.assert_array_equal(result.fields["amount"], [105_000.0])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_and_departments_say_the_same_in_either_form_of_unicode(
    form: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    rows = [
        "2026-08-20,000010,1,1,1,1,1,가나다,KOSDAQ,관리종목(소속부없음)",
        "2026-08-20,000020,1,1,1,1,1,라마바,KOSDAQ,투자주의환기종목(소속부없음)",
        "2026-08-20,000030,1,1,1,1,1,사아리츠,KOSPI,",
        "2026-08-20,000040,1,1,1,1,1,자차스팩,KOSDAQ,",
    ]
    text = [unicodedata.normalize(form, row) for row in rows]
    import_file(write_tidy(tmp_path / "kr.csv", text, columns=f"{COLUMNS},name,market,department"))
    result = InstrumentStatus.objects.order_by("instrument__code")
    assert list(result.values_list("kind", "managed", "caution")) == [
        ("common", True, False),
        ("common", False, True),
        ("reit", False, False),
        ("spac", False, False),
    ]
    searched = unicodedata.normalize("NFD", "가나")
    assert [one.code for one in instrument_search.search_instruments(Instrument.objects.all(), searched)] == ["000010"]


def test_a_history_of_yfinance_needs_a_market_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    columns = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits"
    write_tidy(path, ["2026-08-20 00:00:00-04:00,1,1,1,1,1,0.0,0.0"], columns=columns)
    report = import_file(path, market="us")
    assert "whose prices are adjusted for dividends and splits" in report.error
    assert "--market us-adj" in report.error
    assert not StockPrice.objects.exists()
    report = import_file(path, market="us-adj")
    assert report.error == ""
    assert report.ignored == ("Dividends", "Stock Splits")
    assert import_file(path, market="us", adjusted=True).counts.new == 1
    assert list(StockPrice.objects.values_list("market", "stock_code", "date").order_by("market")) == [
        (market, "AAPL", report_day) for market in ("us", "us-adj") for report_day in [AS_OF.date().replace(day=20)]
    ]


def test_a_code_is_for_one_file_and_of_the_market(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(ValueError, match="--code is the code of one file"):
        import_prices(files=paths, code="005930", as_of=AS_OF)
    with pytest.raises(ValueError, match="'AAPL' is not a code of market kr"):
        import_prices(files=paths[:1], code="AAPL", as_of=AS_OF)


def test_a_reject_file_ends_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "MOST_ROWS", 20)
    monkeypatch.setattr(rejects, "PART", 7)
    rows = ["2026-08-20,000010,1,1,1,1,1"]
    rows += [f"2026-08-22,000020,1,1,1,1,{'9' * 1_000}"] * 50
    report = import_file(write_tidy(tmp_path / "kr.csv", rows))
    assert report.rejected == {"not a session": 50}
    assert report.reject_rows == 20
    assert report.reject_file is not None
    with report.reject_file.open(encoding="utf-8", newline="") as stream:
        kept = list(csv.DictReader(stream))
    assert len(kept) == 20
    assert {len(row["volume"]) for row in kept} == {rejects.CELL}


def test_every_spelling_of_a_code_opens_its_pages(tmp_path: Path, admin_client: Client) -> None:
    import_file(write_tidy(tmp_path / "us.csv", ["2026-08-20,BF/A,1,1,1,1,1"]), market="us")
    for spelling in ("BF.A", "BF-A", "bf.a"):
        answer = admin_client.get(f"/api/us/stocks/{spelling}")
        assert answer.status_code == 200
        assert answer.json()["code"] == "BF.A"
        answer = admin_client.get(f"/api/us/stocks/{spelling}/chart")
        assert answer.status_code == 200
        assert answer.json()["code"] == "BF.A"
        assert admin_client.get(f"/api/us/stocks/{spelling}/scans").status_code == 200
        assert admin_client.get(f"/api/us/stocks/{spelling}/flows").status_code == 200
    result = admin_client.get("/api/us/stocks", {"search": "BF/A"}).json()
    assert [one["code"] for one in result["results"]] == ["BF.A"]
