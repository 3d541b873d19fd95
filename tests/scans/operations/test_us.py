"""Scans of US shares: prices collected from KIS and the same prices from a file give the same ranks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from marketdata.operations.imports.prices import import_prices
from scans.models import ScanRank, ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests import realdata
from tests.exchanges.us_market import FILE, real_market, split
from tests.marketdata.operations.us_setup import adjusted_file, collect_all, generated_market, kis_us, trading_days

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("data_dir"), pytest.mark.one_backend]
AS_OF = datetime(2026, 11, 30, tzinfo=UTC)
VERSIONS = ("v1", "v2", "seismograph")
Ranks = dict[str, tuple[list[tuple[Any, ...]], str]]


def ranks(market: str, session: date) -> Ranks:
    """Version -> the ranks of a session, and the digest of them."""
    run_scan(RunRequest(market=market, as_of=AS_OF, versions=VERSIONS, first=session, last=session))
    answers = {}
    for version in VERSIONS:
        rows = ScanRank.objects.filter(market=market, date=session, scanner_version__slug=version, published=True)
        answer = ScanSession.objects.get(market=market, date=session, scanner_version__slug=version, published=True)
        answers[version] = list(rows.order_by("rank").values_list("rank", "code", "score")), answer.result_digest
    return answers


def compare(market: Any, days: list[date], tmp_path: Path) -> Ranks:
    """The ranks, which must be the same both ways."""
    with kis_us(market) as (_, source):
        assert collect_all(source, days[0], days[-1]).failures == {}
    import_prices(files=[adjusted_file(market, tmp_path / "prices.parquet")], market="us-file", as_of=AS_OF)
    collected = ranks("us", days[-1])
    assert collected == ranks("us-file", days[-1])
    return collected


def test_generated_shares_rank_as_from_a_file(tmp_path: Path) -> None:
    days = trading_days(700)
    market = generated_market(days, 30)
    split(market["TAB"], days[600], 0.25)
    split(market["BRK/B"], days[650], 0.02)
    compare(market, days, tmp_path)


def test_recorded_shares_rank_as_from_the_file(tmp_path: Path) -> None:
    realdata.path(FILE)
    market = real_market(60)
    days = [bar.session for bar in next(iter(market.values())).bars]
    split(market[sorted(market)[3]], days[400], 0.2)
    compare(market, days, tmp_path)
