"""Somebody else's text made plain: no markup, no addresses, nothing invisible, and not long."""

from __future__ import annotations

import re
import unicodedata

MOST_LETTERS = 2_000

ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.\-]*://|www\.|(?:mailto|javascript|data):)\S*", re.IGNORECASE)
MARKS = str.maketrans({"<": "\u2039", ">": "\u203a", "`": "'", "[": "(", "]": ")"})
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode's categories of control, format, private, surrogate and unassigned characters and line separators."""


def plain_text(text: str, most: int = MOST_LETTERS) -> str:
    """`text` of at most `most` letters: without addresses and invisible characters (line ends stay), and with signs in
    place of those that begin markup, so that it is the same text wherever it is shown."""
    seen = "".join(
        letter
        for letter in text[: 4 * most].replace("\r\n", "\n").replace("\t", " ")
        if letter == "\n" or unicodedata.category(letter) not in HIDDEN
    )
    seen = ADDRESS.sub("", seen).translate(MARKS)
    seen = re.sub(r"\n{3,}", "\n\n", re.sub(r" {2,}", " ", seen)).strip()
    return seen if len(seen) <= most else seen[: most - 1].rstrip() + "\u2026"
