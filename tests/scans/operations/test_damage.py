"""A damaged lake, seen from a scan: it is mended from the record once, and the answer is the one that was."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from marketdata.errors import LakeError
from marketdata.models import LakePartition
from marketdata.operations.projection import project
from marketdata.operations.projection.verify import verify
from marketdata.queries.index_series import get_own_index
from marketdata.queries.records import get_record
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion, ScanRank, ScanSession
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.damage import damages
from tests.scans.conftest import AS_OF, Importer
from tests.scans.flow_probe import FlowProbe
from tests.scans.operations.test_flows import flow
from tests.scans.operations.test_score_cache import ParameterFreeProbe
from tests.scans.probe import Probe

Spoil = Callable[[Path], object]
APRIL = "market=kr/year=2024/month=04"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def zero(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:64] + bytes(2048) + content[64 + 2048 :])


def another_month(file: Path) -> None:
    shutil.copy(file.parent.parent / "month=03" / file.name, file)


def without_volume(file: Path) -> None:
    opened = pq.ParquetFile(file)
    texts, table = opened.metadata.metadata, opened.read().drop_columns(["volume"])
    pq.write_table(table.replace_schema_metadata(texts), file)


def an_earlier_version(file: Path) -> None:
    table = pq.ParquetFile(file).read()
    head = b'{"version": 1, "generation": 1, "width": 6}'
    pq.write_table(table.replace_schema_metadata({b"seismo.head": head}), file)


def remove(file: Path) -> None:
    file.unlink()


EVERY = [cut, zero, another_month, without_volume, an_earlier_version, remove]


def request(*days: date, **overrides: Any) -> RunRequest:
    options: dict[str, Any] = {"versions": ["rises"], "save": False, "cached": False, **overrides}
    return RunRequest(market="kr", as_of=AS_OF, first=days[0], last=days[-1], **options)


def ranks(*days: date, **options: Any) -> list[Any]:
    scans = run_scan(request(*days, **options))
    assert not [one.error for one in scans if one.error]
    return [(one.date, one.input_digest, one.result_digest) for made in scans for one in made.answers]


@pytest.mark.parametrize("spoil", EVERY)
def test_damaged_bars_are_mended_on_the_way(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path, spoil: Spoil
) -> None:
    right = ranks(*sessions[25:])
    spoil(data_dir / "lake" / APRIL / "bars.parquet")
    assert ranks(*sessions[25:]) == right
    assert list(verify("kr")) == []


@pytest.mark.parametrize("spoil", [cut, zero, remove])
def test_a_damaged_index_is_computed_anew(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path, spoil: Spoil
) -> None:
    right = ranks(sessions[-1])
    _, m, _ = get_own_index(get_record("kr"))
    spoil(data_dir / "lake" / "_index" / "market=kr" / "index.parquet")
    assert ranks(sessions[-1]) == right
    assert get_own_index(get_record("kr"))[1].tolist() == pytest.approx(m.tolist(), nan_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [cut, zero, another_month, remove])
def test_damaged_flows_are_mended_on_the_way(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path, spoil: Spoil
) -> None:
    flow(sessions, foreign_net_quantity=[float(n) for n in range(len(sessions))])
    ENGINES["buyers"] = FlowProbe()
    try:
        ScannerVersion.objects.create(slug="buyers", engine="buyers", params={"flow": True})
        right = ranks(sessions[-9], versions=["buyers"])
        spoil(data_dir / "lake" / "_flows" / APRIL / "flows.parquet")
        assert ranks(sessions[-9], versions=["buyers"]) == right
    finally:
        del ENGINES["buyers"]
    assert list(verify("kr")) == []


@pytest.mark.slow
def test_damage_anywhere_changes_no_answer(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    right, draw = ranks(sessions[25]), random.Random(11)
    for path in (f"{APRIL}/bars.parquet", "_index/market=kr/index.parquet"):
        file = data_dir / "lake" / path
        for damage in damages(file.read_bytes(), draw, 15):
            file.write_bytes(damage)
            assert ranks(sessions[25]) == right
    project.mark_damaged("kr")  # what no answer needed is damaged still
    project.project_bars("kr")
    assert list(verify("kr")) == []


def test_an_index_that_needs_a_damaged_month_is_computed_all_the_same(
    market: pd.DataFrame, bring: Importer, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    ranks(sessions[-1])
    zero(data_dir / "lake" / APRIL / "bars.parquet")
    newer = market[market["date"] == sessions[-1]].assign(volume=5)
    bring(newer, at=AS_OF + timedelta(days=1))
    project.project_bars("kr")
    assert list(verify("kr")) == []


def test_signals_are_followed_over_a_damaged_lake(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    probe.plan = (1.02, 0.98, 5)
    run_scan(request(*sessions[25:30], save=True))
    right = signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    assert right[0].opened
    zero(data_dir / "lake" / APRIL / "bars.parquet")
    again = signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF, rebuild=True)
    assert again[0].counts == right[0].counts


def test_where_nothing_may_be_written_one_sentence_says_what_to_do(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    ranks(sessions[25])
    zero(data_dir / "lake" / APRIL / "bars.parquet")
    with pytest.raises(LakeError, match=rf"^{APRIL}/bars.parquet cannot be read, it is damaged .*project_lake`\.$"):
        ranks(sessions[25], mend=False)
    with pytest.raises(CommandError, match="1 fault in the lake of market kr"):
        call_command("verify_lake", verbosity=0)
    call_command("project_lake", verbosity=0)
    assert ranks(sessions[25], mend=False)


def test_answers_from_a_damaged_file_are_replaced_after_the_damage_is_detected(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    """As a release did that did not verify: what it published differs, with the digest of the very same record."""
    day = sessions[25]
    right = ranks(day, save=True)
    ScanSession.objects.update(result_digest="from damage")
    ScanRank.objects.update(score=9.0)
    (refused,) = run_scan(request(day, save=True))
    assert "the same data, parameters and revision gave another result" in refused.error
    zero(data_dir / "lake" / APRIL / "bars.parquet")
    call_command("project_lake", verbosity=0)
    assert LakePartition.objects.get(month=date(2024, 4, 1)).damage_seen_at is not None
    (mended,) = run_scan(request(day, save=True))
    assert (mended.error, mended.unchanged) == ("", False)
    assert ScanSession.objects.get(published=True).result_digest == right[0][2]
    LakePartition.objects.update(damage_seen_at=AS_OF - timedelta(days=1))  # before it was published
    assert run_scan(request(day, save=True))[0].unchanged
    ScanSession.objects.update(result_digest="a defect")
    ScanRank.objects.update(score=9.0)
    (refused,) = run_scan(request(day, save=True))
    assert "this is a defect" in refused.error


def test_nothing_is_saved_from_an_unverified_read(
    market: pd.DataFrame, probe: Probe, sessions: list[date], data_dir: Path
) -> None:
    ENGINES["probe"] = ParameterFreeProbe()
    right = ranks(sessions[25])
    zero(data_dir / "lake" / APRIL / "bars.parquet")
    with pytest.raises(LakeError):
        ranks(sessions[25], cached=True, mend=False)
    assert not list(data_dir.glob("scores/*"))
    assert ranks(sessions[25], cached=True) == right
    (entry,) = data_dir.glob("scores/*")
    zero(entry)
    assert ranks(sessions[25], cached=True, mend=False) == right
    assert run_scan(request(sessions[25], cached=True))[0].executor == "cache"
