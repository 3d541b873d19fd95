"""Plain text from an untrusted one: without markup, addresses and invisible characters, of limited length."""

from __future__ import annotations

import re
import unicodedata

MOST_LETTERS = 2_000

ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.\-]*://|www\.|(?:mailto|javascript|data):)\S*", re.IGNORECASE)
MARKS = str.maketrans({"<": "\u2039", ">": "\u203a", "`": "'", "[": "(", "]": ")"})
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode's categories of control, format, private, surrogate and unassigned characters and line separators."""


def plain_text(text: str, most: int = MOST_LETTERS) -> str:
    """`text` with at most `most` letters, without addresses and invisible characters (line ends remain); characters
    that begin markup are replaced by similar ones, so that every face shows the same text."""
    result = "".join(
        letter
        for letter in text[: 4 * most].replace("\r\n", "\n").replace("\t", " ")
        if letter == "\n" or unicodedata.category(letter) not in HIDDEN
    )
    result = ADDRESS.sub("", result).translate(MARKS)
    result = re.sub(r"\n{3,}", "\n\n", re.sub(r" {2,}", " ", result)).strip()
    return result if len(result) <= most else result[: most - 1].rstrip() + "\u2026"
