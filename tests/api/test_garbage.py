"""What a read has made is gone with its answer: nothing that matters is left to the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Model
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.client import ClientHandler
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from scans.operations import signals
from seismo_site.models import ApiToken
from tests.scans.conftest import AS_OF

pytestmark = pytest.mark.slow

READS = (
    "/api/kr/scans/latest?limit=3",
    "/api/kr/scans/latest?scanner_version=rises&min_score=-1",
    "/api/kr/scans",
    "/api/kr/stocks",
    "/api/kr/stocks?search=0059",
    "/api/kr/stocks/005930/scans",
    "/api/kr/stocks/005930/chart?indicators=ema5,rsi3",
    "/api/kr/signals?status=open&scanner_version=rises&limit=3",
)
HEAVY = (Model, HttpRequest, Request, APIView, BaseSerializer)


@pytest.fixture
def collected() -> Iterator[list[Any]]:
    """The objects that only the garbage collector would free from here on."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.enable()
    gc.garbage.clear()


@pytest.mark.django_db
@pytest.mark.parametrize("address", READS)
def test_a_read_leaves_nothing_behind(scanned: Any, user: Any, address: str, request: pytest.FixtureRequest) -> None:
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    token = ApiToken(user=user, name="a program")
    headers = {"Authorization": f"Bearer {token.new_secret()}"}
    token.save()
    handler = ClientHandler()

    def read() -> None:
        made = RequestFactory().get(address, headers=headers).environ
        assert handler(made).status_code == 200

    read()  # what is made once is made
    cache.clear()
    garbage = request.getfixturevalue("collected")
    read()
    gc.collect()
    assert [type(one) for one in garbage if isinstance(one, HEAVY)] == []
