"""Every recorded code has an address that works, on the API, the pages and the admin."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from marketdata.models import Instrument, StockPrice

pytestmark = pytest.mark.django_db
CODES = [
    ("us", "BRK.B"),
    ("us", "BF/A"),
    ("kr", "005930"),
    ("upbit", "KRW-BTC"),
    ("us", "A/FLOW"),
]


@pytest.fixture(params=CODES, ids=lambda one: one[1])
def share(request: pytest.FixtureRequest) -> Instrument:
    """An instrument with a bar, whose code is recorded as it was before codes lost their slashes."""
    market, code = request.param
    instrument, _ = Instrument.objects.get_or_create(
        market=market, code=code, defaults={"name": "Share", "segment": "US", "kind": "stock"}
    )
    now = timezone.now()
    StockPrice.objects.create(
        stock_code=code,
        market=market,
        date=date(2024, 1, 2),
        source="file",
        open=1,
        high=1,
        low=1,
        close=1,
        volume=1,
        created_at=now,
        updated_at=now,
    )
    return instrument


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("below", ["", "/scans", "/flows"])
def test_the_api_has_an_address_for_the_code(admin_client: Client, share: Instrument, below: str, quoted: bool) -> None:
    code = quote(share.code, safe="" if quoted else "/")
    answer = admin_client.get(f"/api/{share.market}/stocks/{code}{below}")
    assert answer.status_code == 200, answer.content
    if not below:
        assert answer.json()["code"] == share.code


@pytest.mark.parametrize("name", ["chart", "explain", "scans", "flows"])
def test_what_is_below_a_code_is_no_part_of_it(name: str) -> None:
    result = resolve(f"/api/us/stocks/BF/A/{name}")
    assert result.kwargs == {"market": "us", "code": "BF/A"}
    assert resolve(f"/api/us/stocks/AAPL/{name}").kwargs == {"market": "us", "code": "AAPL"}
    assert resolve("/api/us/analysis/BF/A").kwargs["code"] == "BF/A"


def test_the_pages_have_an_address_for_the_code(admin_client: Client, share: Instrument) -> None:
    address = reverse("pages:stock", kwargs={"market": share.market, "code": share.code})
    assert resolve(address).kwargs["code"] == share.code
    assert admin_client.get(address).status_code == 200
    response = admin_client.get(f"/{share.market}/search", {"q": share.code})
    assert response.status_code == 302
    assert response["Location"] == address


@pytest.mark.parametrize("model", ["instrument", "stockprice"])
def test_the_admin_has_an_address_for_the_code(admin_client: Client, share: Instrument, model: str) -> None:
    listed = admin_client.get(
        reverse(f"admin:marketdata_{model}_changelist"), {"q": share.code, "market": share.market}
    )
    assert listed.status_code in (200, 302)
    change = reverse("admin:marketdata_instrument_change", args=[share.pk])
    assert admin_client.get(change).status_code == 200
