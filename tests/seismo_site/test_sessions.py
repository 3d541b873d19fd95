"""Sessions in the database, which bring the generations of the markets' data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import Generation
from marketdata.queries.instruments import get_generations
from seismo_site.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    store = SessionStore()
    store["language"] = "ko"
    store.save()
    assert store.session_key
    return store.session_key


def test_session_comes_with_the_generations_in_one_query(key: str) -> None:
    Generation.objects.create(name="kr", changed_at=datetime(2026, 8, 21, 9, 30, 0, 5, tzinfo=UTC))
    store = SessionStore(key)
    with CaptureQueriesContext(connection) as made:
        assert store["language"] == "ko"
    assert len(made) == 1
    assert store.generations == get_generations()


def test_expired_or_unknown_session_is_empty_and_has_no_generations(key: str) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    for store in (SessionStore(key), SessionStore("0" * 32), SessionStore("' OR 1=1")):
        assert dict(store.items()) == {}
        assert store.generations is None
        assert store.session_key is None
