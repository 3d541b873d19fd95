"""Investor flow from the record to a version's answers: what a version sees of it, and whose answers it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest_django import Settings

from marketdata.models import FlowPartition
from marketdata.operations.projection import project
from marketdata.operations.projection.verify import verify
from marketdata.operations.record import flows
from marketdata.queries.records import get_lake, get_record
from marketdata.sources.batches import FlowBatch
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.operations.scan import reproduce
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF, CODES
from tests.scans.flow_probe import FIELDS, FlowProbe

LATER = AS_OF + timedelta(days=1)


@pytest.fixture
def engine(market: pd.DataFrame) -> Iterator[FlowProbe]:
    """Versions `buyers`, which reads flow, and `rising`, which does not."""
    made = ENGINES["flow-probe"] = FlowProbe()
    ScannerVersion.objects.create(slug="buyers", engine="flow-probe", params={"flow": True})
    ScannerVersion.objects.create(slug="rising", engine="flow-probe")
    yield made
    del ENGINES["flow-probe"]


def flow(
    days: Sequence[date],
    code: str = "005930",
    *,
    source: str = "kis",
    at: datetime = AS_OF,
    **values: Sequence[float | None],
) -> None:
    batch = FlowBatch.of([code] * len(days), days, values)
    flows.record_flows(batch, market="kr", source=source, at=at)


def scanned(sessions: list[date], *, executor: str = "inline", save: bool = True) -> list[Scan]:
    return run_scan(
        RunRequest(
            market="kr",
            as_of=AS_OF,
            versions=["buyers", "rising"],
            first=sessions[20],
            last=sessions[30],
            executor=executor,
            save=save,
        )
    )


def digests(scan: Scan) -> dict[str, str]:
    return {answer.date: answer.input_digest for answer in scan.answers}


def test_a_version_sees_the_flows_of_its_window_as_recorded(engine: FlowProbe, sessions: list[date]) -> None:
    """Against a table filled by hand: gaps are NaN, codes without bars and other sessions do not show."""
    rng = np.random.default_rng(4)
    wanted = {name: pd.DataFrame(index=sessions, columns=CODES, dtype=float) for name in FIELDS}
    for code in CODES[1:]:
        days = [day for day in sessions if rng.random() < 0.8]
        batch = {name: [float(rng.integers(-9, 9)) if rng.random() < 0.7 else np.nan for _ in days] for name in FIELDS}
        flows.record_flows(FlowBatch.of([code] * len(days), days, batch), market="kr", source="kis", at=AS_OF)
        for name, values in batch.items():
            wanted[name].loc[days, code] = values
    flow(sessions, "999999", foreign_net_quantity=[7] * len(sessions))
    for executor in ("inline", "thread"):
        scans = scanned(sessions, executor=executor, save=False)
        assert [scan.error for scan in scans] == ["", ""]
        if executor == "thread":
            continue  # each thread saw a part of the instruments
        for name, table in wanted.items():
            result = pd.DataFrame(engine.seen[name], index=sessions[18:31], columns=engine.codes)
            pd.testing.assert_frame_equal(
                result[list(CODES)], table.loc[sessions[18] : sessions[30]], check_names=False
            )


def test_flow_changes_the_digests_of_those_that_read_it_from_its_session_on(
    engine: FlowProbe, sessions: list[date]
) -> None:
    buyers, rising = map(digests, scanned(sessions))
    assert buyers.keys() == rising.keys()
    day = sessions[25]
    flow([day], foreign_net_quantity=[5.0])
    again, other = scanned(sessions)
    assert (again.unchanged, other.unchanged) == (False, True)
    assert digests(other) == rising
    changed = {when for when, one in digests(again).items() if one != buyers[when]}
    assert changed == {str(one) for one in sessions[25:31]}

    before = digests(again)
    flow([sessions[31]], foreign_net_quantity=[5.0])  # after the last requested session
    assert digests(scanned(sessions)[0]) == before
    flow([day], foreign_net_quantity=[None], at=LATER)  # says nothing
    assert digests(scanned(sessions)[0]) == before
    flow([day], foreign_net_quantity=[6.0], at=LATER)
    assert {when for when, one in digests(scanned(sessions)[0]).items() if one != before[when]} == (changed)


def test_a_rerun_names_the_flows_that_came_since(engine: FlowProbe, sessions: list[date]) -> None:
    day = sessions[22]
    flow([day], foreign_net_quantity=[5.0])
    buyers, rising = scanned(sessions)
    assert buyers.run is not None
    assert rising.run is not None
    assert reproduce.reproduce_run(buyers.run, as_of=AS_OF).identical
    flow([day], foreign_net_quantity=[-5.0], at=LATER)
    flow([sessions[24]], foreign_net_quantity=[1.0], at=LATER)
    result = reproduce.reproduce_run(buyers.run, as_of=AS_OF)
    assert result.data == sessions[22:31]
    assert [(one.code, one.date, one.what) for one in result.changes] == [
        ("005930", day, "flow corrected; before: foreign_net_quantity 5.0"),
        ("005930", sessions[24], "flow added"),
    ]
    assert reproduce.reproduce_run(rising.run, as_of=AS_OF).identical


def test_one_source_completes_another_and_the_preferred_one_decides(
    engine: FlowProbe, sessions: list[date], settings: Settings
) -> None:
    settings.SOURCE_ORDER = ("kis", "krx")
    days = sessions[28:31]
    flow(days, source="krx", foreign_net_quantity=[1, 2, 3], institution_net_value=[None, 20, 30])
    flow(days, source="kis", foreign_net_quantity=[None, 9, None], institution_net_value=[8] * 3)
    scanned(sessions, save=False)
    column = engine.codes.index("005930")
    assert engine.seen["foreign_net_quantity"][-3:, column].tolist() == [1, 9, 3]
    assert engine.seen["institution_net_value"][-3:, column].tolist() == [8, 8, 8]


def test_the_lake_of_flows_is_verified_and_mended(engine: FlowProbe, sessions: list[date], data_dir: Path) -> None:
    flow(sessions, foreign_net_quantity=[float(n) for n in range(len(sessions))])
    project.project_bars("kr")
    assert {finding.text for finding in verify("kr")} == {
        "is behind the record in its flows; run `manage.py project_lake`"
    }
    assert project.project_flows("kr").rows == len(sessions)
    assert list(verify("kr")) == []
    file = data_dir / "lake" / get_lake().flows("kr", date(2024, 4, 1))
    whole = digests(scanned(sessions)[0])

    file.write_bytes(file.read_bytes()[:-20])
    assert "cannot be read" in next(verify("kr")).text
    assert digests(scanned(sessions)[0]) == whole  # mended on the way
    assert list(verify("kr")) == []

    file.unlink()
    assert "is missing" in next(verify("kr")).text
    project.update_lake("kr")
    assert list(verify("kr")) == []

    row = FlowPartition.objects.get(month=date(2024, 4, 1))
    flow([sessions[-1]], foreign_net_quantity=[999.0], at=LATER)
    FlowPartition.objects.filter(pk=row.pk).update(wanted=row.wanted)  # as if it were not marked
    assert [finding.text for finding in verify("kr")] == ["differs from the record in the flows of 005930"]


def test_bars_are_not_rewritten_if_only_flows_change(engine: FlowProbe, sessions: list[date], data_dir: Path) -> None:
    scanned(sessions)
    files = {path: path.stat().st_mtime_ns for path in data_dir.glob("lake/**/bars.parquet")}
    record = get_record("kr")
    flow(sessions[:5], foreign_net_quantity=[1.0] * 5)
    scanned(sessions)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert get_record("kr").digests == record.digests


def test_a_market_without_flows_is_what_it_was(engine: FlowProbe, sessions: list[date]) -> None:
    """A version that asks for flow where none is recorded has the digest of the bars alone."""
    buyers = scanned(sessions)[0]
    assert buyers.error == ""
    assert all(not answer.ranks for answer in buyers.answers)
    flow([sessions[-1]], foreign_net_quantity=[1.0])
    assert digests(scanned(sessions)[0]) == digests(buyers)


def test_a_formula_reads_net_buying_where_it_is_recorded(market: pd.DataFrame, sessions: list[date]) -> None:
    """By hand: 3 + 5 of the shares of two sessions; an instrument without flow on one of them is not judged."""
    params = {"match": "foreign_net(2) > 0", "score": "foreign_net(2)", "min_bars": 2}
    ScannerVersion.objects.create(slug="bought", engine="formula", params=params)
    window = sessions[24:26]
    flow(window, CODES[0], foreign_net_quantity=[3.0, 5.0], institution_net_quantity=[-9.0, -9.0])
    flow(window[1:], CODES[1], foreign_net_quantity=[8.0])
    request = RunRequest("kr", AS_OF, versions=["bought"], first=window[1], last=window[1], save=False)
    (scan,) = run_scan(request)
    traded = market[(market["code"] == CODES[0]) & market["date"].isin(window)]["volume"].sum()
    (answer,) = scan.answers
    assert {row["code"]: row["score"] for row in answer.ranks} == {CODES[0]: pytest.approx(8 / traded)}
    assert answer.scored == 1
    assert answer.notes.startswith("2 of ")
    assert answer.notes.endswith(" eligible have investor flow")
