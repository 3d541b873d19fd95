"""Failure sentences of scans, evenings, requests and versions, and their Korean (`settings.FAILURE_SENTENCES`)."""

from __future__ import annotations

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
    (r"The evening ended before it published this version\.", "이 버전을 발표하기 전에 저녁 작업이 끝났습니다."),
    (r"It was ended by (\w+): the log has more\.", r"\1 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다."),
    (r"\S+ was ended: (.*)", r"중단되었습니다: \1"),
    (r"\S+ was ended by (\w+): the log has more\.", r"\1 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다."),
    (r"no instrument has a bar", "시세가 있는 종목이 없음"),
    (
        r"; closed\? Then confirm it in the admin's calendar overrides",
        "; 휴장이면 관리 화면의 거래일 예외에서 확인하세요",
    ),
    (r"Market (\S+) has no bars yet\.", r"\1 시장에는 아직 시세가 없습니다."),
    (
        r"Session (\S+) is recorded on market (\S+); (.*?)\.(?=$| )",
        r"\2 시장에 \1 시세가 있지만 끝나지 않은 버전이 있습니다: \3.",
    ),
    (r"(\S+) not scanned\b", r"\1 스캔 전"),
    (r"(\S+) quarantined\b", r"\1 보류"),
    (r"\b([a-z][\w-]*) failed(?=[,.]|$)", r"\1 실패"),
    (
        r"The record of market (\S+) has changed since (.*?) published (\S+): scan it again\.",
        r"\2 버전이 \3 결과를 발행한 뒤 \1 시장의 시세가 바뀌었습니다. 다시 스캔하십시오.",
    ),
    (r"nothing is published", "발행한 결과 없음"),
    (r"published up to (\S+), ([\d,]+) sessions? ago", r"\1까지 발행, \2거래일 전"),
    (
        r"the record was written to since, and the lake is behind it",
        "이후 시세가 기록되었고 레이크에 아직 반영되지 않음",
    ),
    (r"published from older data than the record has now", "지금 기록보다 오래된 자료로 발행됨"),
    (r"nothing eligible", "대상 종목이 없습니다"),
    (r"nothing passed", "조건을 통과한 종목이 없습니다"),
    (r"regime crash", "국면 급락"),
    (r"regime bear", "국면 하락"),
    (
        r"The task queue cannot be reached, so nothing was saved: try again later\.",
        "작업 대기열에 연결할 수 없어 저장하지 않았습니다. 나중에 다시 시도하십시오.",
    ),
    (r"Request (\d+) has ended already: it is (\w+)\.", r"요청 \1번은 이미 끝났습니다."),
    (
        r"Version (\S+) is active on (.*?): make another one active there before it is disabled\.",
        r"\1: \2 시장의 기본 버전입니다. 사용을 중지하기 전에 다른 버전을 기본으로 지정하십시오.",
    ),
    (
        r"Version (\S+) is disabled: enable it before it can be active\.",
        r"\1: 사용 중지된 버전입니다. 기본으로 지정하기 전에 사용하도록 바꾸십시오.",
    ),
    (r"Unknown scanner version '(.*?)': the known ones are (.*?)\.", r"\1: 없는 버전입니다. 있는 버전: \2."),
    (
        r"No channel is configured: set (\S+) or (\S+) or (\S+)\.",
        r"설정된 채널이 없습니다. \1, \2, \3 중 하나를 설정하십시오.",
    ),
    (
        r"Run (\d+) has published (\S+) for (\S+) on (\S+) since: discard the quarantined answer\.",
        r"그 뒤 실행 \1번이 \3 시장의 \4 \2 결과를 발행했습니다. 보류된 결과를 폐기하십시오.",
    ),
    (
        r"No session of market (\S+) closed since (\S+ \S+ \S+): nothing to do\.",
        r"\2 이후 마감한 \1 시장 거래일이 없어 할 일이 없습니다.",
    ),
)
"""Patterns of English sentences and their Korean, applied in this order."""
