"""Decodes text of unknown encoding to UTF-8: UTF-8 with or without a mark, UTF-16 with one, and cp949 (EUC-KR), in
which Excel and KRX write Korean.

Text is UTF-8 until an invalid byte; where only ASCII precedes it, the text is cp949. Reading is bounded: a packed file
may not unpack without end (`MOST_TIMES`), and bytes that are no text end it.
"""

from __future__ import annotations

import codecs
import io
from typing import Any

from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.file_signatures import refusal

CHUNK = 1 << 18
MOST_TIMES, UNPACKED_ALWAYS = 200, 256 << 20
"""A packed file may unpack to 256 MB, or to 200 times its size: tables of prices unpack to 3 to 50 times."""

PACKED = (b"PK\x03\x04", b"PAR1", b"\x1f\x8b")

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Utf8Stream(io.RawIOBase):
    """A binary stream as UTF-8 without a mark. `packed`: its size on the disk where it is unpacked on the way;
    `encoding`: the original encoding, by the bytes read so far. Reading raises PriceFileError, whose message is
    without the file's name."""

    def __init__(self, raw: Any, *, packed: int | None = None) -> None:
        self._raw = raw
        self._most = max(UNPACKED_ALWAYS, MOST_TIMES * packed) if packed is not None else None
        self._bytes = 0
        self._ready = b""
        self._rest = b""
        self._ended = False
        self._other_letters = False
        self.encoding = ""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, have = [self._ready], len(self._ready)
        while not self._ended and (size < 0 or have < size):
            part = self._next()
            parts.append(part)
            have += len(part)
        whole = b"".join(parts) if len(parts) > 1 else parts[0]
        if size < 0 or len(whole) <= size:
            self._ready = b""
            return whole
        self._ready = whole[size:]
        return whole[:size]

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def _next(self) -> bytes:
        chunk = self._raw.read(CHUNK)
        self._ended = not chunk
        self._bytes += len(chunk)
        if self._most is not None and self._bytes > self._most:
            raise PriceFileError(
                f"unpacks to more than {self._most >> 20:,} MB, which no table of prices of its size does."
            )
        if not self.encoding:
            chunk = self._begin(chunk)
        data = self._rest + chunk
        self._rest = b""
        if self.encoding == "utf-8":
            return self._utf8(data)
        return self._decoded(data).encode()

    def _begin(self, chunk: bytes) -> bytes:
        if chunk.startswith(PACKED):
            raise PriceFileError("holds another packed file: unpack it and import that.")
        sentence = refusal(chunk)
        if sentence:
            raise PriceFileError(f"{sentence}.")
        for mark, name in _MARKS:
            if chunk.startswith(mark):
                self.encoding = name
                return chunk[len(mark) :]
        self.encoding = "utf-8"
        return chunk

    def _utf8(self, data: bytes) -> bytes:
        """`data`, if it is UTF-8, without an incomplete last letter."""
        if b"\x00" in data:
            raise PriceFileError("holds bytes that are no text.")
        if data.isascii():
            return data
        try:
            _, used = codecs.utf_8_decode(data, "strict", self._ended)
        except UnicodeDecodeError as error:
            if self._other_letters:
                raise PriceFileError(f"is not UTF-8 at byte {self._before(data) + error.start:,}.") from None
            self.encoding = "cp949"
            return self._decoded(data).encode()
        self._other_letters = True
        self._rest = data[used:]
        return data[:used]

    def _decoded(self, data: bytes) -> str:
        """`data` decoded, without an incomplete last letter."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        try:
            text = decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            tried = "UTF-8 nor cp949" if self.encoding == "cp949" else self.encoding
            raise PriceFileError(
                f"is neither {tried} at byte {self._before(data) + error.start:,}: save it as UTF-8."
            ) from None
        self._rest = decoder.getstate()[0]
        if "\x00" in text:
            raise PriceFileError("holds bytes that are no text.")
        return text

    def _before(self, data: bytes) -> int:
        return max(self._bytes - len(data), 0)
