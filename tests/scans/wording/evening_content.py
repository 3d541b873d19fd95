"""The content of an evening's notification, written by hand: v2 and v3 with changes, v1 at rest, vcp failed."""

from __future__ import annotations

from typing import Any

LINK = "https://seismo.example.org/kr/2026-08-21/"


def pick(rank: int, code: str, name: str) -> dict[str, Any]:
    order = {"entry": None, "target": 65_300.0, "stop": 55_300.0}
    return {
        "rank": rank,
        "code": code,
        "name": name,
        "score": 6.0,
        "label": "watch",
        "strategy": "swing",
        "close": 59_400.0,
        "change_pct": 5.69,
        "plan": {"entry": None, "target": 65_340.0, "stop": 55_242.0, "order": order},
    }


def version(slug: str, **given: Any) -> dict[str, Any]:
    row = {
        "scanner_version": slug,
        "status": "published",
        "reason": "",
        "regime": "",
        "regime_rule": "",
        "regime_parts": {},
        "matched": 0,
        "ranked": 0,
        "picks": [],
        "sessions": ["2026-08-21"],
        "left_out": 0,
        "quarantined": [],
        "counts": {"new": 0, "stayed": 0, "dropped": 0},
        "new": [],
        "dropped": [],
    }
    return row | given


def rule(kind: str, regime: str, comparisons: list[dict[str, Any]], change: str = "") -> dict[str, Any]:
    return {
        "kind": kind,
        "regime": regime,
        "measures": {},
        "before": regime if change else "",
        "change": change,
        "comparisons": comparisons,
        "note": "",
    }


TREND = rule(
    "trend",
    "bull",
    [
        {"measure": "return_20", "value": 0.061, "bound": "above", "limit": 0.02},
        {"measure": "mean_10", "value": 0.0012, "bound": "above", "limit": -0.0005},
    ],
    change="kept",
)
CRASH = rule("daily", "crash", [{"measure": "move", "value": -0.029, "bound": "below", "limit": -0.025}])


def content(**given: Any) -> dict[str, Any]:
    """The evening of KRX on 2026-08-21."""
    versions = [
        version("v1", status="no_match", reason="regime crash", regime="crash", regime_parts=CRASH),
        version(
            "v2",
            regime="bull",
            regime_parts=TREND,
            matched=13,
            ranked=13,
            counts={"new": 2, "stayed": 11, "dropped": 2},
            new=[pick(1, "192080", "더블유게임즈"), pick(4, "035760", "CJ ENM <&> *A_B*")],
            dropped=[
                {"code": "035420", "name": "NAVER", "reason": "target"},
                {"code": "000270", "name": "기아", "reason": ""},
            ],
        ),
        version(
            "v3",
            regime="bull",
            matched=26,
            ranked=10,
            counts={"new": 1, "stayed": 9, "dropped": 0},
            new=[pick(7, "005930", "삼성전자")],
        ),
        version("vcp", status="failed", reason="vcp was ended by RuntimeError: the log has more."),
    ]
    moves = [
        {
            "code": "035420",
            "name": "NAVER",
            "scanner_version": "v2",
            "status": "target",
            "returns_pct": [9.81],
        },
        {
            "code": "000660",
            "name": "SK하이닉스",
            "scanner_version": "v3",
            "status": "stop",
            "returns_pct": [-5.0, -4.2],
        },
        {
            "code": "005930",
            "name": "삼성전자",
            "scanner_version": "v3",
            "status": "entered",
            "returns_pct": [],
        },
    ]
    collection = {"source": "kis", "new": 2761, "corrected": 2, "flows": 0, "calls": 93, "error": "", "note": ""}
    readiness = {
        "state": "ready",
        "reason": "",
        "present": 2761,
        "expected": 2770,
        "absent": {},
        "sessions_behind": 0,
        "last_closed_session": "2026-08-21",
        "undecided": [],
    }
    signals = {"opened": 3, "moved": 5, "moves": moves, "moves_left_out": 0}
    body = {
        "market": "kr",
        "session": "2026-08-21",
        "outcome": "partial",
        "reason": "",
        "versions": versions,
        "collection": collection,
        "signals": signals,
        "readiness": readiness,
        "seconds": 12.34,
    }
    return body | given


ENGLISH = """\
Seismo KRX 2026-08-21 (Fri): v2 13 picks (2 new), v3 10 picks (1 new), v1 0 picks, vcp failed
vcp · failed: vcp was ended by RuntimeError: the log has more.
v2 · bull · 13 picks: 2 new, 11 stayed, 2 dropped
Trend regime: +6.1 % over 20 sessions (bull kept above 2 %), mean of 10 sessions +0.12 % (above −0.05 %)
- New 1. 더블유게임즈 192080: 59,400 (+5.69 %); target 65,300, stop 55,300
- New 4. CJ ENM <&> *A_B* 035760: 59,400 (+5.69 %); target 65,300, stop 55,300
- Dropped NAVER 035420: target hit
- Dropped 기아 000270: no longer passes
v3 · bull · 26 matched, 10 listed: 1 new, 9 stayed, 0 dropped
- New 7. 삼성전자 005930: 59,400 (+5.69 %); target 65,300, stop 55,300
v1 · crash · 0 picks
Daily regime: the index −2.9 % on the day (crash below −2.5 %)
Regime crash: nothing is picked.
Signals that moved today
- target hit NAVER 035420 (v2) +9.81 %
- stopped out SK하이닉스 000660 (v3) −5.00 %, −4.20 %
- entered 삼성전자 005930 (v3)
Collected from Korea Investment & Securities: 2,761 new, 2 corrected, 93 calls.
Signals: 3 new, 5 earlier ones changed.
Bars: 2,761 of 2,770 expected.
12.3 seconds.
https://seismo.example.org/kr/2026-08-21/"""
KOREAN = """\
Seismo KRX 2026-08-21 (금): v2 13종목(신규 2), v3 10종목(신규 1), v1 0종목, vcp 실패
vcp · 실패: RuntimeError 오류로 중단되었습니다. 자세한 내용은 로그에 있습니다.
v2 · 상승 · 13종목: 신규 2 · 유지 11 · 이탈 2
추세 국면: 20일 +6.1 % (상승 유지 기준 2 % 초과), 10일 평균 +0.12 % (−0.05 % 초과)
- 신규 1. 더블유게임즈 192080: 59,400 (+5.69 %); 목표 65,300, 손절 55,300
- 신규 4. CJ ENM <&> *A_B* 035760: 59,400 (+5.69 %); 목표 65,300, 손절 55,300
- 이탈 NAVER 035420: 목표 도달
- 이탈 기아 000270: 조건 미달
v3 · 상승 · 26종목 중 10 표시: 신규 1 · 유지 9 · 이탈 0
- 신규 7. 삼성전자 005930: 59,400 (+5.69 %); 목표 65,300, 손절 55,300
v1 · 급락 · 0종목
당일 국면: 당일 지수 −2.9 % (급락 기준 −2.5 % 미만)
국면 급락: 선정하지 않습니다.
오늘 움직인 신호
- 목표 도달 NAVER 035420 (v2) +9.81 %
- 손절 SK하이닉스 000660 (v3) −5.00 %, −4.20 %
- 진입 삼성전자 005930 (v3)
수집(한국투자증권): 신규 2,761, 정정 2, 호출 93.
신호: 새로 3건, 이전 신호 변경 5건.
일봉 2,761/2,770.
12.3초.
https://seismo.example.org/kr/2026-08-21/"""
