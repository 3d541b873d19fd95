"""Tables: plain where they are piped, as wide as the terminal and nothing cut off on one."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management.base import OutputWrapper
from rich.cells import cell_len

from marketdata.management.table import Column, text_width, write_table

COLUMNS = (
    Column("rank"),
    Column("code", text=True),
    Column("name", text=True),
    Column("close"),
    Column("foreign net value"),
)
ROWS = (
    ("1", "005930", "삼성전자", "71,900", "+12.3 억"),
    ("12", "0126Z0", "삼성에피스홀딩스 [bold]아주 긴 이름의 회사 보통주", "1,234,500", "-4.5 조"),
)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: StringIO, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    write_table(OutputWrapper(stream), COLUMNS, ROWS)
    return stream.getvalue()


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_piped_it_is_the_same_plain_text_at_any_width(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(StringIO(), columns, monkeypatch) == (
        "rank  code    name                                                   close  foreign net value\n"
        "   1  005930  삼성전자                                              71,900           +12.3 억\n"
        "  12  0126Z0  삼성에피스홀딩스 [bold]아주 긴 이름의 회사 보통주  1,234,500            -4.5 조\n"
    )


@pytest.mark.parametrize("columns", [200, 140, 80, 60, 50, 40, 30])
def test_on_a_terminal_every_line_fits_and_nothing_is_lost(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ESCAPE.sub("", shown(Terminal(), columns, monkeypatch)).splitlines()
    assert max(cell_len(line) for line in lines) <= columns
    text = re.sub(r"\s", "", "".join(lines))
    for row in ROWS:
        assert all(cell.replace(" ", "") in text for cell in (row[1], row[3], row[4]))
    letters = "".join(ROWS[1][2].split())
    assert [one for one in letters if one in text] == list(letters)


def test_wide_letters_and_combining_marks_are_aligned() -> None:
    assert text_width("삼성") == 4
    assert text_width("é") == text_width("é") == 1
    stream = StringIO()
    write_table(OutputWrapper(stream), COLUMNS[1:3], [("é", "x"), ("가", "y")])
    assert stream.getvalue() == "code  name\né     x\n가    y\n"


def test_a_cell_cannot_command_the_terminal() -> None:
    stream = StringIO()
    write_table(OutputWrapper(stream), COLUMNS[1:3], [("\x1b[2Jx\ny", "z")])
    assert stream.getvalue() == "code     name\n [2Jx y  z\n"


def test_no_rows_no_table() -> None:
    stream = StringIO()
    write_table(OutputWrapper(stream), COLUMNS, [])
    assert stream.getvalue() == ""
