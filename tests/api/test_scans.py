"""Scans over the API: the header, the ranks, the pages, and what is said where there is nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from marketdata.models import InstitutionalFlow
from scans.models import ActiveVersion, ScanRank, ScanRun, ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.api.conftest import Get, risers
from tests.scans.conftest import AS_OF, CODES, Importer
from tests.scans.probe import Probe


def codes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["code"] for row in rows]


def test_the_latest_scan(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    body = get("kr/scans/latest")
    wanted = risers(scanned, sessions[30])
    assert body["date"] == sessions[30].isoformat()
    assert (body["market"], body["currency"]) == ("kr", "KRW")
    assert body["scanner_version"] == "rises"
    assert body["as_of"] == "2024-06-01T09:00:00Z"
    assert body["status"] == "published"
    assert body["counts"]["ranked"] == len(wanted)
    assert (body["is_latest"], body["is_today"], body["is_session"]) == (True, False, True)
    assert codes(body["results"]) == wanted
    first = body["results"][0]
    close = scanned.pivot_table(index="date", columns="code", values="close")[wanted[0]]
    assert first["rank"] == 1
    assert first["close"] == close[sessions[30]]
    rise = 100 * (close[sessions[30]] / close[sessions[29]] - 1)
    assert first["change_pct"] == pytest.approx(rise)
    assert first["plan"]["target"] == pytest.approx(1.02 * first["close"])
    assert first["signals"] == ["rise"]


def test_a_date_and_a_version(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    day = sessions[12]
    body = get(f"kr/scans/{day}", scanner_version="rises-10")
    assert (body["date"], body["scanner_version"]) == (day.isoformat(), "rises-10")
    assert body["is_latest"] is False
    assert codes(body["results"]) == risers(scanned, day)
    plain = get(f"kr/scans/{day}")
    assert body["results"][0]["score"] == pytest.approx(10 * plain["results"][0]["score"])


def test_ranks_page_by_page(scanned: pd.DataFrame, sessions: list[date], client: Client, get: Get) -> None:
    wanted = next(result for day in sessions[10:31] if len(result := risers(scanned, day)) >= 3)
    day = next(day for day in sessions[10:31] if risers(scanned, day) == wanted)
    page = get(f"kr/scans/{day}", limit=2)
    seen = codes(page["results"])
    assert len(seen) == 2
    assert page["previous"] is None
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += codes(page["results"])
    assert seen == wanted


def test_ranks_are_filtered(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    every = get("kr/scans/latest")["results"]
    kospi = get("kr/scans/latest", segment="KOSPI")["results"]
    assert codes(kospi) == codes([row for row in every if row["segment"] == "KOSPI"])
    bar = every[0]["score"]
    assert codes(get("kr/scans/latest", min_score=bar)["results"]) == [every[0]["code"]]


def test_nothing_passed_is_an_answer(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date], get: Get
) -> None:
    fallen = market[market.date == sessions[-2]].copy()
    prices = ["open", "high", "low", "close"]
    fallen[prices] -= 20
    fallen["date"] = sessions[-1]
    bring(fallen, AS_OF + timedelta(1))
    run_scan(RunRequest(market="kr", as_of=AS_OF + timedelta(2), first=sessions[-1], last=sessions[-1]))
    body = get("kr/scans/latest")
    assert (body["status"], body["reason"]) == ("no_match", "nothing passed")
    assert (body["counts"]["matched"], body["results"], body["next"]) == (0, [], None)
    assert codes(get("kr/scans/changes")["entered"]) == []


def test_unknown_market_lists_the_existing_ones(scanned: pd.DataFrame, get: Get) -> None:
    for name in ("xx", "kr-adj", "KR", "versions2"):
        body = get(f"{name}/scans/latest", 404)
        assert body["code"] == "unknown_market"
        assert body["known"] == ["kr", "us", "upbit", "bithumb"]
        assert repr(name) in body["detail"]


def test_unknown_version_lists_the_existing_ones(scanned: pd.DataFrame, get: Get) -> None:
    for path in ("kr/scans/latest", "kr/scans/dates", "kr/scans", "kr/signals", "kr/scans/changes"):
        body = get(path, 404, scanner_version="v99")
        assert body["code"] == "unknown_version"
        assert {"rises", "rises-10", "v1"} <= set(body["known"])


def test_a_market_without_an_active_version(scanned: pd.DataFrame, get: Get) -> None:
    ActiveVersion.objects.filter(market="us").delete()
    body = get("us/scans/latest", 404)
    assert body["code"] == "no_active_version"
    assert "scanner_version" in body["detail"]


def test_a_date_without_a_run_names_the_nearest(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    early, late = sessions[10] - timedelta(400), sessions[30] + timedelta(400)
    first, last = sessions[10].isoformat(), sessions[30].isoformat()
    for day, near in (
        (early, {"before": None, "after": first}),
        (late, {"before": last, "after": None}),
        (date(2024, 4, 10), {"before": "2024-04-09", "after": "2024-04-11"}),
    ):
        body = get(f"kr/scans/{day}", 404)
        assert (body["code"], body["nearest"]) == ("no_run", near)


def test_no_run_at_all(market: pd.DataFrame, probe: Probe, get: Get) -> None:
    assert get("kr/scans/latest", 404)["code"] == "no_run"
    assert get("kr/scans/2024-05-02", 404)["nearest"] == {"before": None, "after": None}
    assert get("kr/scans/changes", 404)["code"] == "no_run"
    assert get("kr/scans")["results"] == []


@pytest.mark.parametrize("text", ["2024-13-01", "2024-02-30", "20240502", "yesterday", "２０２４-05-02", "2024-W01-1"])
def test_what_is_no_date(scanned: pd.DataFrame, get: Get, text: str) -> None:
    assert get(f"kr/scans/{text}", 400)["code"] == "invalid_date"


def test_what_the_caller_has_is_not_sent_again(scanned: pd.DataFrame, client: Client, get: Get) -> None:
    for path in ("kr/scans/latest", "kr/scans/changes", "kr/scans/compare?versions=rises,rises-10"):
        tag = client.get(f"/api/{path}").headers["ETag"]
        again = client.get(f"/api/{path}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        other = client.get(f"/api/{path}", headers={"If-None-Match": '"another"'})
        assert other.status_code == 200


def test_a_new_run_changes_the_tag(scanned: pd.DataFrame, sessions: list[date], client: Client, get: Get) -> None:
    get("kr/scans/latest")
    day = f"/api/kr/scans/{sessions[30]}"
    before = client.get(day).headers["ETag"]
    run_scan(RunRequest(market="kr", as_of=AS_OF, first=sessions[31], last=sessions[31]))
    after = client.get(day, headers={"If-None-Match": before})
    assert after.status_code == 200  # it is no longer the latest
    assert after.json()["is_latest"] is False


def test_runs(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    rows = get("kr/scans")["results"]
    assert {row["scanner_version"] for row in rows} == {"rises", "rises-10"}
    assert rows[0]["first"] == sessions[10].isoformat()
    assert not {"started_by", "request_id"} & rows[0].keys()
    one = get("kr/scans", scanner_version="rises", status="published", date=sessions[15])
    assert [row["id"] for row in one["results"]] == [ScanRun.objects.get(scanner_version__slug="rises").pk]
    assert get("kr/scans", date=sessions[31])["results"] == []
    assert get("kr/scans", 400, status="splendid")["errors"].keys() == {"status"}


def test_dates(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    rows = get("kr/scans/dates")["results"]
    wanted = [day.isoformat() for day in reversed(sessions[10:31])]
    assert [row["date"] for row in rows] == wanted
    some = get("kr/scans/dates", **{"from": sessions[12], "to": sessions[14]})["results"]
    assert [row["date"] for row in some] == [day.isoformat() for day in sessions[14:11:-1]]


def test_changes(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    for n in (30, 20, 11):
        now, before = risers(scanned, sessions[n]), risers(scanned, sessions[n - 1])
        body = get("kr/scans/changes", **({} if n == 30 else {"date": sessions[n]}))
        assert (body["date"], body["before"]) == (str(sessions[n]), str(sessions[n - 1]))
        assert codes(body["entered"]) == [code for code in now if code not in before]
        assert codes(body["left"]) == [code for code in before if code not in now]
        moved = {row["code"]: (row["rank_before"], row["moved_by"]) for row in body["moved"]}
        assert moved == {
            code: (before.index(code) + 1, before.index(code) - now.index(code))
            for code in now
            if code in before and before.index(code) != now.index(code)
        }
    first = get("kr/scans/changes", date=sessions[10])
    assert first["before"] is None
    assert codes(first["entered"]) == risers(scanned, sessions[10])
    assert get("kr/scans/changes", 404, date=sessions[5])["code"] == "no_run"


def test_versions_side_by_side(scanned: pd.DataFrame, sessions: list[date], get: Get) -> None:
    run_scan(RunRequest(market="kr", as_of=AS_OF, first=sessions[31], last=sessions[31], versions=["rises"]))
    body = get("kr/scans/compare", versions="rises,rises-10")
    wanted = risers(scanned, sessions[30])
    assert body["date"] == str(sessions[30])  # the latest that both have
    assert [row["scanner_version"] for row in body["answers"]] == ["rises", "rises-10"]
    assert codes(body["rows"]) == wanted
    assert body["rows"][0]["versions"].keys() == {"rises", "rises-10"}
    assert body["overlap"] == {"common": len(wanted), "any": len(wanted), "common_pct": 100.0}
    lacking = get("kr/scans/compare", 404, versions="rises,rises-10", date=sessions[31])
    assert lacking["nearest"] == {"before": str(sessions[30]), "after": None}
    assert "rises-10" in lacking["detail"]
    assert get("kr/scans/compare", 404, versions="rises,v1")["code"] == "no_run"
    for versions in ("rises", "rises,rises", ",".join("abcdefghi"), ""):
        assert "versions" in get("kr/scans/compare", 400, versions=versions)["errors"]


def test_what_splits_versions(scanned: Any, probe: Probe, sessions: list[date], get: Get) -> None:
    """Of two instruments that a version is made to have left out, the one that rose passes every check of it, and the
    one that fell fails the first: it is explained as the instrument itself is."""
    picks = ScanRank.objects.filter(date=sessions[30], published=True)
    picks.filter(scanner_version__slug="rises-10", rank=1).delete()
    fallen = next(code for code in CODES if code not in risers(scanned, sessions[30]))
    row = picks.filter(scanner_version__slug="rises").order_by("-rank").first()
    assert row is not None
    row.pk, row.code, row.rank = None, fallen, row.rank + 1
    row.save()
    body = get("kr/scans/compare", versions="rises,rises-10", split="true")
    rows = {one["code"]: one for one in body["rows"]}
    assert rows[fallen]["versions"].keys() == {"rises"}
    explained = get(f"kr/stocks/{fallen}/explain", scanner_version="rises-10", date=sessions[30])
    first = next(check for check in explained["checks"] if not check["holds"])
    assert rows[fallen]["split"] == {"rises-10": first}
    assert (first["group"], first["name"]) == ("filter", "rise")
    left_out = rows[risers(scanned, sessions[30])[0]]
    assert (left_out["versions"].keys(), left_out["split"]) == ({"rises"}, {})
    assert all(one["split"] is None for one in get("kr/scans/compare", versions="rises,rises-10")["rows"])


def test_compared_rows_have_percentile_plan_and_flow(scanned: Any, sessions: list[date], get: Get) -> None:
    day = next(day for day in sessions[12:31] if len(risers(scanned, day)) > 2)
    flow = {"date": day, "source": "test", "foreign_net_quantity": 140, "created_at": AS_OF, "updated_at": AS_OF}
    InstitutionalFlow.objects.create(market="kr", stock_code=risers(scanned, day)[0], **flow)
    body = get("kr/scans/compare", versions="rises,rises-10", date=day)
    ranks = get(f"kr/scans/{day}", scanner_version="rises")["results"]
    count = len(ranks)
    for row, rank in zip(body["rows"], ranks, strict=True):
        place = row["versions"]["rises"]
        assert place["percentile"] == round(100 * (count - rank["rank"]) / (count - 1), 2)
        assert (place["plan"], row["flow"]) == (rank["plan"], rank["flow"])
    assert body["rows"][0]["flow"]["foreign_quantity_1"] == 140


@pytest.mark.slow
def test_dates_of_all_versions_with_the_sessions_they_lack(
    scanned: Any, sessions: list[date], client: Client, get: Get
) -> None:
    ScanSession.objects.filter(date=sessions[20], scanner_version__slug="rises-10").update(published=False)
    ScanSession.objects.filter(date=sessions[25]).update(published=False)
    published = ScanSession.objects.filter(published=True)
    every = get("kr/scans/dates", scanner_version="*", limit=500)
    rows = {(row["date"], row["scanner_version"]) for row in every["results"]}
    assert rows == {(str(one.date), one.scanner_version.slug) for one in published.select_related("scanner_version")}
    assert every["expected"] == [str(day) for day in sessions[10:]]
    lacking = {(day, slug) for day in every["expected"] for slug in ("rises", "rises-10")} - rows
    assert lacking == {
        (str(sessions[20]), "rises-10"),
        *((str(day), slug) for day in (sessions[25], *sessions[31:]) for slug in ("rises", "rises-10")),
    }
    two = get("kr/scans/dates", scanner_version="rises,rises-10", limit=500)
    assert two["results"] == every["results"]
    for order in ("date", "-date"):
        for limit in (1, 8, 9, 10):
            page = get("kr/scans/dates", scanner_version="*", limit=limit, ordering=order)
            for way in ("next", "previous"):
                expected = set(page["expected"])
                while page[way]:
                    page = client.get(page[way]).json()
                    expected |= set(page["expected"])
                assert expected == set(every["expected"]), (order, limit, way)
    part = get("kr/scans/dates", scanner_version="rises", **{"from": sessions[5], "to": sessions[12]})
    assert part["expected"] == [str(day) for day in sessions[5:13]]
    assert get("kr/scans/dates", 404, scanner_version="rises,nothing")["code"] == "unknown_version"


def test_statistics_count_attempts_of_each_version(scanned: Any, get: Get, sessions: list[date]) -> None:
    """Beside the scans of the fixture, one that changes nothing."""
    from scans.operations.scan.request import RunRequest
    from scans.operations.scan.run import run_scan
    from tests.scans.conftest import AS_OF

    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[30], last=sessions[30]))
    body = get("kr/scans/statistics")
    assert (body["market"], body["sessions"]) == ("kr", 30)
    rises = next(row for row in body["versions"] if row["scanner_version"] == "rises")
    assert (rises["attempts"], rises["failed"], rises["unchanged"], rises["success_rate_pct"]) == (2, 0, 1, 100.0)
