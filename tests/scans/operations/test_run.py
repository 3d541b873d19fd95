"""Running versions and publishing what they find."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.errors import DataProblem
from marketdata.models import CalendarOverride, LakePartition
from marketdata.queries.records import get_lake
from scans.models import ScannerVersion, ScanRank, ScanRun, ScanSession, Status
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import check_instrument, run_scan
from scans.queries.versions import UnknownVersion
from tests.scans.conftest import AS_OF, Importer
from tests.scans.probe import Probe


def scan(**options: Any) -> Scan:
    return run_scan(RunRequest(market="kr", as_of=AS_OF, **options))[0]


def risers(rows: pd.DataFrame, day: date) -> list[str]:
    """The codes that rose on `day`, the largest rise first."""
    close = rows.pivot_table(index="date", columns="code", values="close")
    rise = (close / close.shift(1) - 1).T[day]
    return list(rise[rise > 0].sort_values(ascending=False).index)


def published(slug: str) -> list[tuple[date, int, str, float]]:
    rows = ScanRank.objects.filter(scanner_version__slug=slug, published=True)
    return list(rows.order_by("date", "rank").values_list("date", "rank", "code", "score"))


def test_the_active_version_ranks_the_last_session(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    result = scan()
    assert result.version.slug == "rises"
    assert [answer.date for answer in result.answers] == [sessions[-1].isoformat()]
    wanted = risers(market, sessions[-1])
    assert [row["code"] for row in result.answers[0].ranks] == wanted
    assert [code for _, _, code, _ in published("rises")] == wanted
    record = ScanRun.objects.get()
    assert (record.status, record.sessions, record.matched) == ("published", 1, len(wanted))
    chosen = {
        "scale": 1.0,
        "segments": ["KOSPI", "KOSDAQ", "KOSDAQ GLOBAL"],
        "limits": {},
        "top": None,
    }
    assert record.params == chosen


def test_a_range_gives_what_single_sessions_give(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    whole = scan(first=sessions[20], last=sessions[-1], save=False)
    assert len(whole.answers) == len(sessions) - 20
    for answer in whole.answers:
        day = date.fromisoformat(answer.date)
        single = scan(first=day, last=day, save=False).answers[0]
        assert single == answer
        assert [row["code"] for row in answer.ranks] == risers(market, day)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_executors_change_nothing(market: pd.DataFrame, probe: Probe, executor: str) -> None:
    # A spawned process knows only the engines of the registry.
    versions = ["v1", "v2"] if executor == "process" else ["rises"]
    values: dict[str, Any] = {"versions": versions, "save": False, "cached": False}
    inline = run_scan(RunRequest(market="kr", as_of=AS_OF, executor="inline", **values))
    other = run_scan(RunRequest(market="kr", as_of=AS_OF, executor=executor, workers=3, **values))
    assert [one.answers for one in inline] == [one.answers for one in other]
    assert other[0].executor == f"{executor} x3"


def test_the_same_again_changes_nothing(market: pd.DataFrame, probe: Probe) -> None:
    first = scan()
    again = scan()
    assert again.unchanged
    assert again.run == first.run
    assert again.answers == first.answers
    assert ScanSession.objects.count() == 1
    attempt = ScanRun.objects.latest("pk")
    assert (attempt.status, attempt.reason) == ("unchanged", f"Run {first.run} has published the same.")
    assert (attempt.sessions, attempt.matched, attempt.answers.count()) == (1, len(first.answers[0].ranks), 0)


def test_a_version_never_touches_another(market: pd.DataFrame, probe: Probe) -> None:
    scan(versions=["rises"])
    before = published("rises")
    scan(versions=["rises-10"])
    assert published("rises") == before
    assert [row[:3] for row in published("rises-10")] == [row[:3] for row in before]
    assert published("rises-10")[0][3] == pytest.approx(before[0][3] * 10)


def test_a_correction_is_a_new_run_and_the_old_answer_stays(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    first = scan()
    last = market["date"] == sessions[-1]
    down = market[last].assign(open=900, high=905, low=895, close=900)
    bring(down[down["code"] == "005930"])
    again = scan()
    assert again.run != first.run
    assert not again.unchanged
    assert "005930" not in [row["code"] for row in again.answers[0].ranks]
    kept = ScanSession.objects.get(run_id=first.run)
    assert not kept.published
    assert [row.code for row in kept.ranks.order_by("rank")] == [row["code"] for row in first.answers[0].ranks]


def test_later_bars_change_no_earlier_answer(
    bring: Importer, probe: Probe, sessions: list[date], market: pd.DataFrame
) -> None:
    day = sessions[30]
    first = scan(first=day, last=day)
    bring(market[market["date"] == sessions[35]].assign(volume=7))
    again = scan(first=day, last=day)
    assert again.unchanged
    assert again.answers == first.answers


def test_one_engine_failing_leaves_the_other(market: pd.DataFrame, probe: Probe) -> None:
    other = Probe()
    other.failure = ZeroDivisionError("a hole in the engine")
    from scans.engines.registry import ENGINES

    ENGINES["broken"] = other
    try:
        ScannerVersion.objects.create(slug="broken", engine="broken")
        failed, fine = run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["broken", "rises"]))
    finally:
        del ENGINES["broken"]
    assert failed.error == "broken failed: ZeroDivisionError: a hole in the engine"
    assert ScanRun.objects.filter(pk=failed.run or 0, status=Status.FAILED).exists()
    assert published("rises")
    assert fine.error == ""


def test_another_result_from_the_same_inputs_is_a_defect(market: pd.DataFrame, probe: Probe) -> None:
    scan()
    before = published("rises")
    probe.shift = 1.0
    assert "the same data, parameters and revision gave another result" in scan().error
    assert published("rises") == before


def test_a_failure_while_publishing_leaves_what_was_there(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    scan()
    before = published("rises")
    bring(market[market["date"] == sessions[-1]].assign(volume=3))
    probe.twice = True  # the same code twice on one session: the database refuses the second
    failed = scan()
    assert failed.error.startswith("rises could not be published: IntegrityError: ")
    assert ScanRun.objects.filter(pk=failed.run or 0, status=Status.FAILED).exists()
    assert published("rises") == before
    assert ScanRun.objects.exclude(status=Status.FAILED).count() == 1


def test_an_interrupt_publishes_nothing(market: pd.DataFrame, probe: Probe) -> None:
    probe.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        scan()
    assert not ScanSession.objects.exists()
    assert ScanRun.objects.get().status == "failed"


def test_a_session_with_too_few_bars_is_quarantined(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date]
) -> None:
    extra = date(2024, 5, 2)
    bring(market[(market["date"] == sessions[-1]) & (market["code"] < "005930")].assign(date=extra))
    assert scan().answers[0].date == sessions[-1].isoformat()  # the last complete one
    thin = scan(first=extra, last=extra)
    assert thin.answers[0].status == "quarantined"
    assert "only 2 instruments have a bar, 6 had one the session before" in thin.answers[0].reason
    assert not ScanSession.objects.get(date=extra).published


def test_limits_keep_the_largest_turnovers(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    result = scan(limits={"KOSPI": 1})
    rows = market[(market["date"] == sessions[-1]) & (market["segment"] == "KOSPI")]
    largest = rows["code"].iloc[int((rows["close"] * rows["volume"]).to_numpy().argmax())]
    kospi = set(market[market["segment"] == "KOSPI"]["code"])
    picked = [row["code"] for row in result.answers[0].ranks]
    assert {code for code in picked if code in kospi} <= {largest}
    assert result.answers[0].universe == 4


def test_fewer_ranks_are_another_answer(market: pd.DataFrame, probe: Probe) -> None:
    whole = scan()
    best = scan(top=1)
    assert best.run != whole.run
    assert best.answers[0].ranks == whole.answers[0].ranks[:1]
    assert len(published("rises")) == 1
    assert scan().answers == whole.answers
    assert len(published("rises")) == len(whole.answers[0].ranks)


def test_explain_says_why(market: pd.DataFrame, probe: Probe, sessions: list[date]) -> None:
    code = risers(market, sessions[-1])[0]
    result = check_instrument(RunRequest(market="kr", as_of=AS_OF), code)["rises"]
    assert [check.holds for check in result.checks] == [True]
    assert result.answer.ranks == scan(save=False).answers[0].ranks
    assert result.rank(code) == result.answer.ranks[0]
    with pytest.raises(DataProblem, match="no bars of 999999"):
        check_instrument(RunRequest(market="kr", as_of=AS_OF), "999999")


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (date(2024, 4, 10), "2024-04-10 is not a session of market kr"),
        (date(2027, 1, 4), "has no bars on 2027-01-04: it has them from 2024-03-04 to 2024-04-30"),
        (date(2020, 1, 6), "has no bars on 2020-01-06"),
    ],
)
def test_date_without_data_is_refused(market: pd.DataFrame, probe: Probe, day: date, sentence: str) -> None:
    with pytest.raises(DataProblem, match=sentence):
        scan(first=day, last=day)


def test_unknown_version_lists_the_existing_ones(market: pd.DataFrame, probe: Probe) -> None:
    with pytest.raises(UnknownVersion, match=r"'v9': the known ones are .*rises, rises-10"):
        scan(versions=["v9"])


def test_empty_market_is_refused(db: None, data_dir: Any, probe: Probe) -> None:
    with pytest.raises(DataProblem, match=r"no complete session|no bars"):
        scan()


def test_missing_session_is_refused_until_it_is_recorded_as_closed(
    bring: Importer, probe: Probe, sessions: list[date], market: pd.DataFrame
) -> None:
    gone = sessions[37]
    from marketdata.models import StockPrice
    from marketdata.operations.projection.dirty_months import mark

    StockPrice.objects.filter(date=gone).delete()
    mark("kr", [gone])
    with pytest.raises(DataProblem, match=f"no bar at all on session {gone}"):
        scan()
    assert scan(first=sessions[20], last=sessions[30], save=False).answers  # the hole lies outside this window
    CalendarOverride.objects.create(market="kr", date=gone, is_open=False, note="closed")
    assert scan().answers[0].date == sessions[-1].isoformat()


def partition() -> LakePartition:
    result = LakePartition.objects.order_by("month").last()
    assert result
    return result


def file_of(row: LakePartition) -> str:
    return f"{get_lake().root}/{get_lake().partition('kr', row.month)}"


def break_nothing(path: str) -> None:
    """The file is as it should be; only the record moves on."""
    row = partition()
    row.wanted += 1
    row.save()


def delete(path: str) -> None:
    import os

    os.unlink(path)


def truncate(path: str) -> None:
    with open(path, "r+b") as stream:
        stream.truncate(700)


def damage(path: str) -> None:
    """Zeros in the middle of the data pages: the footer still reads."""
    with open(path, "r+b") as stream:
        stream.seek(4)
        stream.write(bytes(400))


def replace_by_older(path: str) -> None:
    row = partition()
    LakePartition.objects.filter(pk=row.pk).update(wanted=row.wanted + 1, written=row.written + 1)


@pytest.mark.parametrize("harm", [break_nothing, delete, truncate, damage, replace_by_older])
def test_a_lake_that_is_behind_is_mended_first(market: pd.DataFrame, probe: Probe, harm: Any) -> None:
    before = scan(save=False).answers
    harm(file_of(partition()))
    assert scan(save=False).answers == before
    row = partition()
    assert row.wanted == row.written


def test_rescaling_the_whole_record_of_an_instrument_changes_no_rank(
    bring: Importer, probe: Probe, sessions: list[date], market: pd.DataFrame
) -> None:
    before = [(row["code"], row["score"]) for row in scan(save=False).answers[0].ranks]
    of_code = market["code"] == "005930"
    bring(market[of_code].assign(**{name: market[of_code][name] * 4 for name in ("open", "high", "low", "close")}))
    after = [(row["code"], row["score"]) for row in scan(save=False).answers[0].ranks]
    assert [code for code, _ in after] == [code for code, _ in before]
    np.testing.assert_allclose([score for _, score in after], [score for _, score in before], rtol=1e-9)


def test_scores_that_differ_by_rounding_alone_are_the_same_answer(market: pd.DataFrame, probe: Probe) -> None:
    first = scan()
    probe.shift = 1e-8  # as a backfill may differ from a daily run, whose recursions begin elsewhere
    again = scan()
    assert again.error == ""
    assert again.unchanged
    assert again.run == first.run
