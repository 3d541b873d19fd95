"""Recorded reasons of a failure in the reader's language.

Operations record them in English, since operators search logs and threads for them. Sentences of the evening and of the
record have a Korean form; one of a source or a library is quoted as it is, behind a Korean lead.
"""

# ruff: noqa: E501 - one sentence a line

from __future__ import annotations

import re

from django.utils.translation import get_language
from django.utils.translation import gettext as _

SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"Session (\S+) of market (\S+) is not complete, (.*?): nothing was scanned\.",
        r"\2 시장의 \1 거래일 시세가 불완전하여 스캔하지 않았습니다 (\3).",
    ),
    (r"Once its bars are there, `(.*?)` does the rest\.", r"시세가 들어온 뒤 `\1` 명령이 나머지를 처리합니다."),
    (
        r"No scanner version of market (\S+) is enabled: enable one\.",
        r"\1 시장에 사용 중인 버전이 없습니다. 하나를 켜세요.",
    ),
    (r"The signals were not updated: (\w+)\.", r"신호를 갱신하지 못했습니다 (\1)."),
    (r"After attempt (\d+): (.*)", r"\1번 시도한 뒤 그만두었습니다: \2"),
    (r"its worker was lost", "작업자 프로세스가 사라졌습니다"),
    (r"The evening ended before it published this version\.", "이 버전을 발표하기 전에 저녁 작업이 끝났습니다."),
    (r"It was ended by (\w+): the log has more\.", r"\1 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다."),
    (r"\S+ was ended by (\w+): the log has more\.", r"\1 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다."),
    (r"no instrument has a bar", "시세가 있는 종목이 없음"),
    (r"none of ([\d,]+) instruments traded", r"\1종목 중 거래된 종목 없음"),
    (
        r"only ([\d,]+) instruments have a bar, ([\d,]+) had one the session before",
        r"\1종목만 시세 있음, 전 거래일 \2종목",
    ),
    (
        r"only ([\d,]+) of ([\d,]+) instruments traded, ([\d,]+) did the session before",
        r"\2종목 중 \1종목만 거래, 전 거래일 \3종목",
    ),
    (r"([\d,]+) of ([\d,]+) bars repeat the session before", r"\2개 시세 중 \1개가 전 거래일과 같음"),
    (
        r"; closed\? Then confirm it in the admin's calendar overrides",
        "; 휴장이면 관리 화면의 달력 예외에서 확인하세요",
    ),
    (r"Session (\S+) is published from (\S+ \S+) on\.", r"\1 거래일 시세는 \2부터 제공됩니다."),
    (
        r"The record of market (\S+) ends ([\d,]+) sessions? ago, on (\S+): the last closed session is ([\d-]+)\.",
        r"\1 시장의 시세가 \2거래일 전인 \3에서 끝납니다. 마지막으로 마감한 거래일은 \4입니다.",
    ),
    (
        r"Session (\S+) of market (\S+) lacks bars; the last closed session is ([\d-]+)\.",
        r"\2 시장의 \1 거래일 시세가 부족합니다. 마지막으로 마감한 거래일은 \3입니다.",
    ),
    (
        r"Session (\S+) of market (\S+) lacks bars: the last complete session, (\S+), was ([\d,]+) sessions? ago; the last closed session is ([\d-]+)\.",
        r"\2 시장의 \1 거래일 시세가 부족합니다. 시세가 온전한 마지막 거래일은 \4거래일 전인 \3, 마지막으로 마감한 거래일은 \5입니다.",
    ),
)
COMPILED = tuple((re.compile(pattern), text) for pattern, text in SENTENCES)
ENGLISH = re.compile(r"[A-Za-z']{2,},? [A-Za-z']{2,},? [A-Za-z']{2,}")
"""Three words in a row: a sentence that no pattern fits."""


def failure_reason(text: str) -> str:
    """The recorded reason; in Korean quoted in English where it has no Korean form."""
    if not (get_language() or "").startswith("ko"):
        return text
    korean = text
    for pattern, sentence in COMPILED:
        korean = pattern.sub(sentence, korean)
    return _("Recorded in English: %(text)s") % {"text": text} if ENGLISH.search(korean) else korean
