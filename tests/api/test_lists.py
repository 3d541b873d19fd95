"""What every list can do: orders, pages under each of them, chosen fields, tags and times of change."""

from __future__ import annotations

from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from marketdata.models import Generation, Instrument
from marketdata.operations import generations
from scans.models import Signal
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get
from tests.scans.conftest import AS_OF

LISTS = {
    "stocks": ["code", "-code", "name", "-name", "segment", "-segment", "last_bar", "-last_bar"],
    "scans": ["id", "-id", "started_at", "-started_at", "last", "-last"],
    "scans/dates": ["date", "-date"],
    "scans/latest": ["rank", "-rank", "score", "-score", "code", "-code", "name", "-name", "close", "-close",
                     "change_pct", "-change_pct", "amount", "-amount"],
    "stocks/005930/scans": ["date", "-date", "rank", "-rank", "score", "-score"],
    "signals": ["picked_on", "-picked_on", "code", "-code", "return_pct", "-return_pct", "sessions_held",
                "-sessions_held", "exit_on", "-exit_on"],
}  # fmt: skip
WHOLE = ("scans/changes", "scans/compare?versions=rises,rises-10")
PUBLISHED = [name for name in LISTS if name != "scans"] + [*WHOLE, "stocks/005930"]


@pytest.fixture
def lists(scanned: Any) -> Any:
    """Everything there is to list; some of it ties and some is null."""
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    Signal.objects.filter(pk__in=list(Signal.objects.order_by("pk").values_list("pk", flat=True)[:9])).update(
        return_pct=None
    )
    Instrument.objects.filter(code="000020").update(last_bar=None)
    return scanned


def rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = page["results"]
    return results


def walked(client: Client, page: dict[str, Any], way: str) -> list[dict[str, Any]]:
    """The rows of this page and all that `way` leads to, in the list's order."""
    result = rows(page)
    while page[way]:
        page = client.get(page[way]).json()
        result = [*result, *rows(page)] if way == "next" else [*rows(page), *result]
    return result


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.slow
def test_pages_under_every_order(lists: Any, client: Client, get: Get, path: str) -> None:
    for order in LISTS[path]:
        name, down = order.removeprefix("-"), order[0] == "-"
        every = rows(get(f"kr/{path}", ordering=order, limit=500))
        values = [row[name] for row in every if row[name] is not None]
        assert values == sorted(values, reverse=down), order
        assert [row[name] for row in every] == values + [None] * (len(every) - len(values)), order
        page = get(f"kr/{path}", ordering=order, limit=max(len(every) // 3, 1))
        assert page["previous"] is None
        assert walked(client, page, "next") == every, order
        while page["next"]:
            page = client.get(page["next"]).json()
        assert walked(client, page, "previous") == every, order
    refused = get(f"kr/{path}", 400, ordering="colour")
    assert (refused["code"], refused["known"]) == ("invalid_ordering", refused["known"])
    assert set(refused["known"]) == set(LISTS[path])


def test_any_number_of_rows_may_tie(db: None, client: Client, get: Get) -> None:
    made = [Instrument(market="us", code=f"A{n:04}", segment="US") for n in range(1_205)]
    Instrument.objects.bulk_create(made)
    page = get("us/stocks", ordering="-segment", limit=500)
    assert len({row["code"] for row in walked(client, page, "next")}) == 1_205


def test_a_cursor_belongs_to_its_order(lists: Any, client: Client, get: Get) -> None:
    following = get("kr/stocks", limit=2)["next"]
    refused = client.get(f"{following}&ordering=name")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


def test_the_pages_of_an_answer_stay_its_own(scanned: Any, sessions: list[date], client: Client, get: Get) -> None:
    day = next(day for day in sessions[12:31] if len(get(f"kr/scans/{day}", limit=500)["results"]) > 2)
    at = sessions.index(day)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=day, last=day, top=99))
    every = get(f"kr/scans/{day}")
    page = get(f"kr/scans/{day}", limit=2)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=day, last=day, top=1))
    assert len(get(f"kr/scans/{day}")["results"]) == 1
    following = client.get(page["next"]).json()
    assert following["run"] == page["run"] != get(f"kr/scans/{day}")["run"]
    assert page["results"] + following["results"] == every["results"]
    assert following["is_latest"] is False
    elsewhere = page["next"].replace(str(day), str(sessions[at - 1]))
    assert client.get(elsewhere).json()["code"] == "invalid_cursor"
    another = f"{page['next']}&scanner_version=rises-10"
    assert client.get(another).json()["code"] == "invalid_cursor"


@pytest.mark.parametrize("path", [*LISTS, *WHOLE])
def test_fields(lists: Any, client: Client, get: Get, path: str) -> None:
    def request(fields: str, status: int = 200) -> Any:
        sign = "&" if "?" in path else "?"
        response = client.get(f"/api/kr/{path}{sign}{urlencode({'fields': fields})}")
        assert response.status_code == status, response.content
        return response.json()

    get("versions")
    field_names = request("colour", 400)["known"]
    assert request("", 400)["code"] == "unknown_field"
    two = field_names[-1:-4:-2]

    def there(body: dict[str, Any]) -> Any:
        names = ("results", "rows", "entered", "left", "moved")
        return next(body[name] for name in names if body.get(name))

    result = there(request(",".join(two)))
    assert all(row.keys() == set(two) for row in result)
    assert there(request(",".join(reversed(two)))) == result


READ_OUT = ("evaluation?horizon=1", "stocks/005930/explain", "analysis/005930")


@pytest.mark.parametrize("path", [*PUBLISHED, *READ_OUT])
def test_what_the_caller_has_is_not_sent_again(lists: Any, client: Client, get: Get, path: str) -> None:
    get("versions")
    moment = datetime.fromisoformat("2024-06-03T01:02:03.4Z")
    Generation.objects.update(changed_at=moment, shared_at=None, instruments={})
    address = f"/api/kr/{path}"
    first = client.get(address)
    tag, when = first.headers["ETag"], first.headers["Last-Modified"]
    assert "private" in first.headers["Cache-Control"]
    assert "no-cache" in first.headers["Cache-Control"]
    assert {"Accept", "Authorization", "Cookie"} <= set(first.headers["Vary"].split(", "))

    def request(**headers: str) -> int:
        return client.get(address, headers={name.replace("_", "-"): text for name, text in headers.items()}).status_code

    assert request(if_none_match=tag) == request(if_modified_since=when) == 304
    assert request(if_none_match=f'"other", W/{tag}') == 304
    assert request(if_none_match='"other"') == request(if_none_match='"other"', if_modified_since=when)
    assert request(if_none_match='"other"') == 200
    generations.advance("kr")
    assert request(if_modified_since=when) == 200
    assert request(if_none_match=tag) == 304  # the same bytes as before


def test_two_changes_are_two_times(db: None) -> None:
    seen = []
    for _ in range(3):
        generations.advance("kr")
        seen.append(Generation.objects.get(name="kr").changed_at)
    assert len({one.replace(microsecond=0) for one in seen}) == 3


def test_no_time_of_change_lies_ahead(lists: Any, client: Client, get: Get) -> None:
    for _ in range(5):
        generations.advance("kr")  # faster than the clock
    response = client.get("/api/kr/signals")
    get("versions")
    ahead = Generation.objects.get(name="kr").changed_at
    result = response.headers.get("Last-Modified")
    assert result is None or parsedate_to_datetime(result) < ahead
