"""The admin over a small KRX market that two versions have scanned, used by an operator who may do everything and by
a viewer who may only look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tests.api.conftest import scanned
from tests.scans.conftest import bring, market, probe, sessions

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["bring", "market", "probe", "scanned", "sessions"]


@pytest.fixture
def operator(db: None) -> User:
    from django.contrib.auth.models import User

    return User.objects.create_superuser("operator")


@pytest.fixture
def viewer(db: None) -> User:
    """Staff with every permission to look and none to act."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


@pytest.fixture
def console(client: Client, operator: Any) -> Client:
    """The operator's browser."""
    client.force_login(operator)
    return client


@pytest.fixture
def looking(client: Client, viewer: Any) -> Client:
    """The viewer's browser."""
    client.force_login(viewer)
    return client
