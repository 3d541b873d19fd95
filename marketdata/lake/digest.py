"""Digests of bars: 64 bits a row, added up per instrument and per session.

A row's digest mixes its code, its date and the bits of every value (missing values alike), so a digest of a set of
rows does not depend on their order, and those of two disjoint sets add up. The mixing is that of splitmix64
(Steele, Lea, Flood 2014): good against accidents, not against intended collisions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_MISSING = np.uint64(0x7FF8_0000_0000_0001)


def words(texts: Iterable[str]) -> Words:
    """One 64-bit word for each text."""
    return np.array(
        [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts],
        dtype=np.uint64,
    )


def rows(keys: Words, values: Sequence[NDArray[np.generic]]) -> Words:
    """A digest for each row, (R,): `keys` (R,) words and columns of float64, integers or words."""
    mixed = _mix(keys.copy())
    for column in values:
        mixed ^= _bits(column)
        _mix(mixed)
    return mixed


def total(digests: Words, groups: NDArray[np.intp], count: int) -> Words:
    """The digests added up (modulo 2**64) by group, (count,)."""
    sums = np.zeros(count, dtype=np.uint64)
    np.add.at(sums, groups, digests)
    return sums


def text(parts: Iterable[bytes]) -> str:
    """A digest of parts in their order, 32 hexadecimal characters."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def _bits(column: NDArray[np.generic]) -> Words:
    if column.dtype.kind == "f":
        whole = column.astype(np.float64) + 0.0  # -0.0 becomes 0.0
        bits = whole.view(np.uint64)
        bits[np.isnan(whole)] = _MISSING
        return bits
    return column.astype(np.uint64)


def _mix(state: Words) -> Words:
    """Splitmix64's finaliser, in place."""
    state += np.uint64(0x9E37_79B9_7F4A_7C15)
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58_476D_1CE4_E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D0_49BB_1331_11EB)
    state ^= state >> np.uint64(31)
    return state
