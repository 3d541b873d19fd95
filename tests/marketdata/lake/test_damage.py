"""Damaged files of the lake: whatever is read is what was written, or a LakeError says which file it is."""

from __future__ import annotations

import pickle
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from marketdata.errors import LakeError
from marketdata.lake import flow_files, index_file, verified_reader, writer
from marketdata.lake.footers import Part, survey
from marketdata.lake.layout import Lake, file_identity
from marketdata.panel import FLOW_FIELDS
from tests.damage import damages
from tests.marketdata.lake import lake_files

DAYS = lake_files.sessions(40)
REACH = {"close": 30, "volume": 5, "raw_close": 0, "amount": 2}
DAMAGES = 170
"""Of each of three files: 510."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_files.here(tmp_path / "lake")


@pytest.fixture
def parts(lake: Lake) -> tuple[Part, ...]:
    return lake_files.store(lake, lake_files.market(3, DAYS, 40))


def panel(lake: Lake, parts: tuple[Part, ...], codes: slice = slice(None)) -> dict[str, Any]:
    """Closes of all days, other fields of the last ones only, of all instruments or some."""
    read = lake_files.window(lake, parts, DAYS, 35).read({**REACH, "market_cap": 1}, instruments=codes)
    return {**read.fields, "segment": read.segment, "flags": read.flags, "suspect": read.suspect}


def flow_arrays(lake: Lake, part: Part) -> dict[str, Any]:
    codes = np.array([b"000010", b"000020", b"0001A0"])
    return flow_files.read_arrays(lake, [part], DAYS, codes, dict.fromkeys(FLOW_FIELDS[:2], 40))


def store_flows(lake: Lake) -> Part:
    rng, days = np.random.default_rng(5), DAYS[np.datetime64("2024-02-01") > DAYS]
    codes = np.array(["000010", "000020", "0001A0"])
    code = np.repeat(np.arange(3, dtype=np.int32), len(days))
    values = {name: np.round(rng.normal(0, 1e6, len(code))) for name in FLOW_FIELDS}
    flows = flow_files.Flows(codes, code, np.tile(days, 3), values)
    month = days[0].astype("datetime64[M]").astype("datetime64[D]").item()
    written = flow_files.write(lake, "kr", month, flows, generation=4)
    return Part(month, lake.flows("kr", month), 4, written.digest)


def index_arrays(lake: Lake) -> dict[str, Any]:
    index = index_file.read(lake, "kr")
    if index is index_file.NO_INDEX:
        raise LakeError("it is computed anew")
    return {"values": index.values, "sessions": index.sessions}


def outcomes(file: Path, read: Callable[[], dict[str, Any]], seed: int) -> dict[str, int]:
    """Of so many damages to `file`, how many were refused, changed nothing, and gave something wrong."""
    right, content = read(), file.read_bytes()
    counts = {"refused": 0, "right": 0, "wrong": 0}
    for damage in damages(content, random.Random(seed), DAMAGES):
        file.write_bytes(damage)
        try:
            now = read()
        except LakeError:
            counts["refused"] += 1
        else:
            same = all(
                np.array_equal(now[name], right[name], equal_nan=right[name].dtype.kind == "f") for name in right
            )
            counts["right" if same else "wrong"] += 1
    file.write_bytes(content)
    read()
    return counts


def test_bars_are_right_or_refused(lake: Lake, parts: tuple[Part, ...]) -> None:
    """Damage to what is not read (the month's opens, say) changes nothing; every other is noticed."""
    counts = outcomes(Path(lake.root) / parts[0].path, lambda: panel(lake, parts), 1)
    assert counts["wrong"] == 0
    assert counts["refused"] > DAMAGES / 2
    assert counts["right"] > 0


def test_bars_of_some_instruments_are_right_or_refused(
    lake: Lake, parts: tuple[Part, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only some row groups and columns are read, these are verified."""
    monkeypatch.setattr(writer, "CODES_PER_GROUP", 8)
    parts = lake_files.store(lake, lake_files.market(3, DAYS, 40))
    assert pq.ParquetFile(Path(lake.root) / parts[0].path).num_row_groups > 3
    counts = outcomes(Path(lake.root) / parts[0].path, lambda: panel(lake, parts, slice(9, 14)), 2)
    assert counts["wrong"] == 0
    assert counts["refused"] > DAMAGES / 3
    assert counts["right"] > 0


def test_flows_are_right_or_refused(lake: Lake) -> None:
    part = store_flows(lake)
    counts = outcomes(Path(lake.root) / part.path, lambda: flow_arrays(lake, part), 3)
    assert counts["wrong"] == 0
    assert counts["refused"] > DAMAGES / 2


def test_an_index_is_right_or_computed_anew(lake: Lake) -> None:
    rng = np.random.default_rng(6)
    index_file.write(
        lake,
        "kr",
        index_file.IndexFile(DAYS, rng.normal(size=(4, 40)), {"2024-01-01": "aa"}),
    )
    counts = outcomes(Path(lake.root) / lake.index("kr"), lambda: index_arrays(lake), 4)
    assert counts["wrong"] == 0
    assert counts["refused"] > DAMAGES / 2


def test_a_file_read_whole_is_compared_with_its_roster(
    lake: Lake, parts: tuple[Part, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    roster, bars = verified_reader.read_bars(lake, parts[0])
    assert roster.rows == len(bars.code)
    flows = store_flows(lake)
    assert verified_reader.read_flows(lake, flows)[0].digest == flows.digest
    honest = writer.row_digests
    monkeypatch.setattr(writer, "row_digests", lambda bars: (honest(bars)[0] + np.uint64(1), honest(bars)[1]))
    lake_files.store(lake, lake_files.market(3, DAYS, 40))  # a writer with a defect: sealed, and wrong all the same
    monkeypatch.setattr(writer, "row_digests", honest)
    with pytest.raises(LakeError, match="contains other rows than its footer states"):
        verified_reader.read_bars(lake, parts[0])


def test_a_file_from_elsewhere_is_refused(lake: Lake, parts: tuple[Part, ...]) -> None:
    january, february = (Path(lake.root) / part.path for part in parts[:2])
    shutil.copy(january, february)
    with pytest.raises(LakeError, match=r"month=02/bars.parquet contains bars of market kr 2024-01"):
        survey(lake, parts)
    other = lake_files.here(Path(lake.root).parent / "other")
    theirs = lake_files.store(other, lake_files.market(4, DAYS, 40))
    shutil.copy(Path(other.root) / theirs[1].path, february)
    survey(lake, parts)  # without the record's digest it cannot be detected
    digest = survey(other, theirs).rosters[0].digest
    with pytest.raises(LakeError, match="contains other bars than the record expects"):
        survey(lake, [replace(parts[1], digest=digest)])
    assert file_identity(lake.index("kr-adj")) == ("index", "kr-adj", "")
    index_file.write(lake, "us", index_file.IndexFile(DAYS, np.zeros((4, 40)), {}))
    target = Path(lake.root) / lake.index("kr")
    target.parent.mkdir(parents=True)
    shutil.copy(Path(lake.root) / lake.index("us"), target)
    assert index_file.read(lake, "kr") is index_file.NO_INDEX


def test_a_file_that_lacks_a_column_is_refused(lake: Lake, parts: tuple[Part, ...]) -> None:
    """As another program would write it: with all that the footer said."""
    file = Path(lake.root) / parts[0].path
    opened = pq.ParquetFile(file)
    texts, table = opened.metadata.metadata, opened.read().drop_columns(["volume"])
    pq.write_table(table.replace_schema_metadata(texts), file)
    with pytest.raises(LakeError, match="it has no seal"):
        survey(lake, parts)


def test_the_lake_of_an_earlier_version_says_so(lake: Lake, parts: tuple[Part, ...]) -> None:
    file = Path(lake.root) / parts[0].path
    head = b'{"version": 1, "generation": 1, "width": 6}'
    table = pq.ParquetFile(file).read()
    pq.write_table(table.replace_schema_metadata({b"seismo.head": head}), file)
    with pytest.raises(LakeError, match="has lake schema version 1, this program writes 2: run"):
        survey(lake, parts)


def test_pages_have_checksums_for_every_reader(lake: Lake, parts: tuple[Part, ...]) -> None:
    """Parquet's own, so that other programs notice damage too."""
    file = Path(lake.root) / parts[0].path
    content, chunk = file.read_bytes(), pq.ParquetFile(file).metadata.row_group(0).column(5)
    end = chunk.data_page_offset + chunk.total_compressed_size
    file.write_bytes(content[: end - 3] + bytes([content[end - 3] ^ 4]) + content[end - 2 :])
    with pytest.raises(OSError, match="checksum"):
        pq.ParquetFile(file, page_checksum_verification=True).read()
    file.write_bytes(content)
    pq.ParquetFile(file, page_checksum_verification=True).read()


def test_a_file_that_is_replaced_between_two_reads_is_refused(lake: Lake, parts: tuple[Part, ...]) -> None:
    """A projection may take its place at any moment: rows are never laid out by the roster of another file."""
    window = lake_files.window(lake, parts, DAYS, 35)
    whole_window = pickle.loads(pickle.dumps(window))  # noqa: S301 (as it is sent to a process)
    assert np.array_equal(whole_window.read(REACH)["close"], window.read(REACH)["close"], equal_nan=True)
    lake_files.store(lake, lake_files.market(4, DAYS, 40))
    for one in (window, whole_window):
        with pytest.raises(LakeError, match="it was replaced while it was read"):
            one.read(REACH)
