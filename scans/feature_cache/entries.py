"""Entries of the feature cache: universe and features of one version on one session.

An entry is a sealed Parquet file with a row for each instrument, and of the data that it was computed from the digests:
of all of it, and of each instrument's share. Its key depends on everything else, so an entry is never wrong,
only unused: when the code or a parameter changes, the key changes. When a bar, an event or a membership changes,
the instruments whose digest is the same are used (`origins`), and the entry is replaced.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import marketdata
import scans
from marketdata import arrow_columns, sealed_files
from scans.digests import json_digest
from scans.engines import engine_params
from scans.engines.base import Features, Universe, get_feature_params
from scans.execution.shards import EngineTask

FORMAT_VERSION = 3
"""The version of the file format, part of the key."""
SourcePaths: TypeAlias = Sequence[tuple[ModuleType, Sequence[str]]]

SOURCE_PATHS: SourcePaths = (
    (scans, ("engines", "execution", "feature_cache", "kernels")),
    (
        marketdata,
        (
            "lake",
            "adjust.py",
            "arrow_columns.py",
            "breaks.py",
            "carried_caps.py",
            "markets.py",
            "membership.py",
            "panel.py",
            "queries",
            "record.py",
            "sealed_files.py",
        ),
    ),
)
"""The code that an entry depends on."""
FACTS = ("eligible", "amount", "close", "change_pct", "segment")
"""The facts of a universe about each instrument on each session, (K, N)."""
FEATURE_PREFIX = "f:"
"""Before a feature's name, which may be that of a fact."""
ORIGINS = "origin"


@dataclass(frozen=True, slots=True)
class Entry:
    """One session (K = 1): the universe with the eligibility of the version applied, but not its limits, its features,
    and what they were computed from: `data`, the digest of what is recorded up to the session, with the market caps and
    the investor flow where they are read, `window`, that of what all instruments share, and `origins` (N,), of each
    instrument's bars."""

    universe: Universe
    features: Features
    data: str = ""
    window: str = ""
    origins: NDArray[np.uint64] | None = None


def entry_key(task: EngineTask, *, market: str, session: np.datetime64) -> str:
    """The key of the features of `task`, 32 hex digits; "" where the engine does not declare their parameters."""
    names = get_feature_params(task.engine)
    if names is None:
        return ""
    requirements, values = task.requirements, engine_params.dump(task.params)
    what = {
        "form": FORMAT_VERSION,
        "code": code_digest(),
        "market": market,
        "session": str(session),
        "engine": [task.engine.slug, task.engine.revision],
        "params": {name: values[name] for name in names},
        "needs": [dict(requirements.inputs), requirements.warm_up, requirements.min_bars],
        "segments": task.segments,
    }
    return json_digest(what, ensure_ascii=True)


def source_files(sources: SourcePaths = SOURCE_PATHS) -> list[Path]:
    """The modules that compute features, or those of other `sources`."""
    paths: list[Path] = []
    for package, names in sources:
        root = Path(package.__path__[0])
        for name in names:
            paths += [root / name] if name.endswith(".py") else sorted((root / name).rglob("*.py"))
    return paths


def source_digest(sources: SourcePaths) -> str:
    """A digest of the modules of `sources`, and of NumPy's version."""
    digest = hashlib.blake2b(np.__version__.encode(), digest_size=16)
    for file in source_files(sources):
        digest.update(f"{file.parent.name}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """A digest of the code that computes features, and of NumPy's version: an edited engine has other keys."""
    return source_digest(SOURCE_PATHS)


def session_entries(universe: Universe, features: Features) -> list[Entry]:
    """An entry for each session of the universe; none where features are not (K, N)."""
    shape = universe.eligible.shape
    if any(array.shape != shape for array in features.values()):
        return []
    return [
        Entry(_select_rows(universe, slice(k, k + 1)), {name: array[k : k + 1] for name, array in features.items()})
        for k in range(shape[0])
    ]


def _select_rows(universe: Universe, rows: slice) -> Universe:
    facts = {fact: getattr(universe, fact)[rows] for fact in FACTS}
    return replace(universe, sessions=universe.sessions[rows], **facts)


def encode_entry(entry: Entry, name: str) -> bytes:
    """The file of an entry whose key is `name`."""
    columns: dict[str, NDArray[Any]] = {"code": entry.universe.codes}
    columns |= {fact: getattr(entry.universe, fact)[0] for fact in FACTS}
    columns |= {FEATURE_PREFIX + feature: array[0] for feature, array in entry.features.items()}
    if entry.origins is not None:
        columns[ORIGINS] = entry.origins
    metadata = {
        "key": name,
        "data": entry.data,
        "window": entry.window,
        "session": str(entry.universe.sessions[0]),
        "segments": json.dumps(entry.universe.segments),
    }
    table = pa.table({column: arrow_columns.to_arrow(array) for column, array in columns.items()})
    sink = pa.BufferOutputStream()
    sealed_files.write_sealed_file(
        table, sink, metadata=metadata, compression="lz4", use_dictionary=False, write_statistics=False
    )
    return sink.getvalue().to_pybytes()


def decode_entry(file: bytes, name: str) -> Entry:
    """The entry in a file of `encode_entry`. ValueError where the file is damaged, no entry or another entry."""
    with sealed_files.SealedFile(pa.BufferReader(file)) as opened:
        metadata = opened.texts
        if metadata.get(b"key") != name.encode():
            raise ValueError(f"it is not the entry {name}")
        table = opened.table(opened.columns)
    arrays = {
        column: arrow_columns.to_numpy(table[column])[np.newaxis, :]
        for column in table.column_names
        if column not in ("code", ORIGINS)
    }
    universe = Universe(
        sessions=np.array([metadata[b"session"].decode()], dtype="datetime64[D]"),
        codes=np.array(table["code"].to_pylist(), dtype=np.str_),
        segments=tuple(json.loads(metadata[b"segments"])),
        **{fact: arrays.pop(fact) for fact in FACTS},
    )
    return Entry(
        universe,
        {column.removeprefix(FEATURE_PREFIX): array for column, array in arrays.items()},
        data=metadata[b"data"].decode(),
        window=metadata[b"window"].decode(),
        origins=arrow_columns.to_numpy(table[ORIGINS]) if ORIGINS in table.column_names else None,
    )
