"""Search for instruments: by code in any spelling, by name or a part of it, in any Unicode form.

What fits best wins, in this order: the code; the code without its leading zeros, in lower case, with another sign
between its parts; the name; a part of a code (BTC of KRW-BTC); the beginning of a name; any part of a name. Where
several fit equally well, all are listed and none is chosen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Replace

from marketdata.errors import DataProblem
from marketdata.models import Instrument
from marketdata.nearest_name import MAX_LENGTH, nearest_name
from marketdata.queries import instruments

DEFAULT_MARKET = "kr"
MAX_LISTED = 20
"""Candidates that a message lists at most."""

SEPARATORS = "-./"
MOST_COMPARED = 2_000
"""Codes that a mistyped one is compared with at most: these take 20 ms."""
LONGEST_NUMBER = 8
"""Digits of the longest code that is a number."""
PART_OF_NAME = 5


class NotOneInstrument(DataProblem):
    """No instrument fits, or several do; the message lists them, `candidates` are at most `MAX_LISTED` of them."""

    def __init__(self, message: str, candidates: Sequence[Instrument] = ()) -> None:
        super().__init__(message)
        self.candidates = list(candidates)


def search_instruments(rows: QuerySet[Instrument], text: str) -> QuerySet[Instrument]:
    """Those of `rows` that fit `text`, or whose code begins with it."""
    plain = normalized(text)
    begins = Q(code__istartswith=plain)
    for spelled in instruments.code_spellings(plain):
        begins |= Q(code__istartswith=spelled)
    return _matches(rows, plain, begins)


def instrument_fits(text: str) -> Exists:
    """The condition that a row's instrument, by its `market` and `code`, fits `text` (see `search_instruments`)."""
    own = Instrument.objects.filter(market=OuterRef("market"), code=OuterRef("code"))
    return Exists(search_instruments(own, text))


def find_instrument(text: str, market: str | None = None) -> Instrument:
    """The instrument that fits `text`: in `market`, or without one in the default market, else in any other.

    NotOneInstrument where none or several fit, with candidates, of other markets too."""
    plain = normalized(text)
    every = list(_matches(Instrument.objects.all(), plain)) if plain else []
    home = market or DEFAULT_MARKET
    fits = _best([instrument for instrument in every if instrument.market == home], plain)
    elsewhere = _best([instrument for instrument in every if instrument.market != home], plain)
    if len(fits) == 1:
        return fits[0]
    if not fits and market is None and len(elsewhere) == 1:
        return elsewhere[0]
    raise _problem(text, home, fits, elsewhere)


