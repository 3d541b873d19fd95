"""Kinds of US instruments by the lists of KIS: stocks, receipts, preferred stock, funds; anything else is `other`.

The lists say stock (2), fund (3, with its kind), index (1) and warrant (4). Preferred stock, units, rights, warrants
and issues for tests have no flag of their own among stocks (KIS documents none): the name says it, and for words that
other names have, too, the form of the symbol must agree, since common units of a partnership are common stock. ZVZZT
and NTEST are for tests; a unit ends in U, a right in R or RT, a warrant in W or WS, as the fifth letter or behind a
slash.
"""

from __future__ import annotations

import re

STOCK, FUND = "2", "3"
FUND_KINDS = {"001": "etf", "002": "etn"}
PREFERRED_NAME = re.compile(r"\b(PREFERRED|PREFERENCE|PFD|PREF)\b")
PREFERRED_SYMBOL = re.compile(r"[A-Z]{1,5}/PR[A-Z]?|[A-Z]{1,5}p[A-Z]?")
TEST_NAME = re.compile(r"\bTEST (STOCK|ISSUE|SYMBOL|SECURITY|COMMON|PREFERRED)\b")
TEST_SYMBOL = re.compile(r"Z[A-Z]ZZT|Z[A-Z]IET|[ACNZ]TEST(/[A-Z]+)?")
PARTS = (
    (re.compile(r"\bUNITS?\b"), re.compile(r"[A-Z]{4}U|[A-Z]{1,5}/UN?")),
    (re.compile(r"\b(RIGHTS?|RTS?)\b"), re.compile(r"[A-Z]{4}R|[A-Z]{1,5}/RT?")),
    (re.compile(r"\b(WARRANTS?|WTS?)\b"), re.compile(r"[A-Z]{4}W|[A-Z]{1,5}/WS?([A-Z])?")),
)
"""Words of the name, and forms of the symbol, of units, rights and warrants."""


def kind_of(symbol: str, name: str, *, stock_kind: str, fund_kind: str, is_receipt: bool, by_form: bool) -> str:
    """The kind as in `ListedInstrument`; without `by_form` the flags of the list alone decide."""
    if stock_kind == FUND:
        return FUND_KINDS.get(fund_kind, "fund")
    if stock_kind != STOCK:
        return "other"
    if by_form:
        words = name.upper()
        if TEST_SYMBOL.fullmatch(symbol) or TEST_NAME.search(words):
            return "other"
        if any(word.search(words) and form.fullmatch(symbol) for word, form in PARTS):
            return "other"
        if PREFERRED_SYMBOL.fullmatch(symbol) or PREFERRED_NAME.search(words):
            return "preferred"
    return "dr" if is_receipt else "stock"
