"""Records of KIS' master files: the lists of instruments of KOSPI, KOSDAQ and KONEX."""

from __future__ import annotations

from tests.exchanges.kis_market import Instrument

# Field widths of the tails, and which field says what (the provider's samples for each file).
WIDTHS = {
    "KOSPI": [2, 1, 4, 4, 4] + [1] * 26 + [9, 5, 5] + [1] * 3 + [2, 1, 1, 1, 2, 2, 2, 3, 1, 3]
    + [12, 12, 8, 15, 21, 2, 7] + [1] * 5 + [9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1],
    "KOSDAQ": [2, 1, 4, 4, 4] + [1] * 21 + [9, 5, 5] + [1] * 3 + [2, 1, 1, 1, 2, 2, 2, 3, 1, 3]
    + [12, 12, 8, 15, 21, 2, 7] + [1] * 4 + [9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1],
    "KONEX": [2, 9, 5, 5] + [1] * 3 + [2, 1, 1, 1, 2, 2, 2, 3, 1, 3, 12, 12, 8, 15, 21, 2, 7]
    + [1] * 4 + [9, 9, 9, 5, 9, 8, 9, 1, 1, 1],
}  # fmt: skip
# spac, halted, managed, warning, listing date, shares, preferred, market cap, investment caution
PLACES = {
    "KOSPI": (19, 34, 36, 37, 49, 50, 54, 65, None),
    "KOSDAQ": (14, 29, 31, 32, 44, 45, 49, 59, 20),
    "KONEX": (None, 4, 6, 7, 19, 20, 24, 34, None),
}


def master_line(code: str, each: Instrument) -> str:
    """One record of a master file, with its line end."""
    widths = WIDTHS[each.segment]
    values = [""] * len(widths)
    cap = each.shares * (each.bars[-1].close if each.bars else 0) // 100_000_000
    texts = (
        "Y" if each.spac else "N",
        "Y" if each.halted else "N",
        "Y" if each.managed else "N",
        each.warning,
        f"{each.listed:%Y%m%d}",
        f"{each.shares // 1000:015d}",
        "1" if each.preferred else "0",
        f"{cap:09d}",
        "Y" if each.caution else "N",
    )
    values[0] = each.group
    for place, text in zip(PLACES[each.segment], texts, strict=True):
        if place is not None:
            values[place] = text
    tail = "".join(value.ljust(width) for value, width in zip(values, widths, strict=True))
    return f"{code:<9}KR7{code:<6}000{each.name}{' ' * 8}{tail}\n"
