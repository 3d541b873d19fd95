"""A trader without staff rights, over the small KRX market that two versions have scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.api.conftest import forgotten, scanned
from tests.scans.conftest import bring, market, probe, sessions

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["bring", "forgotten", "market", "probe", "scanned", "sessions"]


@pytest.fixture
def trader(db: None) -> User:
    from django.contrib.auth.models import User

    return User.objects.create_user("trader", password="a trader's password")  # noqa: S106


@pytest.fixture
def browser(client: Client, trader: User) -> Client:
    """The trader's browser, logged in."""
    client.force_login(trader)
    return client


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still: the status of a market is computed anew each minute, with queries of its own."""
    from django.utils import timezone

    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
