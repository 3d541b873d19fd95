"""gzip of answers: of a whole body, and of a text that is kept with places that are filled in anew for each answer."""

from __future__ import annotations

import secrets
import struct
from functools import cached_property
from typing import NamedTuple

from django.http import HttpResponse
from isal import isal_zlib

GZIP_WITH_NAME = b"\x1f\x8b\x08\x08" + bytes(5) + b"\xff"
"""The header of a gzip stream that has a name: no time, an unknown system."""
COMPRESSION_LEVEL = 2
LAST_BLOCK = b"\x03\x00"
"""An empty block that ends a deflated stream."""


def compress(content: bytes) -> bytes:
    """The content as gzip, in a third of the time that zlib's default level takes. The name in its header has a random
    length, as in Django's middleware: the size of the answer does not tell what secrets it repeats (BREACH)."""
    body = isal_zlib.compressobj(COMPRESSION_LEVEL, wbits=-15)
    deflated = body.compress(content) + body.flush()
    return b"".join((_header(), deflated, _trailer(isal_zlib.crc32(content), len(content))))


class TextWithPlaces:
    """A text that contains `place`, which `plain` and `gzip` replace by a filling of ASCII characters, 65,535 at most.
    What is between the places is encoded once, and compressed once."""

    def __init__(self, text: str, place: str) -> None:
        self._parts = [part.encode() for part in text.split(place)]

    def plain(self, filling: str) -> bytes:
        """The text in UTF-8."""
        return filling.encode().join(self._parts)

    def gzip(self, filling: str) -> bytes:
        """The text as gzip. A filling is a block that is not compressed, so that nothing refers to it: the size of the
        answer depends on its length alone."""
        content = filling.encode()
        crc, size = isal_zlib.crc32(content), len(content)
        block = b"\0" + struct.pack("<HH", size, size ^ 0xFFFF) + content
        whole_crc, whole_size, blocks = 0, 0, [_header()]
        for number, part in enumerate(self._deflated):
            if number:
                whole_crc, whole_size = isal_zlib.crc32_combine(whole_crc, crc, size), whole_size + size
                blocks.append(block)
            whole_crc, whole_size = isal_zlib.crc32_combine(whole_crc, part.crc, part.size), whole_size + part.size
            blocks.append(part.blocks)
        return b"".join((*blocks, LAST_BLOCK, _trailer(whole_crc, whole_size)))

    @cached_property
    def _deflated(self) -> list[DeflatedPart]:
        return [_deflate(part) for part in self._parts]


class DeflatedPart(NamedTuple):
    """Whole deflated blocks up to a boundary of bytes; the CRC-32 and the size of their content."""

    blocks: bytes
    crc: int
    size: int


class FilledResponse(HttpResponse):
    """The answer with a filled text; `compressed` is its body as gzip."""

    def __init__(self, text: TextWithPlaces, filling: str) -> None:
        super().__init__(text.plain(filling))
        self._text, self._filling = text, filling

    @property
    def compressed(self) -> bytes:
        return self._text.gzip(self._filling)


def _deflate(content: bytes) -> DeflatedPart:
    body = isal_zlib.compressobj(COMPRESSION_LEVEL, wbits=-15)
    blocks = body.compress(content) + body.flush(isal_zlib.Z_FULL_FLUSH)
    return DeflatedPart(blocks, isal_zlib.crc32(content), len(content))


def _header() -> bytes:
    return GZIP_WITH_NAME + b"a" * secrets.randbelow(100) + b"\0"


def _trailer(crc: int, size: int) -> bytes:
    return struct.pack("<II", crc, size & 0xFFFFFFFF)
