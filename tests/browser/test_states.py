"""A8: every state of a market in a browser, one after the other, as the clock of the server moves on; both languages,
a desk and a phone, screenshots in test-artifacts/. What each state depends on is in tests/pages/test_states.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.browser.visits import DESK, PHONE, TRADER, Look, trader, visiting
from tests.scans.conftest import frame
from tests.seismo_site.running import environment, installed, managed_in_turn
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

LOOKS = (Look("ko-KR", PHONE, "dark"), Look("en-US", DESK, "light"))
DAYS = [
    day for day in pd.bdate_range("2024-03-04", periods=42).date if day not in {date(2024, 4, 10), date(2024, 5, 1)}
]
LAST, THIN = date(2024, 4, 30), date(2024, 5, 2)
VERSIONS = """
from datetime import datetime, timezone
from scans.models import ActiveVersion
from scans.operations import versions
for slug, match in (("rises", "volume > 0"), ("none", "volume < 0"), ("broken", "volume > 0")):
    settings = {"match": match, "score": "volume / sma(volume, 5)", "min_bars": 2, "target": 0.1, "stop": 0.05}
    row = versions.create_version(
        slug=slug, engine="formula", settings=settings, who="setup", at=datetime.now(timezone.utc), title=slug
    )
    if slug == "rises":
        ActiveVersion.objects.update_or_create(market="kr", defaults={"version": row})
"""
FAILED = """
from scans.models import ScannerVersion, ScanRun
run = ScanRun.objects.filter(scanner_version__slug="rises").latest("pk")
run.pk, run.scanner_version = None, ScannerVersion.objects.get(slug="broken")
run.status, run.reason = "failed", "broken was ended by MemoryError: the log has more."
run.save()
"""
WORK = """
from datetime import date
from django.utils import timezone
from scans.models import Evening, ScanRequest
day, now = date(2024, 4, 30), timezone.now()
row = dict(market="kr", versions=["rises"], first=day, last=day, sessions=5, created_at=now, queued_at=now)
"""
RUNNING = (
    WORK
    + """
ScanRequest.objects.create(**row, status="running", sessions_done=2, started_at=now, request_hash="x")
Evening.objects.create(market="kr", session=day, started_at=now)
"""
)
WAITING = (
    WORK
    + """
ScanRequest.objects.update(status="done")
Evening.objects.update(status="published")
ScanRequest.objects.create(**row, request_hash="y")
"""
)
ENDED = "from scans.models import ScanRequest; ScanRequest.objects.update(status='done')"


class Site:
    """An installation whose clock the test sets."""

    def __init__(self, data: Path) -> None:
        self.data, self._clock = data, data / "clock"
        folder = Path(__file__).parent / "frozen"
        self.env = {"PYTHONPATH": str(folder), "FROZEN_CLOCK": str(self._clock)}

    def set_clock(self, text: str) -> None:
        """By the clock in Seoul."""
        self._clock.write_text(f"{text}:00+09:00", encoding="utf-8")

    def manage(self, *commands: Sequence[str]) -> None:
        managed_in_turn(self.data, *commands, **self.env)

    def import_command(self, rows: pd.DataFrame) -> Sequence[str]:
        """The command that imports these rows."""
        rows.to_csv(self.data / "prices.csv", index=False)
        return ("import_prices", str(self.data / "prices.csv"), "--market", "kr")


def shell_command(code: str) -> Sequence[str]:
    """The command that runs a program of Python."""
    return ("shell", "--no-imports", "-c", code)


def scan_command(first: date, last: date, *versions: str) -> Sequence[str]:
    """The command that scans these sessions."""
    words = [word for version in versions for word in ("--version", version)]
    return ("run_scan", *words, "--from", str(first), "--to", str(last), "--format", "csv", "--output", os.devnull)


@pytest.fixture(scope="module")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(installed(tmp_path_factory.mktemp("states")))
    site.set_clock("2024-04-30T16:00")
    site.manage(shell_command(VERSIONS + TRADER), ("collectstatic", "--no-input", "--verbosity", "0"))
    return site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with serving({**environment(site.data), **site.env}, site.data / "server.log") as running:
        yield running.address


def test_every_state_in_both_languages(chromium: Browser, site: Site, address: str) -> None:
    rows = frame(DAYS)
    contexts = [trader(chromium, address, bypass_csp=True, **look.options) for look in LOOKS]

    def scan_both() -> None:
        site.manage(scan_command(LAST, LAST, "rises", "none"))

    def correct() -> None:
        corrected = rows[rows["date"] == date(2024, 4, 26)].assign(volume=rows["volume"] + 1)
        site.manage(shell_command(ENDED), site.import_command(corrected))

    def come_thin() -> None:
        few = rows[(rows["date"] == LAST) & (rows["code"] < "035720")].assign(date=THIN)
        site.manage(site.import_command(few), scan_command(THIN, THIN, "rises"))

    def nothing() -> None:
        pass

    steps: list[tuple[str, str, Callable[[], None], str, str]] = [
        (
            "empty",
            "2024-04-30T16:01",
            nothing,
            "아직 기록된 시세가 없습니다",
            "Nothing is recorded for this market yet",
        ),
        (
            "unscanned",
            "2024-04-30T16:20",
            lambda: site.manage(site.import_command(rows)),
            "아직 스캔 결과가 없습니다",
            "nothing is scanned yet",
        ),
        ("settled", "2024-04-30T16:30", scan_both, "4월 30일 (화) 확정", "Tue 30 Apr 2024 settled"),
        ("no-match", "2024-04-30T16:31", nothing, "조건을 통과한 종목이 없습니다.", "Nothing passed."),
        (
            "failed",
            "2024-04-30T16:32",
            lambda: site.manage(shell_command(FAILED)),
            "스캔 실패",
            "Other versions are not affected.",
        ),
        ("running", "2024-04-30T16:33", lambda: site.manage(shell_command(RUNNING)), "5거래일 중 2", "2 of 5 sessions"),
        (
            "no-worker",
            "2024-04-30T16:34",
            lambda: site.manage(shell_command(WAITING)),
            "운영자가 시작하면 진행됩니다.",
            "No task worker is running, so requests wait until the operator starts one.",
        ),
        ("corrected", "2024-04-30T16:36", correct, "시세가 정정되었습니다.", "Prices have changed since"),
        ("not-ready", "2024-05-02T16:00", nothing, "5월 2일 (목) 아직 확정 전", "Thu 2 May 2024 is not ready yet"),
        ("quarantined", "2024-05-02T16:30", come_thin, "결과 보류", "is withheld"),
        ("stale", "2024-05-08T20:00", nothing, "거래일 전", "sessions ago"),
    ]
    for name, clock, prepare, korean, english in steps:
        site.set_clock(clock)
        prepare()
        for context, look, text in zip(contexts, LOOKS, (korean, english), strict=True):
            with visiting(context, look, "state") as visit:
                visit.open(name, "/kr/", themes=[look.theme])
                assert text in " ".join(visit.page.inner_text("body").split()), (name, look)
    for context in contexts:
        context.close()
