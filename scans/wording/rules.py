"""The names and rules of an engine's checks in the reader's language.

A rule is a formula in words with numbers filled in, so it is translated phrase by phrase; names of indicators and
operators stay. Rules of formula versions are their author's words and stay as they are.
"""

# ruff: noqa: E501 - one phrase a line

from __future__ import annotations

import re

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from scans.wording import glossary

NAMES = {
    "eligible": "대상 종목",
    "measured": "지표 산출",
    "regime": "국면",
    "turnover": "거래대금",
    "price": "가격",
    "rsi cap": "RSI 상한",
    "overheat": "과열",
    "gap": "이평 간격",
    "ext": "이평 이격",
    "trend": "추세",
    "atr": "변동폭 ATR",
    "dema": "DEMA",
    "rsi": "RSI",
    "volume": "거래량",
    "macd": "MACD",
    "closes": "연속 상승",
    "risk": "위험 점수",
    "cross": "골든크로스",
    "tema": "TEMA",
    "obv": "OBV",
    "above5": "이평 정배열",
    "signals": "신호 수",
    "rank": "순위",
    "hot rsi": "RSI 과열",
    "hot rsi grave": "RSI 심한 과열",
    "hot volume": "거래량 과열",
    "hot volume grave": "거래량 심한 과열",
    "hot ext": "이격 과열",
    "hot ext grave": "이격 심한 과열",
    "hot together": "과열 중복",
    "strategy": "전략",
    "cutoff": "기준 점수",
    "close": "종가 위치",
    "averages": "이평 배열",
    "ema20": "EMA20",
    "ema60": "EMA60",
    "momentum": "모멘텀",
    "high": "고가 근접",
    "extension": "이격",
    "straightness": "추세 직선성",
    "low": "저가",
    "day": "양봉",
    "nearness": "이평 근접",
    "dryness": "거래량 감소",
    "coolness": "RSI 안정",
    "tight_range": "좁은 변동폭",
    "obv_divergence": "OBV 다이버전스",
    "accumulation_bar": "매집봉",
    "volume_dryout": "거래량 고갈",
    "threshold": "기준 점수",
    "over_long": "장기 이평 상회",
    "stacked": "이평 배열",
    "long_rising": "장기 이평 상승",
    "over_sma50": "SMA50 상회",
    "off_low": "저점 대비",
    "near_high": "고점 근접",
    "strong": "상대강도",
    "template": "추세 요건",
    "contraction": "변동성 수축",
    "depth": "수축 폭",
    "score": "점수",
    "breakout": "돌파",
    "dry-up": "거래량 고갈",
    "pivot": "피벗 근접",
    "strength": "상대강도",
}
N = r"([\d.,−-]+)"
PHRASES: tuple[tuple[str, str], ...] = (
    (r"in the version's universe", "버전의 대상 종목"),
    (r"eligible and every measure defined", "대상이며 모든 지표가 산출됨"),
    (r"the regime is not bear nor crash", "국면이 하락·급락이 아님"),
    (r"the regime is not crash", "국면이 급락이 아님"),
    (r"the trend regime is neutral and the short-term risk 0", "추세 국면이 중립이고 단기 위험 0"),
    (rf"mean turnover of {N} sessions", r"\1일 평균 거래대금"),
    (rf"mean volume of {N} sessions", r"\1일 평균 거래량"),
    (r"raw close", "종가"),
    (r"not \((.*) and (.*)\)", r"다음이 아님: \1, \2"),
    (rf"volume (>=|>|<) {N} times its {N}-session and {N} times its {N}-session mean", r"거래량 \1 \3일 평균의 \2배, \5일 평균의 \4배"),
    (rf"volume (>=|>|<) {N} times its {N}-session mean", r"거래량 \1 \3일 평균의 \2배"),
    (rf"slope of (\w+) over {N} sessions", r"\1 \2일 기울기"),
    (r" \(as a share of the close\)", " (종가 대비)"),
    (r" \(as a share of the mean volume\)", " (평균 거래량 대비)"),
    (r"; points only", "; 점수에만 반영"),
    (rf"the macd oscillator rose on fewer than {N} of the last {N} sessions", r"MACD 오실레이터가 최근 \2일 중 \1일 미만 상승"),
    (rf"at least {N} of the last {N} closes above the close before", r"최근 \2일 중 \1일 이상 상승 마감"),
    (r"macd oscillator", "MACD 오실레이터"),
    (r"tema20 crosses above dema10", "TEMA20이 DEMA10을 상향 돌파"),
    (rf", or within {N} of it and", r", 또는 \1 이내이고"),
    (rf"on at least {N} of the last {N} sessions", r": 최근 \2일 중 \1일 이상"),
    (rf"on {N} of the last {N} sessions", r"최근 \2일 중 \1일"),
    (rf"at least {N} of the seven signals", r"일곱 신호 중 \1개 이상"),
    (rf"at least {N} of the seven", r"일곱 요건 중 \1개 이상"),
    (rf"at least {N} of: tema20 rises, obv rises, (.*), and \(bull\) (.*) now", r"다음 중 \1개 이상: TEMA20 상승, OBV 상승, \2, (상승 국면) 현재 \3"),
    (rf"within the best {N}", r"상위 \1위 이내"),
    (rf"within the cap of its strategy and the best {N}", r"전략별 한도와 상위 \1위 이내"),
    (r"among the best of its half", "해당 구간의 상위"),
    (r"all matches are ranked", "통과 종목 모두"),
    (r" \(and below the graver\)", ""),
    (r"points", "점수"),
    (r"two or more of the three", "셋 중 둘 이상"),
    (r"a strategy other than watch", "관찰이 아닌 전략"),
    (r", the cutoff of its strategy", " (전략별 기준)"),
    (rf"(\w+) does not fall over {N} sessions", r"\1 \2일간 하락하지 않음"),
    (rf"(\w+) rises over {N} sessions", r"\1 \2일간 상승"),
    (rf"the percentile of the {N}-session return|percentile of the {N}-session return", r"\1\2일 수익률 백분위"),
    (r"(?:the )?percentile of relative strength", "상대강도 백분위"),
    (rf"volume of {N} / of {N} sessions", r"거래량 \1일/\2일"),
    (rf"(high|low) of {N} sessions", r"\2일 \1"),
    (r", within 0\.\.1", " (0~1)"),
    (r", at least 0", " (0 이상)"),
    (r"a third of 100", "100의 3분의 1"),
    (rf"R2 of log close over {N} sessions", r"\1일 로그 종가의 R²"),
    (r"score of model v2", "v2 모형 점수"),
    (r"close above (\w+) and (\w+)", r"종가 > \1, \2"),
    (rf"its value {N} sessions ago", r"\1일 전 값"),
    (r"each depth at most (.*) of the one before, or the last at most half of the first and the second no deeper", r"각 수축 폭이 이전의 \1 이하, 또는 마지막이 첫 폭의 절반 이하이고 둘째가 더 깊지 않음"),
    (rf"close above the pivot of yesterday on {N} times the volume of {N} sessions", r"종가 > 전일 피벗, 거래량 \2일 평균의 \1배"),
    (r"the share of the seven that hold", "일곱 요건 충족 비율"),
    (r"first depth", "첫 수축 폭"),
    (r"last depth", "마지막 수축 폭"),
    (r"where (.*), else", r"단, \1, 그 밖은"),
    (r"intensity", "강도"),
    (r"pivot", "피벗"),
    (r"score", "점수"),
    (r"risk", "위험"),
    (r"volume_5", "거래량 5일비"),
    (r"volume", "거래량"),
    (r"\bext\b", "이격"),
    (r"high", "고가"),
    (r"low", "저가"),
    (r"open", "시가"),
    (r"close", "종가"),
    (r"log ", "로그 "),
    (r"\band\b", "그리고"),
    (r"\bnow\b", "현재"),
    (r" x ", " × "),
)  # fmt: skip
COMPILED = tuple((re.compile(pattern), text) for pattern, text in PHRASES)
INDICATOR = re.compile(r"\b(?:[td]?ema|sma|rsi(?:_[td]ema)?|atr|obv|macd)\d*\b")

