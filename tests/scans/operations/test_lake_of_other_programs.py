"""The folder of a market in the lake has its bars alone, for pandas, polars and DuckDB; a lake of an older release,
whose index, breaks, caps and flow lay among them, is read as it is and moved by the next projection."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from marketdata.lake.layout import former_path
from marketdata.models import IndexChoice
from marketdata.operations.lake_copies import copy_lake
from marketdata.operations.projection import project
from marketdata.operations.projection.verify import verify
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.exchanges.bucket import Bucket
from tests.scans.conftest import AS_OF
from tests.scans.flow_probe import FlowProbe
from tests.scans.operations.test_flows import flow

KINDS = {"_flows", "_caps", "_index", "_breaks"}


@pytest.fixture
def versions(market: pd.DataFrame, sessions: list[date], monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions that read flow and market caps, and an index that caps weigh."""
    monkeypatch.setitem(ENGINES, "flow-probe", FlowProbe())
    ScannerVersion.objects.create(slug="buyers", engine="flow-probe", params={"flow": True})
    caps = {"match": "market_cap >= 1", "score": "log(market_cap)", "min_bars": 2}
    ScannerVersion.objects.create(slug="caps", engine="formula", params=caps)
    IndexChoice.objects.create(market="kr", name="own-cap")
    flow(sessions, foreign_net_quantity=[float(n) for n in range(len(sessions))])


def digests(sessions: list[date], *, mend: bool = True) -> list[str]:
    options: dict[str, Any] = {"save": False, "cached": False, "mend": mend}
    request = RunRequest("kr", AS_OF, versions=["buyers", "caps"], first=sessions[20], last=sessions[-1], **options)
    scans = run_scan(request)
    assert [scan.error for scan in scans] == ["", ""]
    return [answer.result_digest for scan in scans for answer in scan.answers]


def project_all() -> None:
    project.project_bars("kr", rebuild=True)
    project.project_flows("kr", rebuild=True)


class Folder(MutableMapping[str, bytes]):
    """The files of a directory by their paths below it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __iter__(self) -> Any:
        return (file.relative_to(self.root).as_posix() for file in sorted(self.root.rglob("*")) if file.is_file())

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def __setitem__(self, path: str, content: bytes) -> None:
        (self.root / path).write_bytes(content)

    def __delitem__(self, path: str) -> None:
        (self.root / path).unlink()


def put_back(files: MutableMapping[str, bytes], root: str = "") -> set[str]:
    """Put the files beside the bars among them, as an older release has them; returns their trees."""
    trees = set()
    for path in list(files):
        if former := former_path(path.removeprefix(root)):
            trees.add(path.removeprefix(root).partition("/")[0])
            files[root + former] = files.pop(path)
    return trees


def test_a_lake_of_an_older_release_is_read_as_it_is_and_moved_without_loss(
    versions: None, sessions: list[date], data_dir: Path
) -> None:
    project_all()
    expected, files = digests(sessions), Folder(data_dir / "lake")
    before = dict(files)
    assert put_back(files) == KINDS
    assert digests(sessions, mend=False) == expected
    assert dict(files) != before
    project.project_bars("kr")
    assert dict(files) == before
    assert list(verify("kr")) == []


def test_a_move_that_was_interrupted_is_finished(versions: None, sessions: list[date], data_dir: Path) -> None:
    project_all()
    expected, files = digests(sessions), Folder(data_dir / "lake")
    before = dict(files)
    put_back(files)
    flows = next(path for path in before if path.startswith("_flows"))
    files[flows] = before[flows]  # written, and not yet removed from its former place
    assert digests(sessions, mend=False) == expected
    project.project_bars("kr")
    assert dict(files) == before


def test_the_same_in_a_bucket(versions: None, sessions: list[date], settings: Any, bucket: Bucket) -> None:
    settings.LAKE_DIR = f"s3://lake/of?region=eu-central-1&endpoint={bucket.endpoint}"
    project_all()
    expected, before = digests(sessions), dict(bucket.files)
    assert put_back(bucket.files, "/lake/of/") == KINDS
    assert digests(sessions, mend=False) == expected
    project.project_bars("kr")
    assert {path: content for path, content in bucket.files.items() if content} == before


def test_a_copy_of_an_older_release_is_replaced(versions: None, bucket: Bucket) -> None:
    project_all()
    address = f"s3://lake/of?region=eu-central-1&endpoint={bucket.endpoint}"
    copy_lake("kr", address, [])
    before = set(bucket.files)
    assert "/lake/of/_flows/market=kr/year=2024/month=04/flows.parquet" in before
    catalogue = bucket.files.pop("/lake/of/_catalogue/market=kr/catalogue.json")
    put_back(bucket.files, "/lake/of/")
    bucket.files["/lake/of/market=kr/catalogue.json"] = catalogue
    copy_lake("kr", address, [], rebuild=True)
    copy_lake("kr", address, [])
    assert before <= set(bucket.files)


def test_pandas_and_polars_read_the_folder_of_a_market_as_its_bars(
    versions: None, market: pd.DataFrame, data_dir: Path
) -> None:
    project_all()
    folder = data_dir / "lake" / "market=kr"
    rows = sorted(market[["code", "date", "close"]].itertuples(index=False, name=None))
    of_pandas = pd.read_parquet(folder)
    assert sorted(of_pandas[["code", "date", "close"]].itertuples(index=False, name=None)) == rows
    whole = pd.read_parquet(data_dir / "lake")  # what begins with an underscore is skipped
    assert (len(whole), set(whole["market"])) == (len(rows), {"kr"})
    for pattern in (folder, f"{data_dir}/lake/market=*/**/*.parquet"):
        frame = pl.scan_parquet(pattern).with_columns(pl.col("code").cast(pl.String)).collect()
        assert sorted(frame.select("code", "date", "close").rows()) == rows
