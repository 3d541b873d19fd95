"""Examples of the fields of the sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES: Mapping[str, Any] = {
    "CalendarDisagreementBody.counts_open": False,
    "CalendarDisagreementBody.day": "2026-08-25",
    "CalendarDisagreementBody.is_decided": False,
    "CalendarDisagreementBody.is_open": False,
    "CalendarDisagreementBody.sentence": "kis calls 2026-08-25 closed on market kr, against the calendar: it counts as "
    "closed since then; confirm or correct it in the admin's calendar overrides.",
    "CalendarDisagreementBody.source": "kis",
    "SourceBars.is_ordered": True,
    "SourceBars.is_preferred": True,
    "SourceBars.last_session": "2026-08-21",
    "SourceBars.quality": 1.0,
    "SourceBars.session_bars": 2_530,
    "SourceBars.window_bars": 17_704,
    "SourceCalls.calls": 94,
    "SourceCalls.day": "2026-08-22",
    "SourceCalls.last_call": "2026-08-21T23:15:04Z",
    "SourceCalls.last_refusal": None,
    "SourceCalls.last_success": "2026-08-21T23:15:04Z",
    "SourceCalls.limit": 10_000,
    "SourceCalls.refusal": "",
    "SourceCalls.refusals": 0,
    "SourceRow.can": ["indices", "instruments", "sessions"],
    "SourceRow.cost": "2 calls a session of all instruments, 10,000 a day",
    "SourceRow.final": "once published: from 08:10 of the next session's day on",
    "SourceRow.install": "",
    "SourceRow.is_configured": True,
    "SourceRow.is_network": True,
    "SourceRow.is_official": True,
    "SourceRow.missing": [],
    "SourceRow.name": "krx",
    "SourceRow.problem": "",
    "SourceRow.title": "Korea Exchange Open API",
    "SourceSwitch.name": "KRX_SEGMENTS",
    "SourceSwitch.value": "KOSPI,KOSDAQ",
}
