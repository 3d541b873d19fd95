"""Text as Seismo keeps it and searches it: Unicode NFC.

macOS and some exporters write Korean decomposed (NFD): the same letters, other code points, so that no comparison
with a word of KRX holds. Everything textual that enters, and everything that is searched for, is composed first.
"""

from __future__ import annotations

import unicodedata


def nfc(text: str) -> str:
    """The text in Unicode normalization form C."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def excerpt(text: str, length: int = 60) -> str:
    """The text for a message: on one line and cut at `length` characters, since a cell may be a megabyte long."""
    head = text[: length + 1]
    plain = "".join(letter if letter.isprintable() else "?" for letter in head)
    return plain if len(text) <= length else f"{plain[:length]}..."
