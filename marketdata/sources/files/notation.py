"""Notation of codes and days in one file, decided for the whole file before a row of it is converted.

Two questions have no answer in a single cell and are decided by the whole column when they first arise: whether
01/02/2024 begins with its day or its month, and whether 5930 is a KRX code without its leading zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marketdata import codes
from marketdata.markets import get_market
from marketdata.normalization import excerpt
from marketdata.sources.files import dates
from marketdata.sources.files.dates import Clock
from marketdata.sources.files.errors import PriceFileError
from marketdata.sources.files.words import is_text, words

Column = Any
Columns = Callable[[str], Iterator[Column]]
"""A column of the whole file by its canonical name, in parts."""

CODE_LENGTH = 32
"""Characters kept of a text that is no code."""


@dataclass(slots=True)
class Notation:
    """`market`: its name; `recorded` maps codes in the market's spelling to other spellings under which they were
    recorded before; `restores`: whether leading zeros are restored (None: not decided yet); `notes` collects the
    decisions."""

    market: str
    recorded: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    restores: bool | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, market: str, recorded: Mapping[str, str] | None = None) -> Notation:
        """The undecided notation of a file for this market."""
        return cls(market, recorded or {}, Clock(get_market(market).timezone))

    def decide(self, table: pa.Table, whole: Columns) -> None:
        """Decide the questions of the columns `code` and `date` of these rows; PriceFileError where the file proves no
        answer."""
        if not self.clock.order and dates.orders(table.column("date")):
            self.decide_order(whole)
        is_korean = self.market.partition("-")[0] == "kr"
        is_open = is_korean and self.restores is None
        if is_open and any(codes.truncated_digits(text) for text in _texts(table.column("code"))):
            self._decide_zeros(whole)

    def codes(self, column: Column) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
        """Codes in the market's spelling as coded words, the table ascending. A text that is no code is unchanged, for
        messages; a missing code is -1."""
        if not is_text(column.type) and self.market.partition("-")[0] != "kr":
            raise PriceFileError(
                f"the column of codes holds {column.type}, but codes are text ('AAPL'): as numbers they are no codes "
                f"of market {self.market}."
            )
        texts, index = words(column, blank=("",))
        spelled = [self._code(text) for text in texts.tolist()]
        distinct = sorted({text for text in spelled if text})
        place = {text: number for number, text in enumerate(distinct)}
        moved = np.array([*(place.get(text, -1) for text in spelled), -1], dtype=np.int32)
        return np.array(distinct, dtype=np.str_), moved[index]

    def _code(self, text: str) -> str:
        code = codes.spell_code(self.market, text)
        if not code and self.restores:
            code = codes.restore_zeros(text) if codes.truncated_digits(text) else ""
        if code:
            return self.recorded.get(code, code)
        return "" if text in codes.MISSING_CODES else excerpt(text, CODE_LENGTH - 3)

    def decide_order(self, whole: Columns) -> None:
        """Decide the order of day and month in dates such as 01/02/2024; PriceFileError where the file proves none."""
        proofs: set[str] = set()
        example = ""
        for column in whole("date"):
            proofs |= dates.orders(column)
            example = example or dates.sample(column)
        proofs.discard("")
        if len(proofs) > 1:
            raise PriceFileError(
                f"some dates begin with the day and others with the month ({example} ...): write them as 2024-01-31."
            )
        if not proofs:
            raise PriceFileError(
                f"{example} may be either of two days, since no date of the file shows whether the day or the month "
                "comes first: write dates as 2024-01-31."
            )
        (order,) = proofs
        self.clock = Clock(self.clock.timezone, order)
        self.notes.append(f"dates such as {example} are read {order}, as others of the file can only be")

    def _decide_zeros(self, whole: Columns) -> None:
        """Decide whether leading zeros are restored: they are lost for certain where no code of digits alone has them,
        and every other code is one of KRX."""
        example = padded = ""
        others = False
        for column in whole("code"):
            for text in _texts(column):
                plain = codes.truncated_digits(text)
                spelled = codes.spell_code(self.market, text)
                if plain:
                    example = example or plain
                elif spelled and spelled.isdigit() and spelled[0] == "0":
                    padded = padded or spelled
                elif not spelled and text not in codes.MISSING_CODES:
                    others = others or text.casefold() not in codes.HEADER_WORDS
        self.restores = not padded and not others
        if self.restores:
            self.notes.append(
                f"codes have lost their leading zeros: {example} is read as {codes.restore_zeros(example)}, and so on"
            )
        else:
            why = f"{padded} still has its own" if padded else "others are no codes of KRX"
            self.notes.append(
                f"{example} may have lost leading zeros ({codes.restore_zeros(example)}?), but {why}: write codes with "
                "six characters"
            )


def _texts(column: Column) -> list[str]:
    texts: list[str] = words(column, blank=("",))[0].tolist()
    return texts
