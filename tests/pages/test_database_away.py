"""Pages and the API while the database does not answer."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client


def refuse(*_: Any) -> NoReturn:
    raise OperationalError("could not get a connection: the pool at 10.0.0.5 is full")


@pytest.fixture
def away(browser: Client) -> Client:
    """A browser that gets the response which a visitor gets, where another one raises the error."""
    browser.raise_request_exception = False
    return browser


@pytest.mark.parametrize("address", ["/kr/", "/kr/s/005930", "/kr/signals"])
def test_a_page_says_when_to_come_back(away: Client, address: str) -> None:
    with connection.execute_wrapper(refuse):
        response = away.get(address)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    text = response.content.decode()
    assert "데이터베이스를 읽을 수 없습니다" in text
    assert "The database cannot be read" in text
    assert "10.0.0.5" not in text


def test_the_api_says_so_before_its_views_too(away: Client) -> None:
    """The session of the caller is read by a middleware."""
    with connection.execute_wrapper(refuse):
        response = away.get("/api/kr/scans/latest")
    assert (response.status_code, response.json()["code"], response["Retry-After"]) == (
        503,
        "database_unreachable",
        "5",
    )


def test_other_errors_are_defects(away: Client) -> None:
    with connection.execute_wrapper(lambda *_: 1 / 0):
        response = away.get("/kr/")
    assert response.status_code == 500
    assert "서버에서 오류가 났습니다" in response.content.decode()
