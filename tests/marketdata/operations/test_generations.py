"""Whatever changes what is shown of a market begins a new generation of it: no answer that was kept outlives it.
(Bars, flows and events: see their own tests.)"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.models import Generation
from marketdata.operations import generations
from marketdata.operations.collect import holidays, instruments
from marketdata.operations.imports.index_series import choose_index, import_index
from tests.exchanges.kis_market import Instrument as Listed
from tests.marketdata.operations.kis_setup import KisSetup, evening, sessions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

MONDAY = date(2026, 8, 24)


@pytest.fixture(autouse=True)
def begun() -> None:
    """A market and another one with its rules."""
    for name in ("kr", "kr-adj"):
        generations.advance(name)


def moved(before: dict[str, datetime]) -> set[str]:
    """The markets whose generation is another than before."""
    return {name for name, at in now().items() if before[name] != at}


def now() -> dict[str, datetime]:
    return dict(Generation.objects.values_list("name", "changed_at"))


def test_a_list_of_what_trades() -> None:
    with KisSetup({"005930": Listed("삼성전자", [])}) as kis:
        before = now()
        instruments.sync(kis.source, market="kr", as_of=evening(sessions()[-1]))
    assert moved(before) == {"kr"}


def test_holidays() -> None:
    with KisSetup({}, closed=frozenset({date(2026, 8, 25)})) as kis:
        before = now()
        holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
        assert moved(before) == {"kr", "kr-adj"}
        before = now()
        holidays.sync(kis.source, market="kr", as_of=evening(MONDAY))
    assert moved(before) == set()


def test_an_index_and_which_one_is_chosen(tmp_path: Path, client: Client) -> None:
    file = tmp_path / "index.csv"
    days = ["2024-03-04", "2024-03-05"]
    rows = pd.DataFrame({"date": days, "open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0})
    rows.to_csv(file, index=False)
    before = now()
    import_index(file=file, market="kr", name="KS11", as_of=evening(date(2024, 6, 1)))
    assert moved(before) == {"kr", "kr-adj"}
    before = now()
    import_index(file=file, market="kr", name="KS11", as_of=evening(date(2024, 6, 2)))
    assert moved(before) == set()
    choose_index(market="kr", name="KS11")
    assert moved(before) == {"kr", "kr-adj"}
    before = now()
    client.force_login(User.objects.create_superuser("operator"))
    response = client.post("/admin/marketdata/indexchoice/add/", {"market": "kr-adj", "name": ""})
    assert response.status_code == 302
    assert moved(before) == {"kr-adj"}
