"""Paces in rows of the real database, shared by processes, and which place an installation uses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connection

from marketdata.models import RateLimitRow
from marketdata.operations import sources
from marketdata.operations.rate_limit_rows import DatabaseRateLimits
from marketdata.sources.http.limiter import Limiter
from marketdata.sources.http.rate_limit import Rate
from marketdata.sources.http.redis_rate_limits import RedisRateLimits
from marketdata.sources.http.sqlite_rate_limits import SqliteRateLimits
from tests.marketdata.sources.http.sharing import check_compare_and_swap, take_together

TAKE = """
import sys
import django
django.setup()
from django.conf import settings
from django.db import connection
settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = sys.argv[2]
from marketdata.operations.rate_limit_rows import DatabaseRateLimits
from tests.marketdata.sources.http.sharing import take_many
take_many(DatabaseRateLimits(), sys.argv[1])
"""


@pytest.mark.django_db
def test_a_row_is_swapped_only_from_the_expected_state() -> None:
    check_compare_and_swap(DatabaseRateLimits())
    assert RateLimitRow.objects.get().group == "a"


@pytest.mark.django_db(transaction=True)
def test_a_limiter_keeps_holds_and_calls_there() -> None:
    work, rate = Limiter(DatabaseRateLimits()), Rate("a", 1000.0)

    async def main() -> None:
        async with work.permit(rate):
            pass
        await work.refused(rate, 1000.0, adapt=True)

    asyncio.run(main())
    work.close()
    seen = DatabaseRateLimits().read("a")
    (slot,) = seen.state.slots
    assert slot.answered is not None
    assert 900 < seen.state.hold_until - seen.now <= 1000.0
    assert seen.state.slowdown == 1.03


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_two_processes_share_one_row() -> None:
    take_together(TAKE, str(connection.settings_dict["NAME"]))


@pytest.mark.backend
def test_an_installation_shares_its_pace_where_all_its_processes_can(
    settings: Any,
) -> None:
    settings.REDIS_URL = ""
    expected = SqliteRateLimits if connection.vendor == "sqlite" else DatabaseRateLimits
    assert isinstance(sources.make_dependencies().permits, expected)
    settings.REDIS_URL = "redis://localhost:1"
    assert isinstance(sources.make_dependencies().permits, RedisRateLimits)
