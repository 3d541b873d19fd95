"""v1's crash and the bull of the other versions are side by side, each with its rule and number, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from django.test import Client
from django.utils import translation

from scans.engines.regime_rules import (
    CHANGED,
    ENTERED,
    UNDEFINED,
    UNREADABLE,
    Comparison,
    RegimeRule,
)
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.wording.regime_sentences import regime_sentence
from tests.scans.conftest import AS_OF
from tests.scans.index_series import levels, record_index

SENTENCES = {
    "ko": {
        "v1": "당일 국면: 당일 지수 −2.9 % (급락 기준 −2.5 % 미만)",
        "v2": "추세 국면: 20일 +6.8 % (상승 유지 기준 2 % 초과), 10일 평균 +0.16 % (−0.05 % 초과)",
    },
    "en": {
        "v1": "Daily regime: the index −2.9 % on the day (crash below −2.5 %)",
        "v2": "Trend regime: +6.8 % over 20 sessions (bull kept above 2 %), "
        "mean of 10 sessions +0.16 % (above −0.05 %)",
    },
}
"""Of the versions but v1, each names the trend regime as v2 does."""


@pytest.mark.parametrize("language", ["ko", "en"])
def test_each_version_names_its_rule(
    market: pd.DataFrame, sessions: list[date], tmp_path: Path, browser: Client, language: str
) -> None:
    record_index(levels(sessions), tmp_path)
    versions = ["v1", "v2", "v3", "vcp", "seismograph"]
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=versions))
    browser.cookies["django_language"] = language
    html = browser.get(f"/kr/{sessions[-1]}/").content.decode().replace("\u00a0", " ")
    for version in versions:
        sentence = SENTENCES[language]["v1" if version == "v1" else "v2"]
        block = html.split(f'id="{version}"')[1].split("</section>")[0]
        assert f'<p class="rule">{sentence}</p>' in block


NEUTRAL = (Comparison("return_20", 0.018, "not_above", 0.02), Comparison("mean_10", 0.0))
KOREAN = [
    (
        RegimeRule("daily", "neutral", comparisons=(Comparison("move", 0.005, "between", 0.01),)),
        "당일 국면: 당일 지수 +0.5 % (−1 % ~ 1 %)",
    ),
    (
        RegimeRule("trend", "neutral", {}, "bull", ENTERED, NEUTRAL),
        "추세 국면: 20일 +1.8 % (2 % 이하), 10일 평균 0.00 %",
    ),
    (
        RegimeRule("trend", "crash", comparisons=(Comparison("return_5", -0.0538, "below", -0.05),)),
        "추세 국면: 5일 −5.4 % (급락 기준 −5 % 미만)",
    ),
    (
        RegimeRule("trend", "neutral", note=UNDEFINED),
        "추세 국면: 연속 20거래일의 지수가 아직 없습니다",
    ),
    (
        RegimeRule("daily", "neutral", note=UNDEFINED),
        "당일 국면: 이 거래일의 지수 변동이 없습니다",
    ),
    (
        RegimeRule("daily", "crash", note=CHANGED),
        "당일 국면: 이후 기록이 바뀌어 수치를 표시하지 않습니다",
    ),
    (RegimeRule("trend", "bull", note=UNREADABLE), "추세 국면: 지금은 지수를 읽을 수 없습니다"),
]


@pytest.mark.parametrize(("rule", "sentence"), KOREAN)
def test_korean(rule: RegimeRule, sentence: str) -> None:
    with translation.override("ko"):
        assert regime_sentence(rule) == sentence
