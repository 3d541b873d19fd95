"""Signatures of unsupported kinds of files, each with advice in one sentence."""

from __future__ import annotations

REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"BZh", "is packed with bzip2: unpack it (bunzip2) and import what is inside"),
    (b"\xfd7zXZ", "is packed with xz: unpack it (unxz) and import what is inside"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it and import the file inside"),
    (b"Rar!", "is a rar archive: unpack it and import the file inside"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd: unpack it (unzstd) and import what is inside"),
    (b"PK\x05\x06", "is an empty zip archive: get it again"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls): open it in Excel and save it as .xlsx or as CSV (UTF-8)"),
    (b"SQLite format 3", "is an SQLite database: export the table as CSV"),
    (b"%PDF", "is a PDF document: get the table as CSV"),
    (b"ARROW1", "is a Feather file: write it as Parquet or CSV"),
    (b"\x89HDF", "is an HDF5 file: write it as Parquet or CSV"),
    (b"{", "is JSON: write it as Parquet or CSV"),
    (b"[{", "is JSON: write it as Parquet or CSV"),
)
"""First bytes of a file, and the sentence for it."""
WEB_PAGE = "is a web page (KRX and banks call such tables .xls): open it in Excel and save it as .xlsx or CSV (UTF-8)"


def refusal(start: bytes) -> str:
    """The kind of an unsupported file that begins with `start`, with advice and without its name; "" where it may be
    text."""
    bare = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, sentence in REFUSED:
        if bare.startswith(mark):
            return sentence
    return WEB_PAGE if bare.startswith(b"<") else ""
