"""Damaged copies of a file: a flipped bit, an end that was cut off, a block of zeros."""

from __future__ import annotations

import random
from collections.abc import Iterator

BLOCK = 512


def damages(whole: bytes, draw: random.Random, count: int) -> Iterator[bytes]:
    """`count` different copies of `whole`, each damaged in one place, the three kinds in turn."""
    made = 0
    while made < count:
        copy, at = bytearray(whole), draw.randrange(len(whole))
        if made % 3 == 0:
            copy[at] ^= 1 << draw.randrange(8)
        elif made % 3 == 1:
            del copy[at:]
        else:
            at -= at % BLOCK
            copy[at : at + BLOCK] = bytes(len(copy[at : at + BLOCK]))
        if bytes(copy) != whole:
            made += 1
            yield bytes(copy)
