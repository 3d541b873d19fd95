"""The master files of KIS: every listed instrument of a segment, one record a line, cp949, in a zip.

A record is a short code (9), an ISIN (12), a name, and a tail of fixed width that is cut off before anything is
stripped. Positions in the tails are those of the provider's own samples for the three files.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import date
from typing import NamedTuple

from marketdata.sources.base import ListedInstrument, SourceChanged, SourceUnavailable

Field = tuple[int, int]  # start and end within the tail


class Layout(NamedTuple):
    file: str
    segment: str
    tail: int
    group: Field
    spac: Field | None
    halted: Field
    winding_up: Field
    managed: Field
    warning: Field
    listed: Field
    shares: Field
    preferred: Field
    market_cap: Field
    caution: Field | None = None  # 투자주의환기종목, of KOSDAQ alone


LAYOUTS = {
    layout.segment: layout
    for layout in (
        Layout("kospi_code", "KOSPI", 227, (0, 2), (29, 30), (60, 61), (61, 62), (62, 63),
               (63, 65), (105, 113), (113, 128), (158, 159), (212, 221)),
        Layout("kosdaq_code", "KOSDAQ", 221, (0, 2), (24, 25), (55, 56), (56, 57), (57, 58),
               (58, 60), (100, 108), (108, 123), (153, 154), (206, 215), (30, 31)),
        Layout("konex_code", "KONEX", 184, (0, 2), None, (21, 22), (22, 23), (23, 24),
               (24, 26), (66, 74), (74, 89), (119, 120), (172, 181)),
    )
}  # fmt: skip

KINDS = {
    "ST": "stock",
    "EF": "etf",
    "FE": "etf",
    "EN": "etn",
    "EW": "elw",
    "RT": "reit",
    "FS": "foreign",
    "DR": "dr",
    "MF": "fund",
    "IF": "fund",
    "SC": "fund",
    "BC": "fund",
}
LARGEST = 64 << 20
"""Bytes of a master file at most: the largest has about 4 MB."""
SHARES_UNIT = 1_000
MARKET_CAP_UNIT = 100_000_000


def unzip(body: bytes, what: str) -> bytes:
    """The content of the one file in the zip; SourceUnavailable where the zip is not whole, or far larger than a list
    of instruments."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            member = archive.infolist()[0]
            if member.file_size <= LARGEST:
                return archive.read(member)
    except (zipfile.BadZipFile, zlib.error, IndexError, EOFError, NotImplementedError, RuntimeError, OSError):
        raise SourceUnavailable(f"{what} answered {len(body)} bytes that are no whole zip.") from None
    raise SourceUnavailable(f"{what} answered a file of {member.file_size:,} bytes, larger than any list.")


def lines(content: bytes, what: str) -> list[str]:
    """The lines of a master file; SourceUnavailable where it is not in cp949."""
    try:
        text = content.decode("cp949")
    except UnicodeDecodeError as error:
        raise SourceUnavailable(f"{what}: byte {error.start:,} is no text in cp949.") from None
    return [line.rstrip("\r") for line in text.split("\n")]


def instruments(content: bytes, segment: str, what: str) -> list[ListedInstrument]:
    """The instruments of a master file, in its order."""
    layout = LAYOUTS[segment]
    instruments = []
    for number, line in enumerate(lines(content, what), start=1):
        if not line.strip():
            continue
        if len(line) <= 21 + layout.tail:
            raise SourceChanged(
                f"{what}, line {number}", expected=f"more than {21 + layout.tail} characters", actual=f"{len(line)}"
            )
        try:
            instruments.append(_instrument(line, layout))
        except ValueError as error:
            raise SourceChanged(
                f"{what}, line {number}", expected="dates and numbers where the layout has them", actual=str(error)
            ) from None
    return instruments


def _instrument(line: str, layout: Layout) -> ListedInstrument:
    head, tail = line[: -layout.tail], line[-layout.tail :]

    def at(field: Field | None) -> str:
        return tail[field[0] : field[1]].strip() if field else ""

    group = at(layout.group)
    spac = at(layout.spac) == "Y"
    listed, shares, cap = at(layout.listed), at(layout.shares), at(layout.market_cap)
    if group and not group.isalpha():
        raise ValueError(f"the group code {group}")
    return ListedInstrument(
        code=head[:9].strip(),
        isin=head[9:21].strip(),
        name=head[21:].strip(),
        segment=layout.segment,
        kind="spac" if spac else KINDS.get(group, "other"),
        halted=at(layout.halted) == "Y",
        managed=at(layout.managed) == "Y",
        caution=at(layout.caution) == "Y",
        warning="" if at(layout.warning) in ("", "00", "0") else at(layout.warning),
        preferred=at(layout.preferred) not in ("", "0"),
        listed_on=date.fromisoformat(listed) if listed.strip("0") else None,
        shares=int(shares) * SHARES_UNIT if shares else None,
        market_cap=int(cap) * MARKET_CAP_UNIT if cap else None,
        extra={"group": group, "winding_up": at(layout.winding_up)},
    )
