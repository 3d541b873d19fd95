"""Codes of instruments: their spelling in each market, and texts that are no code.

One company has one code. BRK.B, BRK-B, BRK/B and "BRK B" are one share, spelled BRK.B here; 005930, A005930 and
005930.KS another, spelled 005930. No code holds a slash or a blank, so that each fits into a path of the API.

Facts: KRX codes have six characters, digits and capital letters, and begin with a digit; the exchange's own files
write an A before them, Yahoo the segment behind (.KS, .KQ). US tickers are capital letters; the tape writes the p of
preferred stock small (ABRpD). NA, NAN, TRUE, NULL, ON, NO and E are tickers of companies.
"""

from __future__ import annotations

import re
from functools import lru_cache

from marketdata.normalization import nfc

MISSING_CODES = frozenset(
    ("", "-", "nan", "NaN", "Nan", "None", "none", "null", "Null", "NaT", "<NA>", "N/A", "n/a", "#N/A")
)
"""Texts of programs for a missing code, case-sensitive: NAN, NULL and NA in capitals are tickers."""
HEADER_WORDS = frozenset(("total", "symbol", "ticker", "tickers", "합계", "소계", "종목코드", "티커"))
"""Words of repeated headers and of lines of sums, in any case."""
MAX_LENGTH = 24
"""The longest code that the record keeps."""

_KR = re.compile(r"[0-9][0-9A-Z]{5}")
_US = re.compile(r"[A-Z][A-Z0-9]{0,7}(\.[A-Z0-9]{1,4}){0,2}")
_ANY = re.compile(r"[0-9A-Z][0-9A-Z._\-]*")
_PREFERRED = re.compile(r"([A-Z]{1,5})p([A-Z]?)")
_EXCEL_TEXT = re.compile(r'="(.*)"|\'(.*)')
_YAHOO_KR = re.compile(r"\.K[SQ]$")
_WHOLE = re.compile(r"(\d{1,6})\.0")


def spell_code(market: str, text: str) -> str:
    """The code as `market` spells it; "" where the text is no code of it."""
    return _spelling(market.partition("-")[0], text) if len(text) <= 4 * MAX_LENGTH else ""


@lru_cache(maxsize=1 << 15)
def _spelling(base: str, text: str) -> str:
    """`spell_code` for a base market, cached: files repeat the codes of a market in every batch."""
    plain = _plain(text)
    if plain in MISSING_CODES or plain.casefold() in HEADER_WORDS or plain == "Code" or len(plain) > MAX_LENGTH:
        return ""
    if base == "kr":
        return _korean(plain)
    if base == "us":
        return _american(plain)
    code = re.sub(r"[/\s]+", "-", plain.upper())
    return code if _ANY.fullmatch(code) else ""


def truncated_digits(text: str) -> str:
    """The digits of a code whose leading zeros a program dropped since it read a number, "" for other texts: of 5930
    and 5930.0, but not of 373220."""
    plain = _plain(text)
    whole = _WHOLE.fullmatch(plain)
    digits = whole[1] if whole else plain
    short = digits.isascii() and digits.isdigit() and 2 <= len(digits) < 6
    return digits if short else ""


def restore_zeros(text: str) -> str:
    """A KRX code with its leading zeros, from its `truncated_digits`."""
    return truncated_digits(text).zfill(6)


def code_in_name(market: str, name: str) -> str:
    """The code in the name of a file (005930.csv, pykrx_005930.csv, AAPL.csv), "" where that is not certain:
    six digits may be a month."""
    base = market.partition("-")[0]
    if base == "kr":
        words = re.split(r"[^0-9A-Za-z]+", name)
        matches = {word for word in words if _KR.fullmatch(word) and not _is_month(word)}
        return matches.pop() if len(matches) == 1 else ""
    if base == "us" and re.fullmatch(r"[A-Z]{1,5}([.\-][A-Z])?", name):
        return spell_code(market, name)
    return ""


def _plain(text: str) -> str:
    """The text composed and trimmed, without the quoting that Excel writes around text."""
    plain = nfc(text.replace("\x00", "")).strip()
    quoted = _EXCEL_TEXT.fullmatch(plain)
    return (quoted[1] or quoted[2] or "").strip() if quoted else plain


def _korean(plain: str) -> str:
    code = _YAHOO_KR.sub("", plain.upper())
    whole = _WHOLE.fullmatch(code)
    code = whole[1] if whole else code
    if len(code) == 7 and code[0] == "A":
        code = code[1:]
    return code if _KR.fullmatch(code) else ""


def _american(plain: str) -> str:
    preferred = _PREFERRED.fullmatch(plain)
    if preferred:
        plain = f"{preferred[1]}.P{preferred[2]}"
    code = re.sub(r"[.\-/_\s]+", ".", plain.upper())
    return code if _US.fullmatch(code) else ""


def _is_month(word: str) -> bool:
    """Whether six digits may be a year and a month, or a day of this century: 202401, 240102."""
    if not word.isdigit():
        return False
    year, month, day = int(word[:4]), int(word[4:]), int(word[4:])
    return (1990 <= year <= 2035 and 1 <= month <= 12) or (
        int(word[:2]) in range(15, 36) and int(word[2:4]) in range(1, 13) and 1 <= day <= 31
    )
