"""The pages of a run and of a session name the rule behind their regimes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
from django.test import Client

from scans.models import ScanSession
from scans.operations.scan.request import RunRequest
from scans.operations.scan.run import run_scan
from tests.scans.conftest import AS_OF
from tests.scans.index_series import levels, record_index

DAILY = "Daily regime: the index −2.9 % on the day (crash below −2.5 %)"
TREND = "Trend regime: +6.8 % over 20 sessions (bull kept above 2 %), "


def test_a_run_and_a_session_name_the_rule(
    market: pd.DataFrame, sessions: list[date], tmp_path: Path, console: Client
) -> None:
    record_index(levels(sessions), tmp_path)
    run_scan(
        RunRequest(
            market="kr",
            as_of=AS_OF,
            versions=["v1", "v2"],
            first=sessions[-2],
            last=sessions[-1],
        )
    )
    for version, sentence in (("v1", DAILY), ("v2", TREND)):
        one = ScanSession.objects.get(scanner_version__slug=version, date=sessions[-1])
        page = console.get(f"/admin/scans/scansession/{one.pk}/change/").content.decode()
        assert sentence in page
        page = console.get(f"/admin/scans/scanrun/{one.run_id}/change/").content.decode()
        assert page.count(sentence) == 2  # of its last session, and in the list of its sessions
    listed = console.get("/admin/scans/scansession/").content.decode()
    assert DAILY in listed
    assert TREND in listed
