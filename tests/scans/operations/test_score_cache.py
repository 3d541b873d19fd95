"""Runs and the score cache: what is kept is not computed again, and gives the answers that computing would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_django import Settings

from marketdata.errors import DataProblem
from marketdata.models import CalendarOverride
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, ScanRun
from scans.operations.scan import inputs, reproduce
from scans.operations.scan.answers import Scan
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import check_instrument, run_scan
from tests.scans.conftest import AS_OF, Importer
from tests.scans.flow_probe import FlowProbe
from tests.scans.operations.test_flows import flow
from tests.scans.probe import Probe

AWAY = RuntimeError("features are not to be computed")


class ParameterFreeProbe(Probe):
    """The probe engine, whose features depend on no parameter."""

    feature_params = ()


@pytest.fixture
def parameter_free(market: pd.DataFrame, probe: Probe) -> Iterator[ParameterFreeProbe]:
    made = ENGINES["probe"] = ParameterFreeProbe()
    yield made
    ENGINES["probe"] = probe


@pytest.fixture
def where(settings: Settings, parameter_free: ParameterFreeProbe) -> Path:
    return Path(settings.SCORE_CACHE)


def request(*days: date, version: str = "rises", **options: Any) -> RunRequest:
    return RunRequest(market="kr", as_of=AS_OF, versions=[version], first=days[0], last=days[-1], **options)


def scanned(*days: date, **options: Any) -> Scan:
    return run_scan(request(*days, **{"save": False} | options))[0]


def ranks(scan: Scan) -> list[Any]:
    assert not scan.error
    return [(one.date, one.input_digest, one.result_digest, one.ranks) for one in scan.answers]


def is_computed(parameter_free: ParameterFreeProbe, *days: date, **options: Any) -> bool:
    """Whether a run has to compute features."""
    parameter_free.failure = AWAY
    results = scanned(*days, **options)
    parameter_free.failure = None
    assert bool(results.error) == (results.executor != inputs.CACHE)
    return bool(results.error)


def test_a_session_is_computed_once(parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]) -> None:
    first = scanned(sessions[30])
    assert first.executor == "inline"
    assert not is_computed(parameter_free, sessions[30])
    again = scanned(sessions[30])
    assert ranks(again) == ranks(first)
    assert ranks(first)[0][3]
    assert ranks(scanned(sessions[30], cached=False)) == ranks(first)
    assert is_computed(parameter_free, sessions[30], cached=False)
    assert is_computed(parameter_free, sessions[29])


def test_what_only_scores_is_tried_again_without_computing(
    parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]
) -> None:
    ten = scanned(sessions[30], version="rises-10", cached=False)
    scanned(sessions[30])
    assert not is_computed(parameter_free, sessions[30], version="rises-10")
    assert ranks(scanned(sessions[30], version="rises-10")) == ranks(ten)
    assert not is_computed(parameter_free, sessions[30], top=2)
    one = scanned(sessions[30], limits={"KOSPI": 1}, cached=False)
    assert not is_computed(parameter_free, sessions[30], limits={"KOSPI": 1})
    assert ranks(scanned(sessions[30], limits={"KOSPI": 1})) == ranks(one)
    assert ranks(one) != ranks(scanned(sessions[30]))
    ScannerVersion.objects.filter(slug="rises").update(segments=["KOSPI"])
    assert is_computed(parameter_free, sessions[30])


def test_an_evening_of_several_sessions_leaves_each(
    parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]
) -> None:
    whole = scanned(*sessions[20:30])
    assert len(list(where.iterdir())) == 10
    for day, answer in zip(sessions[20:30], ranks(whole), strict=True):
        assert not is_computed(parameter_free, day)
        assert ranks(scanned(day)) == [answer]


def test_a_backfill_leaves_none(parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]) -> None:
    assert not scanned(*sessions[20:31]).error
    assert not where.exists()


def test_correction_is_reported_and_a_later_bar_is_not(
    parameter_free: ParameterFreeProbe, where: Path, bring: Importer, market: pd.DataFrame, sessions: list[date]
) -> None:
    scanned(sessions[30])
    later = market[market["date"] == sessions[35]].copy()
    later["close"] = later["close"] + 1
    bring(later, AS_OF + timedelta(days=1))
    assert not is_computed(parameter_free, sessions[30])
    earlier = market[market["date"] == sessions[28]].copy()
    earlier["close"] = earlier["close"] + 1
    bring(earlier, AS_OF + timedelta(days=2))
    assert is_computed(parameter_free, sessions[30])
    assert ranks(scanned(sessions[30])) == ranks(scanned(sessions[30], cached=False))


def test_a_session_that_is_missing_now_is_refused_all_the_same(
    parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]
) -> None:
    day = sessions[sessions.index(date(2024, 4, 11))]
    scanned(day)
    CalendarOverride.objects.create(market="kr", date=date(2024, 4, 10), is_open=True)
    with pytest.raises(DataProblem, match="no bar at all on session 2024-04-10"):
        scanned(day)


def test_cached_version_is_not_computed_with_the_other(
    parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]
) -> None:
    ScannerVersion.objects.create(
        slug="own",
        engine="formula",
        params={"match": "close > sma(close, 5)", "score": "rsi(5)", "min_bars": 2},
    )
    both = replace(request(sessions[30], save=False), versions=["rises", "own"])
    whole = [ranks(one) for one in run_scan(replace(both, cached=False))]
    scanned(sessions[30])
    parameter_free.failure = AWAY
    results = run_scan(both)
    assert [ranks(one) for one in results] == whole
    assert [one.executor for one in results] == [inputs.CACHE, "inline"]
    assert [one.bars > 0 for one in results] == [False, True]
    again = run_scan(both)
    assert [ranks(one) for one in again] == whole
    assert [one.executor for one in again] == [inputs.CACHE] * 2


def test_new_flow_changes_versions_that_read_it(
    market: pd.DataFrame, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FlowProbe, "feature_params", ("flow",), raising=False)
    ENGINES["flow-probe"] = FlowProbe()
    try:
        for slug, params in (("buyers", {"flow": True}), ("rising", {})):
            ScannerVersion.objects.create(slug=slug, engine="flow-probe", params=params)
        flow(sessions[:30], institution_net_quantity=[900.0] * 30)
        for slug in ("buyers", "rising"):
            assert scanned(sessions[30], version=slug).executor == "inline"
            assert scanned(sessions[30], version=slug).executor == inputs.CACHE
        flow([sessions[30]], institution_net_quantity=[5000.0])
        assert scanned(sessions[30], version="buyers").executor == "inline"
        assert scanned(sessions[30], version="rising").executor == inputs.CACHE
    finally:
        del ENGINES["flow-probe"]


def test_pick_is_explained_from_cached_features(
    parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]
) -> None:
    day = request(sessions[30], mend=False)
    run_scan(request(sessions[30]))
    plain = check_instrument(replace(day, cached=False), "005930")
    parameter_free.failure = AWAY
    assert check_instrument(day, "005930") == plain


def test_doing_a_run_again_computes_it(parameter_free: ParameterFreeProbe, where: Path, sessions: list[date]) -> None:
    run_scan(request(sessions[30]))
    assert reproduce.reproduce_run(ScanRun.objects.get().pk, as_of=AS_OF).identical
    parameter_free.failure = AWAY
    results = reproduce.reproduce_run(ScanRun.objects.get().pk, as_of=AS_OF)
    assert not results.identical


def test_nothing_is_cached_if_disabled_or_unsupported_by_the_engine(
    parameter_free: ParameterFreeProbe, where: Path, settings: Settings, probe: Probe, sessions: list[date]
) -> None:
    settings.SCORE_CACHE = ""
    assert scanned(sessions[30]).executor == "inline"
    assert is_computed(parameter_free, sessions[30])
    settings.SCORE_CACHE = str(where)
    ENGINES["probe"] = probe
    assert scanned(sessions[30]).executor == "inline"
    assert not where.exists()
