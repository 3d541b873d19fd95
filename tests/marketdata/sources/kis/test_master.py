"""Master files that are damaged, of Korea and of the US: a failure of the source, never a shorter list."""

from __future__ import annotations

import io
import zipfile

import pytest

from marketdata.sources.base import SourceChanged, SourceUnavailable
from marketdata.sources.kis import master, overseas_parse
from tests.exchanges.kis_market import Instrument
from tests.exchanges.kis_master import master_line

US_LINE = "US\t22\tNAS\t나스닥\tTSLA\tNASTSLA\t테슬라\tTESLA\t2\tUSD\t4\t1\t1.0\t1\t1\t0930\t1600\tN\t\t370\t0\t1\t\t"


def packed(content: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("NASMST.COD", content)
    return body.getvalue()


def changed(body: bytes, at: int, to: bytes) -> bytes:
    return body[:at] + to + body[at + len(to) :]


WHOLE = packed(f"{US_LINE}\r\n".encode("cp949") * 200)


@pytest.mark.parametrize(
    "body",
    [
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-1],
        changed(WHOLE, len(WHOLE) // 3, b"\xff\xff\xff\xff"),
        changed(WHOLE, WHOLE.rfind(b"PK\x01\x02") + 10, b"\x63"),
        changed(WHOLE, WHOLE.rfind(b"PK\x01\x02") + 8, b"\x01"),
        b"<html>Maintenance</html>",
        b"",
    ],
    ids=["half", "cut", "damaged", "unknown method", "encrypted", "html", "nothing"],
)
def test_a_zip_that_is_not_whole_is_unavailable(body: bytes) -> None:
    with pytest.raises(SourceUnavailable, match="no whole zip"):
        master.unzip(body, "the list")


def test_a_zip_that_grows_beyond_any_list_is_not_unpacked() -> None:
    with pytest.raises(SourceUnavailable, match="larger than any list"):
        master.unzip(packed(b" " * (master.LARGEST + 1)), "the list")


def test_a_list_in_another_encoding_is_unavailable() -> None:
    content = US_LINE.encode("cp949") + b"\xff\n"
    with pytest.raises(SourceUnavailable, match="no text in cp949"):
        overseas_parse.instruments(content, "NAS", "the list")
    with pytest.raises(SourceUnavailable, match="no text in cp949"):
        master.instruments(content, "KOSPI", "the list")


def test_an_empty_list_of_an_exchange_delists_none_of_its_shares() -> None:
    with pytest.raises(SourceUnavailable, match="empty list"):
        overseas_parse.instruments(b"\r\n", "AMS", "the list")


def test_a_line_that_lacks_a_column_is_a_change_of_the_source() -> None:
    short = US_LINE.rsplit("\t", 1)[0]
    with pytest.raises(SourceChanged, match="line 2"):
        overseas_parse.instruments(f"{US_LINE}\n{short}\n".encode("cp949"), "NAS", "the list")
    line = master_line("005930", Instrument("삼성전자", []))
    with pytest.raises(SourceChanged, match="line 2"):
        master.instruments(f"{line}{line[:120]}\n".encode("cp949"), "KOSPI", "the list")