def similar_codes(text: str, market: str) -> list[str]:
    """The codes of the instruments that fit `text` best, at most `MAX_LISTED`, else the most similar code."""
    plain = normalized(text)
    rows = instruments.get_instruments(market)
    if not 0 < len(plain) <= MAX_LENGTH:
        return []
    fits = _best(list(_matches(rows, plain)), plain)
    if fits:
        return [instrument.code for instrument in fits[:MAX_LISTED]]
    half = max(1, len(plain) // 2)  # one wrong character leaves a half of the code as it is
    alike = rows.filter(Q(code__istartswith=plain[:half]) | Q(code__iendswith=plain[-half:]))
    near = nearest_name(plain, alike.values_list("code", flat=True)[:MOST_COMPARED])
    return [near] * bool(near)


def find_codes(texts: Iterable[str], market: str) -> tuple[str, ...]:
    """The code of each of `texts` in `market`. A text in the form of a code (capital letters, digits) without an
    instrument is returned unchanged, since a source may have it; it is never taken for a part of another's name."""
    return tuple(dict.fromkeys(_code(text, market) for text in texts))


def normalized(text: str) -> str:
    """The text composed (NFC), full-width letters as plain ones, without blanks around."""
    return unicodedata.normalize("NFKC", text).strip()


def _code(text: str, market: str) -> str:
    plain = normalized(text)
    rows = list(_matches(Instrument.objects.filter(market=market), plain)) if plain else []
    fits = _best(rows, plain)
    is_code = re.fullmatch(r"[0-9A-Z][0-9A-Z./_-]*", plain) is not None
    if len(fits) == 1 and not (is_code and _distance(fits[0], plain) >= PART_OF_NAME - 1):
        return fits[0].code
    if is_code and (not fits or _distance(fits[0], plain) >= PART_OF_NAME - 1):
        return plain
    raise _problem(text, market, fits, ())


def _spellings(plain: str) -> list[str]:
    """The code with other separators, in capitals, with leading zeros, and as each market spells it (A005930)."""
    upper = re.sub(r"\s+", "-", plain.upper())
    spellings = [upper]
    for sign in SEPARATORS:
        spellings += [re.sub(rf"[{SEPARATORS}_]", sign, upper)]
    if upper.isascii() and upper.isdigit() and len(upper) <= LONGEST_NUMBER:
        spellings += [upper.zfill(length) for length in range(len(upper), LONGEST_NUMBER + 1)]
    return list(dict.fromkeys([*spellings, *instruments.code_spellings(plain)]))


def _matches(rows: QuerySet[Instrument], plain: str, also: Q | None = None) -> QuerySet[Instrument]:
    wanted = Q(code__in=[plain, *_spellings(plain)]) | Q(squeezed__icontains=_squeezed(plain))
    for sign in SEPARATORS:
        wanted |= Q(code__istartswith=f"{plain}{sign}") | Q(code__iendswith=f"{sign}{plain}")
    if also is not None:
        wanted |= also
    squeezed: Func = Replace(F("name"), Value(" "), Value(""))
    return rows.alias(squeezed=squeezed).filter(wanted)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _distance(instrument: Instrument, plain: str) -> int:
    """How far the instrument is from the text; see the order above."""
    name, wanted = _squeezed(normalized(instrument.name)).casefold(), _squeezed(plain).casefold()
    if instrument.code == plain:
        return 0
    if instrument.code in _spellings(plain):
        return 1
    if name == wanted:
        return 2
    if plain.upper() in re.split(rf"[{SEPARATORS}]", instrument.code):
        return 3
    return PART_OF_NAME - 1 if name.startswith(wanted) else PART_OF_NAME


def _best(rows: Sequence[Instrument], plain: str) -> list[Instrument]:
    """Those that fit best, by market and code."""
    ranked = [(_distance(row, plain), row) for row in rows]
    least = min((distance for distance, _ in ranked), default=0)
    best = [instrument for distance, instrument in ranked if distance == least]
    return sorted(best, key=lambda instrument: (instrument.market, instrument.code))


def _problem(text: str, market: str, fits: Sequence[Instrument], elsewhere: Sequence[Instrument]) -> NotOneInstrument:
    quoted = repr(text if len(text) <= 40 else f"{text[:37]}...")
    if fits:
        many = f", {MAX_LISTED} listed" if len(fits) > MAX_LISTED else ""
        head = f"{len(fits):,} instruments of market {market} fit {quoted}{many}: name one by its code."
        return NotOneInstrument("\n".join([head, *map(_line, fits[:MAX_LISTED])]), fits[:MAX_LISTED])
    if elsewhere:
        many = f", {MAX_LISTED} listed" if len(elsewhere) > MAX_LISTED else ""
        head = f"Market {market} has no instrument {quoted}; other markets have {len(elsewhere):,}{many}: add --market."
        return NotOneInstrument("\n".join([head, *map(_line, elsewhere[:MAX_LISTED])]), elsewhere[:MAX_LISTED])
    if not Instrument.objects.filter(market=market).exists():
        return NotOneInstrument(
            f"Market {market} has no instruments yet: bring bars in with `manage.py import_prices FILE`, or "
            "what trades with `manage.py sync_instruments`."
        )
    return NotOneInstrument(f"Market {market} has no instrument {quoted}: write a code, or a name or a part of it.")


def _line(instrument: Instrument) -> str:
    last = f"last bar {instrument.last_bar}" if instrument.last_bar else "no bar"
    return f"  {instrument.market}  {instrument.code}  {instrument.name or '-'}  {last}"
