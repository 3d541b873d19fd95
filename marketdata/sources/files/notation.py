"""How one file writes codes and days, decided for the whole file before a row of it is converted.

Two questions have no answer in a single cell, and are put to the whole column the first time they come up: whether
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
    """`market` is the name of the market, `recorded` maps codes as this market spells them to other spellings under
    which it recorded them before. `notes` collects what was decided."""

    market: str
    recorded: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    restores: bool | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, market: str, recorded: Mapping[str, str] | None = None) -> Notation:
        """That of a file for this market, nothing decided."""
        return cls(market, recorded or {}, Clock(get_market(market).timezone))

    def decide(self, table: pa.Table, whole: Columns) -> None:
        """Answer what the columns `code` and `date` of these rows ask; PriceFileError where the file cannot say."""
        if not self.clock.order and dates.orders(table.column("date")):
            self.decide_order(whole)
        is_korean = self.market.partition("-")[0] == "kr"
        if is_korean and self.restores is None:
            written = _texts(table.column("code"))
            if any(codes.truncated_digits(text) for text in written):
                self._decide_zeros(whole)

    def codes(self, column: Column) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
        """Codes as coded words as the market spells them, the table ascending. What is no code stays as it is
        written, to be shown; a missing one is -1."""
        if not is_text(column.type) and self.market.partition("-")[0] != "kr":
            raise PriceFileError(
                f"the column of codes holds {column.type}, but codes are text ('AAPL'): as numbers they are no codes "
                f"of market {self.market}."
            )
        written, index = words(column, blank=("",))
        spelled = [self._code(text) for text in written.tolist()]
        distinct = sorted({text for text in spelled if text})
        place = {text: number for number, text in enumerate(distinct)}
        moved = np.array([*(place.get(text, -1) for text in spelled), -1], dtype=np.int32)
        return np.array(distinct, dtype=np.str_), moved[index]

    def _code(self, text: str) -> str:
        found = codes.spell_code(self.market, text)
        if not found and self.restores:
            found = codes.restore_zeros(text) if codes.truncated_digits(text) else ""
        if found:
            return self.recorded.get(found, found)
        return "" if text in codes.MISSING_CODES else excerpt(text, CODE_LENGTH - 3)

    def decide_order(self, whole: Columns) -> None:
        """Read dates such as 01/02/2024 as the file proves they are meant; PriceFileError where it proves nothing."""
        proofs: set[str] = set()
        shown = ""
        for column in whole("date"):
            proofs |= dates.orders(column)
            shown = shown or dates.sample(column)
        proofs.discard("")
        if len(proofs) > 1:
            raise PriceFileError(
                f"some dates begin with the day and others with the month ({shown} ...): write them as 2024-01-31."
            )
        if not proofs:
            raise PriceFileError(
                f"{shown} may be either of two days, since no date of the file shows whether the day or the month "
                "comes first: write dates as 2024-01-31."
            )
        (order,) = proofs
        self.clock = Clock(self.clock.timezone, order)
        self.notes.append(f"dates such as {shown} are read {order}, as others of the file can only be")

    def _decide_zeros(self, whole: Columns) -> None:
        """Zeros were lost for certain where no code of digits alone still has them, and every other is one of KRX."""
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
    found: list[str] = words(column, blank=("",))[0].tolist()
    return found
