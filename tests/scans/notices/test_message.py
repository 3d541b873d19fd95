"""Forms of a message: escaped, whole, and cut to a length by whole lines whose number is given."""

from __future__ import annotations

import html
import re

import pytest

from scans.notices.message import ALWAYS, Form, Kind, Line, Message, render
from scans.wording.evening_message import evening_message
from tests.scans.wording.evening_content import ENGLISH, LINK, content

NAMED = Message(
    "<A> & *B*",
    (Line("v2 [x]", Kind.HEAD), Line("a_b"), Line("c`d", Kind.ITEM), Line("https://e.org/?a=1&b", Kind.LINK)),
)


def test_every_form() -> None:
    assert render(NAMED, Form.TEXT, with_subject=True) == "<A> & *B*\nv2 [x]\na_b\n- c`d\nhttps://e.org/?a=1&b"
    assert render(NAMED, Form.MARKDOWN, with_subject=True) == (
        "**\\<A\\> & \\*B\\***  \n**v2 \\[x\\]**  \na\\_b  \n- c\\`d\n<https://e.org/?a=1&b>"
    )
    assert render(NAMED, Form.HTML) == (
        '<b>v2 [x]</b><br>\na_b<br>\n• c`d<br>\n<a href="https://e.org/?a=1&amp;b">https://e.org/?a=1&amp;b</a><br>'
    )


def test_a_number_at_the_beginning_of_a_line_is_no_list_of_its_own() -> None:
    lines = (Line("12. NAVER: 1.5 times", Kind.ITEM), Line("1.5 seconds."))
    assert render(Message("", lines), Form.MARKDOWN) == "- 12\\. NAVER: 1.5 times\n1.5 seconds.  "


def test_a_name_cannot_begin_a_line() -> None:
    assert Line("a\nb\t\u2028 c").text == "a b c"


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("limit", [333, 400, 777, 1000, 1500, 1999])
def test_only_whole_lines_are_left_out_and_counted(form: Form, limit: int) -> None:
    message = evening_message(content(), "en", link=LINK)
    whole = render(message, form, with_subject=True).splitlines()
    lines = render(message, form, limit=limit, with_subject=True).splitlines()
    assert len("\n".join(lines)) <= limit
    kept = [line for line in lines if line in whole]
    if kept == whole:
        return
    (omission,) = [line for line in lines if line not in whole]
    count = re.search(r"Lines left out: (\d+)", html.unescape(omission))
    assert count
    assert int(count.group(1)) == len(whole) - len(kept)
    assert (kept[0], kept[-1]) == (whole[0], whole[-1])
    assert kept == [line for line in whole if line in kept]


def test_what_matters_most_is_left_out_last() -> None:
    message = evening_message(content(), "en", link=LINK)
    lines = render(message, limit=490, with_subject=True).splitlines()
    assert lines == [
        *ENGLISH.splitlines()[:2],
        "v2 · bull · 13 picks: 2 new, 11 stayed, 2 dropped",
        ENGLISH.splitlines()[3],
        "v3 · bull · 26 matched, 10 listed: 1 new, 9 stayed, 0 dropped",
        "v1 · crash · 0 picks",
        "Lines left out: 15",
        LINK,
    ]


def test_a_line_that_is_too_long_leaves_room_for_others() -> None:
    long = Message("S", (Line("x" * 300, weight=1), Line("y", weight=2), Line("z", Kind.LINK, ALWAYS)), "{count} more")
    assert render(long, limit=40, with_subject=True) == "S\ny\n1 more\nz"
