"""Damaged copies of a file: a flipped bit, an end that was cut off, a block of zeros."""

from __future__ import annotations

import random
from collections.abc import Iterator

BLOCK = 512
KINDS = ("flip", "cut", "zero")


def damages(whole: bytes, draw: random.Random, count: int) -> Iterator[bytes]:
    """`count` copies of `whole`, each damaged in one place, the three kinds in turn."""
    for n in range(count):
        yield damaged(whole, draw, KINDS[n % len(KINDS)])


def damaged(whole: bytes, draw: random.Random, kind: str) -> bytes:
    """A copy of `whole` that differs from it in one place."""
    while True:
        copy, at = bytearray(whole), draw.randrange(len(whole))
        if kind == "flip":
            copy[at] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del copy[at:]
        else:
            at -= at % BLOCK
            copy[at : at + BLOCK] = bytes(len(copy[at : at + BLOCK]))
        if bytes(copy) != whole:
            return bytes(copy)
