"""Every Korean page with data: no English word is visible beyond codes, names and units."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from scans.engines import regimes
from scans.engines.crossover import strategies as crossover
from scans.engines.seismograph.engine import STAGES
from scans.engines.v3.horizons import MIDTERM, PULLBACK
from scans.models import ScanSession, Signal
from scans.operations import signals
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from scans.wording import glossary
from scans.wording.reasons import no_picks_reason
from tests.scans.conftest import AS_OF
from tests.scans.index_series import levels, record_index
from tests.scans.probe import Probe

PROBE = {"none", "rise"}
"""The strategy and the label of the probe, an engine of tests alone."""
NAMES = {"Seismo", "KRX", "US", "Upbit", "Bithumb", "KOSPI", "KOSDAQ", "trader"}
VERSIONS = {"rises", "v1", "v2", "v3", "vcp", "seismograph", "crypto"}
TERMS = {"API", "KST", "UTC", "TEMA", "DEMA", "MACD", "RSI", "OBV", "R", "ATR"}
LANGUAGE_SWITCH = {"English"}
ADDRESS = {"tgram", "token", "chat"}
"""How an address of a message channel is written."""
ALLOWED = ADDRESS | PROBE | NAMES | VERSIONS | TERMS | LANGUAGE_SWITCH
CODE = re.compile(r"[0-9][0-9A-Z]{5}|(TEMA|DEMA|EMA|ATR|RSI|SMA)[0-9]+")
HIDDEN = {"script", "style", "code", "pre", "kbd"}
"""Elements without prose: commands, keys, the engines' own words on the page of help."""
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-label")
"""Attributes that a reader sees or hears."""


class VisibleText(HTMLParser):
    """The texts and the spoken attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in HIDDEN

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def english_words(html: str) -> set[str]:
    words = {word for text in VisibleText(html).texts for word in re.findall(r"[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*", text)}
    return {word for word in words if word not in ALLOWED and not CODE.fullmatch(word)}


def test_a_page_with_an_english_sentence_is_noticed() -> None:
    assert english_words('<p>Regime 급락</p><a title="exact 5">005930</a><code>bull</code>') == {"Regime", "exact"}


@pytest.fixture
def korean(market: pd.DataFrame, probe: Probe, sessions: list[date], tmp_path: Path, browser: Client) -> Client:
    """The browser of a Korean trader: v1 in a crash without picks, the probe with open and closed signals."""
    record_index(levels(sessions), tmp_path)
    probe.plan = (0.02, -0.01, 5)
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["rises"], first=sessions[10], last=sessions[-1]))
    run_scan(RunRequest(market="kr", as_of=AS_OF, versions=["v1", "v2"]))
    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    browser.cookies["django_language"] = "ko"
    return browser


def test_no_english_is_visible_on_a_korean_page(korean: Client, sessions: list[date]) -> None:
    statuses = set(Signal.objects.values_list("status", flat=True))
    assert {"open", "target", "stop"} <= statuses
    assert ScanSession.objects.get(scanner_version__slug="v1").reason == "regime crash"
    paths = [
        "/kr/",
        *(f"/kr/{day}/" for day in sessions[20:]),
        *(f"/kr/signals?status={status}" for status in ("open", "waiting", "closed")),
        "/kr/s/005930",
        "/kr/s/0001A0",
        *(f"/kr/{part}/005930?scanner_version={version}" for part in ("reasons", "rates") for version in ("v1", "v2")),
        *(f"/kr/funnel?scanner_version={version}" for version in ("v1", "v2", "rises")),
        *(f"/{market}/sources" for market in ("kr", "us", "upbit")),
        "/kr/search?q=0&part=1",
        f"/kr/{sessions[-1]}/review",
        f"/kr/{sessions[20]}/review",
        "/kr/search",
        "/kr/search?q=0",
        "/kr/search?q=999999",
        "/us/",
        "/upbit/",
        "/upbit/signals",
        "/help",
        "/settings",
        "/settings/delete",
        "/settings/messages",
    ]
    words = {}
    for path in paths:
        response = korean.get(path)
        assert response.status_code == 200, path
        words[path] = english_words(response.content.decode())
    assert {path: missing for path, missing in words.items() if missing} == {}


def test_no_english_is_visible_on_the_korean_login(client: Client, db: None) -> None:
    cache.clear()  # failed logins of other tests are counted there
    client.cookies["django_language"] = "ko"
    assert english_words(client.get("/login").content.decode()) == set()
    for status in (200, 200, 200, 200, 429):
        refused = client.post("/login", {"username": "trader", "password": "another"})
        assert refused.status_code == status
        assert english_words(refused.content.decode()) == set()
    assert "15분 뒤에" in refused.content.decode()


def test_every_label_and_strategy_of_the_engines_has_a_korean_name() -> None:
    scores = np.arange(0.0, 12.0)
    labels = {*crossover.assign_labels(scores), *STAGES, "match"} - {""}
    with translation.override("ko"):
        for group, words in (
            (glossary.LABELS, labels),
            (glossary.STRATEGIES, {*crossover.NAMES, MIDTERM, PULLBACK, "formula"}),
            (glossary.REGIMES, set(regimes.NAMES)),
        ):
            assert {str(word): english_words(str(glossary.word(group, str(word)))) for word in words} == {
                str(word): set() for word in words
            }


@pytest.mark.parametrize(
    ("reason", "korean", "english"),
    [
        ("nothing eligible", "대상 종목이 없습니다.", "Nothing was eligible."),
        ("nothing passed", "조건을 통과한 종목이 없습니다.", "Nothing passed."),
        ("regime crash", "국면 급락: 선정하지 않습니다.", "Regime crash: nothing is picked."),
        ("4 of 6 instruments have a bar", "조건을 통과한 종목이 없습니다.", "Nothing passed."),
    ],
)
def test_the_reason_of_a_session_without_picks(reason: str, korean: str, english: str) -> None:
    session = ScanSession(reason=reason, regime="crash")
    for language, sentence in (("ko", korean), ("en", english)):
        with translation.override(language):
            assert no_picks_reason(session) == sentence
