"""The files of carried caps, one for each month: the caps after its last session, and after
each of its sessions that a missing one follows. A read that starts with a month begins with the file of the month
before.

A file has a checksum that includes a digest of all that the caps depend on, so that one that is damaged, missing or of
other data is never read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from marketdata.carried_caps import CapState
from marketdata.errors import LakeError
from marketdata.lake import digest
from marketdata.lake.layout import Lake, former_path

WIDTH = 32
"""Bytes of the checksum, which precedes the content."""


def write(lake: Lake, market: str, month: date, states: Mapping[np.datetime64, CapState], *, data: str) -> None:
    """Put the file of `month` in its place: session -> the carried caps after it; `data`: the digest of what they
    depend on."""
    memory, path = io.BytesIO(), lake.caps(market, month)
    arrays = {
        f"{session} {name}": getattr(state, name) for session, state in states.items() for name in CapState.__slots__
    }
    np.savez(memory, **arrays)
    content = memory.getvalue()
    lake.put(path, _checksum(path, data, content) + content)


def read(lake: Lake, market: str, session: np.datetime64, *, data: str) -> CapState:
    """The carried caps after `session`; LakeError where its month's file lacks them, or is missing, damaged or of other
    data."""
    path = lake.caps(market, session.astype("datetime64[M]").item())
    try:
        with lake.source(path) as stream:
            checksum, content = stream.read(WIDTH), stream.read()
        if checksum == _checksum(path, data, content):
            with np.load(io.BytesIO(content)) as arrays:
                return CapState(*(arrays[f"{session} {name}"] for name in CapState.__slots__))
    except (OSError, pa.ArrowException, KeyError):
        pass
    raise LakeError(f"The carried caps of market {market} are behind its lake: run `manage.py project_lake`.")


def _checksum(path: str, data: str, content: bytes) -> bytes:
    # Of its former place: files that were written there are moved as they are.
    return digest.text([(former_path(path) or path).encode(), data.encode(), content]).encode()
