"""Failure sentences of the record, its sources and its task queue, and their Korean (`settings.FAILURE_SENTENCES`)."""

# ruff: noqa: E501 - one sentence a line

from __future__ import annotations

SENTENCES: tuple[tuple[str, str], ...] = (
    (r"Given up after (\d+) attempts?: (.*)", r"\1번 시도한 뒤 그만두었습니다: \2"),
    (r"its worker was lost", "작업자 프로세스가 사라졌습니다"),
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
    (
        r"Market (\S+) is a generated one \(source demo\); it ends on (\S+)\.",
        r"\1 시장은 생성한 자료(demo)이며 \2까지 있습니다.",
    ),
    (
        r"The record of market (\S+) has its last closed session, (\S+)\.",
        r"\1 시장에 마지막 마감 거래일 \2의 시세가 있습니다.",
    ),
    (
        r"Later sessions build on bars in doubt, which no operator has decided about \((.*?)\): collect or import them again, or say in the admin's calendar overrides that the market was closed, or that it was open\.",
        r"의심스러운 시세가 아직 결정되지 않았고 이후 거래일이 여기에 의존합니다 (\1). 다시 수집하거나 가져오고, 그날이 휴장 또는 개장이었으면 관리 화면의 거래일 예외에 기록하십시오.",
    ),
    (r"; and ([\d,]+) earlier", r"; 그 전 \1건"),
    (r"([\d,]+) sessions? ago", r"\1거래일 전"),
    (r"([\d,]+) of ([\d,]+) instruments have a bar", r"\2종목 중 \1종목만 시세 있음"),
    (
        r"(\S+ -> \S+) without a base price or an event, beyond the daily limit",
        r"\1: 기준가나 권리락·분할 기록 없이 가격제한폭을 벗어남",
    ),
    (r"(\S+ -> \S+) without an event(.*): a split\?", r"\1: 권리락·분할 기록 없음\2, 분할로 보임"),
    (r"(\S+ -> [^\s,:]+)(.*): off by a power of ten\?", r"\1\2: 자릿수 오류로 보임"),
    (r"(\S+ -> [^\s,:]+)(.*): a move without trades", r"\1\2: 거래 없는 변동"),
    (
        r"(\S+ -> \S+) together with many others: a seam between two downloads\?",
        r"\1: 다른 여러 종목과 함께 변동, 두 번 나누어 받은 자료의 경계로 보임",
    ),
    (
        r"(\S+ -> \S+): the high or the low lies far from everything else",
        r"\1: 고가나 저가가 다른 값과 동떨어짐",
    ),
    (
        r"the event's ratio (\S+) leaves a move of (\S+) times, (\S+) times without it \((.*?)\): is it inverted \((\S+)\)\?",
        r"기록된 비율 \1 적용 시 \2배, 미적용 시 \3배 변동 (\4): 비율이 뒤집힌 듯함 (\5)",
    ),
    (
        r"a base price of (\S+) after a close of (\S+): is one of them off by a power of ten\?",
        r"전일 종가 \2, 기준가 \1: 둘 중 하나의 자릿수 오류로 보임",
    ),
    (
        r"the open, high or low lies beyond the daily limit around (\S+), the close (\S+) does not",
        r"시가·고가·저가가 기준가 \1의 가격제한폭 밖 (종가 \2: 안쪽)",
    ),
    (
        r"(\S+) is (\S+) times its base price (\S+), beyond the daily limit",
        r"종가 \1: 기준가 \3의 \2배로 가격제한폭 밖",
    ),
    (
        r"No task worker is running, so it waits: start one with `(.*?)`\.",
        r"실행 중인 작업 프로세스가 없어 기다립니다. `\1` 명령으로 시작하십시오.",
    ),
    (
        r"Unknown market '(.*?)': choose one of (.*?), or a name such as (\S+) for a second market with the rules of (\w+)\.",
        r"\1: 없는 시장입니다. \2 중에서 고르거나, \4 규칙을 따르는 둘째 시장이면 \3 같은 이름을 쓰십시오.",
    ),
    (r" Did you mean (.*?)\?", r" 혹시 \1?"),
    (
        r"Market (\S+) has no instrument (\S+): look its code up under Instruments\.",
        r"\1 시장에 \2 종목이 없습니다. 종목 목록에서 코드를 확인하십시오.",
    ),
    (r"An event of (\S+) on (\S+) cannot be recorded: ", r"\1 \2: 권리락·분할을 기록할 수 없습니다. "),
    (r"ratio not above 0\.", "비율은 0보다 커야 합니다."),
    (r" A ratio of 1 says that the move was a real one\.", ". 실제 변동이면 비율 1을 쓰십시오."),
    (r", near ([\d.]+:[\d.]+)", r" (\1에 가까움)"),
    (
        r"(\S+) calls (\S+) closed on market (\S+), against the calendar: ",
        r"\3 시장 \2: \1의 응답으로는 휴장이지만 달력과 다릅니다. ",
    ),
    (
        r"(\S+) calls (\S+) a session on market (\S+), against the calendar: ",
        r"\3 시장 \2: \1의 응답으로는 거래일이지만 달력과 다릅니다. ",
    ),
    (r"it counts as closed since then; ", "이제 휴장으로 처리합니다. "),
    (r"it counts as a session since then; ", "이제 거래일로 처리합니다. "),
    (r"it counts as closed still, since bars of it are recorded; ", "기록된 시세가 있어 계속 휴장으로 처리합니다. "),
    (r"it counts as a session still, since bars of it are recorded; ", "기록된 시세가 있어 계속 거래일로 처리합니다. "),
    (r"it counts as closed by a person's override\.", "사람이 정한 거래일 예외에 따라 휴장으로 처리합니다."),
    (r"it counts as a session by a person's override\.", "사람이 정한 거래일 예외에 따라 거래일로 처리합니다."),
    (r"confirm or correct it in the admin's calendar overrides\.", "관리 화면의 거래일 예외에서 확인하거나 고치세요."),
    (r"([\d,]+) more days? of the calendar in question\.", r"달력에서 확인할 날이 \1일 더 있습니다."),
    (
        r"(\S+) calls (\S+) closed again, as the calendar of market (\S+) has it\.",
        r"\3 시장 \2: \1의 응답이 달력대로 다시 휴장입니다.",
    ),
    (
        r"(\S+) calls (\S+) a session again, as the calendar of market (\S+) has it\.",
        r"\3 시장 \2: \1의 응답이 달력대로 다시 거래일입니다.",
    ),
    (
        r"Session (\S+) is not recorded at (\S+ \S+), since bars of the day follow trades after hours: run this from (\S+) to (\S+), or from (\S+) of the next day on\.",
        r"당일 시세에 시간외 거래가 섞이므로 \1 거래일을 \2에 기록하지 않았습니다. \3부터 \4까지, 또는 다음 날 \5부터 실행하세요.",
    ),
    (
        r"Session (\S+) is not recorded at (\S+ \S+), since bars of the day follow trades after hours: run this from (\S+) of the next day on\.",
        r"당일 시세에 시간외 거래가 섞이므로 \1 거래일을 \2에 기록하지 않았습니다. 다음 날 \3부터 실행하세요.",
    ),
    (
        r"Session (\S+) closes at (\S+) and it is (\S+ \S+) by the clock of (.*?): run this again after the close\.",
        r"\1 거래일은 \2에 마감하고 지금은 \3입니다(\4의 시계). 마감 뒤 다시 실행하세요.",
    ),
    (r"Session (\S+): (?=\S+ (?:and \S+ )?without a row:)", r"\1 거래일: "),
    (
        r"(\S+) and (\S+) without a row: not published yet, or a closed day that the calendar does not know: record it in the calendar overrides\.",
        r"\1, \2 시세가 없습니다. 아직 공표 전이거나 달력에 없는 휴장일입니다. 휴장이면 거래일 예외에 기록하세요.",
    ),
    (
        r"(\S+) without a row: not published yet, or a closed day that the calendar does not know: record it in the calendar overrides\.",
        r"\1 시세가 없습니다. 아직 공표 전이거나 달력에 없는 휴장일입니다. 휴장이면 거래일 예외에 기록하세요.",
    ),
    (
        r"(\S+) has ([\d,]+) rows, fewer than the ([\d,]+) of a whole session\.",
        r"\1 \2행: 온전한 거래일의 최소 \3행보다 적습니다.",
    ),
    (
        r"([\d,]+) bars, fewer than (\d+%) of the ([\d,]+) of the session before\.",
        r"시세 \1개: 전 거래일 \3개의 \2보다 적습니다.",
    ),
    (
        r"([\d,]+) of ([\d,]+) rows are rejected: nothing of the session is recorded\.",
        r"\2행 중 \1행이 거부되어 그 거래일을 기록하지 않았습니다.",
    ),
    (
        r"The exchange does not accept the key: check (\S+), and whether it has expired at (\S+)\.",
        r"거래소가 키를 받지 않습니다. \1 설정과 \2의 만료일을 확인하세요.",
    ),
    (
        r"The exchange has not approved service (\S+) for this key: request it at ([\w.]+\w), or leave its segment out of (\w+)\.",
        r"이 키에는 거래소 서비스 \1 승인이 없습니다. \2에서 신청하거나 \3에서 그 시장을 빼세요.",
    ),
    (
        r"The exchange has not approved service (\S+) for this key: request it at ([\w.]+\w)\.",
        r"이 키에는 거래소 서비스 \1 승인이 없습니다. \2에서 신청하세요.",
    ),
    (
        r"It is (\S+ [\d:]+): session (\S+) of market (\S+) can be scanned before its close from (\S+) to ([\d:]+\d)",
        r"지금은 \1입니다. \3 시장의 \2 거래일은 \4부터 \5까지 장 마감 전 스캔을 할 수 있습니다",
    ),
    (
        r", since in the closing auction the last price may be an expected one, and afterwards it is the close's",
        "(마감 동시호가의 현재가는 예상 체결가일 수 있고, 그 뒤에는 종가입니다)",
    ),
    (
        r"Market (\S+) is closed on (\S+): there is no session to scan before its close\.",
        r"\1 시장은 \2 휴장이어서 장 마감 전에 스캔할 거래일이 없습니다.",
    ),
    (
        r"(?:Korea Investment & Securities|\S+) has quotes of ([\d,]+) of ([\d,]+) instruments of market (\S+), fewer than (\d+%): nothing was scanned\.",
        r"\3 시장 \2종목 중 \1종목만 현재가가 있어(\4 미만) 스캔하지 않았습니다.",
    ),
    (
        r"The quotes of (\S+) are not those of a session, (.*?): nothing was scanned\.",
        r"\1의 현재가가 거래일의 것이 아니어서 스캔하지 않았습니다 (\2).",
    ),
    (r" The last failure: ", " 마지막 실패: "),
    (r"\bYahoo allows no more calls now\.", "야후가 지금은 호출을 더 받지 않습니다."),
)
"""Patterns of English sentences and their Korean, applied in this order."""
