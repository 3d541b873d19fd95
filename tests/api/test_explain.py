"""Why a version picked an instrument or not, over the API: read only, the same each time, with the run's parameters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import pandas as pd
import pytest
from django.core.cache import cache
from django.test import Client

from marketdata.models import Generation, LakePartition
from marketdata.operations.projection.project import project_bars
from scans.models import ScannerVersion, ScanRun, ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, CODES, Importer
from tests.scans.probe import Probe


def rise(rows: pd.DataFrame, code: str, day: date, before: date) -> float:
    close = rows[rows.code == code].set_index("date").close
    return float(close[day] / close[before] - 1)


def test_each_instrument_is_explained_as_it_was_picked(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    day = sessions[20]
    picks = {row["code"]: row for row in get(f"kr/scans/{day}")["results"]}
    assert 0 < len(picks) < len(CODES)
    for code in CODES:
        body = get(f"kr/stocks/{code}/explain", date=day)
        (check,) = body["checks"]
        assert check["value"] == pytest.approx(rise(scanned, code, day, sessions[19]))
        assert check["rule"] == "close above the close before"
        assert check["holds"] == (code in picks)
        pick = body["pick"]
        assert (pick is None) == (code not in picks)
        if pick:
            assert pick == {name: picks[code][name] for name in pick}
        assert (body["day"]["status"], body["day"]["matched"]) == ("published", len(picks))
        assert body["parameters"]["reproduces"] is True


def test_the_parameters_are_those_of_the_run(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    code = risers(scanned, sessions[30])[0]
    path = f"kr/stocks/{code}/explain"
    ScannerVersion.objects.filter(slug="rises").update(params={"scale": 7.0})
    then = get(path)
    assert then["date"] == str(sessions[30])  # the latest published
    assert then["parameters"]["source"] == "run"
    assert then["parameters"]["run"] == ScanRun.objects.get(scanner_version__slug="rises").pk
    assert then["parameters"]["values"]["scale"] == 1.0
    day = next(day for day in sessions[31:] if code in risers(scanned, day))
    now = get(path, date=day)
    assert now["parameters"] == {
        "source": "version",
        "run": None,
        "values": {"scale": 7.0, "segments": [], "limits": {}, "top": None},
        "reproduces": None,
    }
    before = sessions[sessions.index(day) - 1]
    assert now["pick"]["score"] == pytest.approx(7 * rise(scanned, code, day, before))
    assert get(path, scanner_version="rises-10")["parameters"]["values"]["scale"] == 10.0


def test_the_same_each_time_and_nothing_is_written(scanned: pd.DataFrame, client: Client, get: Get) -> None:
    get("versions")
    path = "/api/kr/stocks/005930/explain"
    first = client.get(path)
    cache.clear()
    again = client.get(path)
    assert (again.json(), again.headers["ETag"]) == (first.json(), first.headers["ETag"])
    response = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (response.status_code, response.content) == (304, b"")
    assert ScanRun.objects.count() == 2


def test_a_lake_behind_the_record_is_not_brought_up_to_it(
    scanned: pd.DataFrame, sessions: list[date], client: Client, get: Get
) -> None:
    LakePartition.objects.filter(month=date(2024, 4, 1)).update(written=0)
    answer = get("kr/stocks/005930/explain", 503, date=sessions[30])
    assert answer["code"] == "lake_behind"
    assert "manage.py project_lake" in answer["detail"]
    body = client.get("/api/kr/stocks/005930/explain", {"date": str(sessions[30])})
    assert body.headers["Retry-After"] == "60"
    assert LakePartition.objects.get(month=date(2024, 4, 1)).written == 0
    assert get("kr/stocks/005930/explain", date=sessions[10])["date"] == str(sessions[10])


def test_explanation_reports_a_correction_since_the_run(
    scanned: pd.DataFrame, sessions: list[date], bring: Importer, get: Get
) -> None:
    code = risers(scanned, sessions[30])[0]
    fallen = scanned[(scanned.date == sessions[30]) & (scanned.code == code)].copy()
    fallen[["open", "high", "low", "close"]] = fallen[["open", "high", "low", "close"]] - 100
    bring(fallen, AS_OF + timedelta(1))
    project_bars("kr")
    body = get(f"kr/stocks/{code}/explain", date=sessions[30])
    assert body["parameters"]["reproduces"] is False
    assert (body["pick"], body["checks"][0]["holds"]) == (None, False)
    assert get(f"kr/stocks/{code}/explain", date=sessions[29])["parameters"]["reproduces"] is True


@pytest.mark.parametrize(
    ("code", "query", "status", "problem"),
    [
        ("999999", {}, 404, "unknown_stock"),
        ("005930", {"date": "2024-05-01"}, 404, "not_a_session"),
        ("005930", {"date": "2024-02-31"}, 400, "invalid"),
        ("005930", {"date": "2024-06-03"}, 409, "no_data"),
        ("005930", {"date": "2000-01-04"}, 409, "no_data"),
        ("005930", {"scanner_version": "v99"}, 404, "unknown_version"),
        ("005930", {"version": "v2"}, 400, "unknown_parameter"),
        ("777777", {"date": "2024-03-08"}, 404, "no_bars"),
    ],
)
def test_what_cannot_be_explained(
    scanned: pd.DataFrame,
    sessions: list[date],
    bring: Importer,
    get: Get,
    code: str,
    query: dict[str, str],
    status: int,
    problem: str,
) -> None:
    late = scanned[(scanned.date == sessions[-1]) & (scanned.code == "005930")].copy()
    bring(late.assign(code="777777"), AS_OF + timedelta(1))
    project_bars("kr")
    body = get(f"kr/stocks/{code}/explain", status, **query)
    assert body["code"] == problem
    if problem == "not_a_session":
        assert body["nearest"] == {"before": "2024-04-30", "after": "2024-05-02"}


def test_an_engine_that_has_changed_since(scanned: pd.DataFrame, get: Get) -> None:
    ScanRun.objects.update(revision=7)
    body = get("kr/stocks/005930/explain", 409)
    assert body["code"] == "engine_changed"
    assert "revision 7, here is revision 1" in body["detail"]


def test_nothing_published_yet(market: pd.DataFrame, probe: Probe, sessions: list[date], get: Get) -> None:
    assert get("kr/stocks/005930/explain", 503)["code"] == "lake_behind"  # there is none yet
    assert get("kr/stocks/005930/explain", 503, date=sessions[5])["code"] == "lake_behind"
    project_bars("kr")
    body = get("kr/stocks/005930/explain")
    assert body["date"] == str(sessions[-1])  # the last complete session
    assert body["parameters"]["source"] == "version"
    assert not ScanSession.objects.exists()


def test_since_when_it_has_been_the_answer(
    scanned: pd.DataFrame, sessions: list[date], client: Client, get: Get
) -> None:
    """Since the record or the versions last changed; where the clock chose the session, not before its close."""
    get("versions")
    path = "/api/kr/stocks/005930/explain"
    early = datetime(2024, 4, 1, tzinfo=UTC)
    Generation.objects.update(changed_at=early)

    def since(**query: str) -> datetime:
        return parsedate_to_datetime(client.get(path, query).headers["Last-Modified"])

    assert since() == since(date=str(sessions[35])) == early
    close = datetime(sessions[-1].year, sessions[-1].month, sessions[-1].day, 6, 30, tzinfo=UTC)
    assert since(scanner_version="v1") == close  # it has published nothing; 15:30 in Seoul


def test_every_shipped_version_explains_itself(
    market: pd.DataFrame, probe: Probe, sessions: list[date], get: Get
) -> None:
    """Missing values (too short a history) are null, never NaN."""
    project_bars("kr")
    for version in ("v1", "v2", "v3", "seismograph", "vcp"):
        body = get("kr/stocks/005930/explain", scanner_version=version)
        groups = {check["group"] for check in body["checks"]}
        assert {"universe", "rank"} <= groups
        assert body["pick"] is None
        assert any(check["value"] is None for check in body["checks"])


def test_a_published_day_is_explained_from_what_is_published(
    scanned: pd.DataFrame, sessions: list[date], get: Get
) -> None:
    """A rerun of fewer ranks replaces the answer: the explanation follows it."""
    day = next(day for day in sessions[10:31] if len(risers(scanned, day)) > 1)
    code = risers(scanned, day)[-1]
    run_scan(RunRequest(market="kr", as_of=AS_OF, top=1, first=day, last=day))
    body = get(f"kr/stocks/{code}/explain", date=day)
    assert body["parameters"]["values"]["top"] == 1
    assert (body["pick"], body["checks"][0]["holds"]) == (None, True)