LEGEND = re.compile(r" \((\d \w+(?:, \d \w+)+)\)")
"""The names of a code in a rule: (0 neutral, 1 bull, 2 bear, 3 crash)."""
REGIME_BESIDE = re.compile(r" \[(neutral|bull|bear|crash)\]$")
"""The regime that a formula compares, at the end of its rule."""
YES_OR_NO = re.compile(
    r"in the version's universe|eligible and every measure defined|tema20 crosses above dema10|close >= open"
    r"|the trend regime is neutral and the short-term risk 0|\w+ (rises|does not fall) over \d+ sessions"
)
"""The rules whose value says whether they hold."""
CODES = {**glossary.STRATEGIES, **glossary.REGIMES}


def check_name(name: str) -> str:
    """The name of a check; the engine's own where there is no translation."""
    return NAMES.get(name, name) if _is_korean() else name


def rule_text(rule: str) -> str:
    """The rule of a check: 20일 평균 거래대금 >= 1,000,000,000."""
    rule = LEGEND.sub("", rule)
    if _is_korean():
        for pattern, text in COMPILED:
            rule = pattern.sub(text, rule)
    return INDICATOR.sub(lambda match: match[0].upper().replace("_", " "), rule).replace(">=", "≥").replace("<=", "≤")


def value_word(rule: str, value: float) -> str:
    """The word for the value of a check that is a code or a verdict; "" for a value that is a number."""
    if YES_OR_NO.fullmatch(rule) and value in (0, 1):
        return str(_("yes") if value else _("no"))
    if legend := LEGEND.search(rule):
        names = dict(pair.split() for pair in legend[1].split(", "))
        name = names.get(f"{value:.0f}", "")
    else:
        regime = REGIME_BESIDE.search(rule)
        name = regime[1] if regime else ""
    return str(glossary.word(CODES, name)) if name else ""


def _is_korean() -> bool:
    return (get_language() or "").startswith("ko")
