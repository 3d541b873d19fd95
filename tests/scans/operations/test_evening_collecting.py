"""Evenings that collect first, over the imitation of KIS: missing data is requested, and a source that fails ends an
evening only where the session is not all there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from marketdata.models import InstitutionalFlow, LeaseRow, TaskRecord
from marketdata.operations.lease import LeaseLost
from marketdata.operations.tasks import attempts
from marketdata.operations.tasks.queueing import enqueue
from scans import tasks as scan_tasks
from scans.models import Notification, ScannerVersion, ScanSession
from scans.operations.evening import evening
from scans.operations.evening.evening import EveningRequest
from scans.operations.evening.notification_content import notification_body
from scans.operations.evening.report import EveningReport
from tests.marketdata.operations.kis_setup import KisSetup, create_instruments, generated_instruments, sessions
from tests.marketdata.operations.kis_setup import evening as at_six
from tests.scans.probe import Probe
from tests.task_queues import as_worker, purge_queues

SIZE = 12


@pytest.fixture
def desk(db: None, data_dir: Path, settings: Any, probe: Probe) -> Iterator[KisSetup]:
    """A market of which nothing is recorded, and the settings that point at the imitation of its source."""
    with KisSetup(generated_instruments(SIZE)) as desk:
        settings.SOURCES = {
            **settings.SOURCES,
            "kis": {
                **settings.SOURCES["kis"],
                "app_key": "PSimitationkey",
                "app_secret": "imitation-secret",
                "base_url": desk.exchange.url,
                "master_url": f"{desk.exchange.url}/common/master",
                "per_second": 1_000.0,
                "token_every": 0.001,
            },
        }
        settings.TOKEN_DIR, settings.COLLECT_HISTORY = data_dir / "tokens", 30
        settings.SOURCE_ATTEMPTS, settings.SOURCE_TIMEOUT = 1, 5.0
        settings.SOURCE_PATIENCE = 1.0
        yield desk


def run(desk: KisSetup, session: date, *versions: str) -> EveningReport:
    """The evening of `session`, as the imitation has it."""
    desk.exchange.today = session
    return evening.run_evening(
        EveningRequest("kr", versions=versions or ["rises"]),
        clock=lambda: at_six(session),
        warm_up=lambda market, versions: None,
    )


def test_what_is_missing_is_collected_and_scanned(desk: KisSetup) -> None:
    before, last = sessions()[-2:]
    report = run(desk, before)
    assert (report.outcome, report.failures()) == ("done", [])
    assert report.collected
    assert report.collected.listed == SIZE
    report = run(desk, last)
    assert report.collected
    assert (report.collected.source, report.collected.new, report.collected.error) == ("kis", SIZE, "")
    row = Notification.objects.get(session=last)
    assert (row.outcome, row.collection["new"]) == ("done", SIZE)
    closes = {code: one.bars[-2:] for code, one in desk.market.items()}
    rose = {code for code, (a, b) in closes.items() if b.close / b.base > 1}
    (version,) = row.versions
    assert version["matched"] == len(rose)
    assert {pick["code"] for pick in version["picks"]} <= rose
    again = run(desk, last)
    assert again.collected
    assert (again.collected.new, again.news) == (0, False)


@pytest.mark.django_db(transaction=True)
def test_a_scheduled_evening_collects_by_parts(desk: KisSetup, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    last = sessions()[-1]
    settings.COLLECT_PARTS = 3
    monkeypatch.setattr(scan_tasks, "timezone", SimpleNamespace(now=lambda: at_six(last)))
    row = TaskRecord.objects.get(pk=enqueue("evening", name="evening of kr"))
    reports: list[EveningReport] = []
    with as_worker(monkeypatch):
        assert attempts.claim(row)
        attempts.attempt(row, lambda: reports.append(run(desk, last)))
    purge_queues()
    (report,) = reports
    assert (report.outcome, report.failures()) == ("done", [])
    assert report.collected
    assert (report.collected.source, report.collected.new, report.collected.error) == ("kis", 30 * SIZE, "")
    parts = TaskRecord.objects.filter(kind="collection part").order_by("place")
    assert [(part.status, part.attempts) for part in parts] == [("done", 1)] * 3
    results: list[Any] = list(parts.values_list("result", flat=True))
    counts = [result["counts"]["new"] for result in results]
    assert sum(counts) == 30 * SIZE > max(counts)
    assert desk.calls()["inquire-daily-itemchartprice"] == SIZE


@pytest.mark.slow
def test_a_source_that_is_away(desk: KisSetup) -> None:
    before, last = sessions()[-2:]
    run(desk, before)
    desk.exchange.faults.rates = {"error": 1.0}
    report = run(desk, last)
    assert report.outcome == "incomplete"
    assert len(report.failures()) == 2
    row = Notification.objects.get(session=last)
    assert "The list of KOSPI failed" in row.collection["error"]
    assert "instruments failed" in row.collection["error"]
    assert not ScanSession.objects.filter(date=last).exists()
    desk.exchange.faults.rates = {}
    assert run(desk, last).outcome == "done"
    row.refresh_from_db()
    assert (row.outcome, row.collection["error"]) == ("done", "")


@pytest.mark.slow
def test_a_source_that_fails_does_not_stop_the_scan_of_what_is_there(desk: KisSetup) -> None:
    last = sessions()[-1]
    run(desk, last)
    create_instruments("999990")  # the source fails for it
    ScanSession.objects.all().update(published=False)
    desk.exchange.faults.rates = {"error": 1.0}
    report = run(desk, last)
    assert (report.outcome, [one.status for one in report.versions]) == ("partial", ["published"])
    (failure,) = report.failures()
    assert "The list of KOSPI failed" in failure
    assert "1 instruments failed, 999990 among them" in failure


def bought(desk: KisSetup) -> None:
    """Each instrument's institutions a tenth of what was traded on its last thirty sessions, from persons."""
    for one in desk.market.values():
        one.flows[:] = [(bar.session, -(bar.volume // 10), 0, bar.volume // 10) for bar in one.bars[-30:]]


def text_of_notification(session: date) -> str:
    """The notification of `session` as a person reads it."""
    return str(notification_body(Notification.objects.get(session=session))["text"])


def flows(session: date) -> list[tuple[str, float | None]]:
    return list(
        InstitutionalFlow.objects.filter(market="kr", date=session)
        .order_by("stock_code")
        .values_list("stock_code", "institution_net_quantity")
    )


def test_flow_is_collected_for_a_version_that_reads_it_and_for_no_other(desk: KisSetup) -> None:
    bought(desk)
    last = sessions()[-1]
    for slug, weight in (("plain", 0.0), ("leans", 0.2)):
        ScannerVersion.objects.create(slug=slug, engine="vcp", params={"flow_weight": weight}, segments=["KOSPI"])
    report = run(desk, last, "rises", "plain")
    assert report.collected
    assert (report.collected.flows, flows(last)) == (0, [])
    assert "investor flow" not in text_of_notification(last)
    report = run(desk, last, "rises", "leans")
    assert report.collected
    assert (report.collected.error, report.failures()) == ("", [])
    assert flows(last) == [(code, one.bars[-1].volume // 10) for code, one in sorted(desk.market.items())]
    assert report.collected.flows == InstitutionalFlow.objects.count() > SIZE
    assert f"{report.collected.flows} of investor flow, {SIZE} calls." in text_of_notification(last)
    again = run(desk, last, "rises", "leans")
    assert again.collected
    assert (again.collected.flows, again.collected.calls, again.news) == (0, 0, False)


def test_failed_collection_of_flow_is_reported_and_scans_continue(desk: KisSetup) -> None:
    bought(desk)
    last = sessions()[-1]
    run(desk, last)
    ScannerVersion.objects.create(slug="leans", engine="vcp", params={"flow_weight": 0.2}, segments=["KOSPI"])
    desk.exchange.faults.rates = {"error": 1.0}
    desk.exchange.faults.only = "inquire-investor"
    report = run(desk, last, "rises", "leans")
    assert report.outcome == "partial"
    assert [one.status for one in report.versions] == ["no_match", "published"]
    (failure,) = report.failures()
    assert failure.startswith(f"The investor flow of {SIZE} instruments failed, 000010 among them")
    assert (flows(last), Notification.objects.get(session=last).outcome) == ([], "partial")


def test_a_lease_that_is_lost_ends_the_collection(desk: KisSetup) -> None:
    last = sessions()[-1]
    desk.exchange.today = last

    def taken() -> datetime:
        LeaseRow.objects.filter(name__startswith="evening").update(fence="of another process")
        return at_six(last)

    with pytest.raises(LeaseLost):
        evening.run_evening(EveningRequest("kr", versions=["rises"]), clock=taken, warm_up=lambda *arguments: None)
    assert not Notification.objects.exists()


def test_missing_source_is_reported(desk: KisSetup, settings: Any) -> None:
    run(desk, sessions()[-1])
    settings.SOURCES = {**settings.SOURCES, "kis": {**settings.SOURCES["kis"], "app_key": ""}}
    report = run(desk, sessions()[-1])
    assert report.collected
    assert "KIS_APP_KEY" in report.collected.note
    assert (report.outcome, report.failures()) == ("done", [])
