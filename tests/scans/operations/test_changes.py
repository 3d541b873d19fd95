"""What a notification says changed: new and dropped picks are set arithmetic on the published ranks, signals are those
that began or ended on the session."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from scans.models import Notification, ScanRank, Signal
from scans.operations.evening import changes, evening
from scans.operations.evening.evening import EveningRequest
from scans.wording.evening_message import evening_message
from tests.scans.probe import Probe

BOTH = ("rises", "rises-10")


def night(day: date) -> datetime:
    """18:10 in Seoul."""
    return datetime(day.year, day.month, day.day, 9, 10, tzinfo=UTC)


def run(day: date) -> Notification:
    request = EveningRequest("kr", versions=BOTH, collects=False)
    evening.run_evening(request, clock=lambda: night(day), warm_up=lambda *_: None)
    return Notification.objects.get(session=day)


def codes(slug: str, day: date) -> list[str]:
    rows = ScanRank.objects.filter(scanner_version__slug=slug, date=day, published=True).order_by("rank")
    return list(rows.values_list("code", flat=True))


def test_changes_are_set_arithmetic_on_published_ranks(
    market: pd.DataFrame, probe: Probe, sessions: list[date]
) -> None:
    probe.plan = (0.02, -0.02, 6)
    statuses: set[str] = set()
    for before, day in zip(sessions[-7:-1], sessions[-6:], strict=True):
        if before == sessions[-7]:  # the first list: none before it, in which picks stayed or from which they left
            for first in run(before).versions:
                assert first["counts"] == {"new": len(codes(first["scanner_version"], before))}
        row = run(day)
        for version in row.versions:
            slug = version["scanner_version"]
            now, earlier = codes(slug, day), codes(slug, before)
            assert [pick["code"] for pick in version["new"]] == [code for code in now if code not in earlier]
            assert [pick["code"] for pick in version["dropped"]] == [code for code in earlier if code not in now]
            assert version["counts"] == {
                "new": len(set(now) - set(earlier)),
                "stayed": len(set(now) & set(earlier)),
                "dropped": len(set(earlier) - set(now)),
            }
        ended: dict[tuple[str, str, str], list[float]] = {}
        for signal in Signal.objects.filter(exit_on=day).select_related("scanner_version"):
            key = (signal.code, signal.scanner_version.slug, signal.status)
            ended.setdefault(key, []).extend([] if signal.return_pct is None else [signal.return_pct])
        alive = Signal.objects.filter(entered_on=day).exclude(exit_on=day)
        entered = alive.values_list("code", "scanner_version__slug").distinct()
        moves = row.signals["moves"]
        keys = {(move["code"], move["scanner_version"], move["status"]): move["returns_pct"] for move in moves}
        assert {key: sorted(keys[key]) for key in keys if key[2] != "entered"} == {
            key: sorted(returns) for key, returns in ended.items()
        }
        assert {key[:2] for key in keys if key[2] == "entered"} == set(entered)
        order = [("target", "stop", "expired", "lapsed", "suspect", "entered").index(move["status"]) for move in moves]
        assert order == sorted(order)
        statuses |= {move["status"] for move in moves}
    assert {"entered", "target", "stop"} <= statuses


def test_changes_that_cannot_be_read_leave_the_message_without_them(
    market: pd.DataFrame, probe: Probe, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(changes, "evening_summary", broken)
    row = run(sessions[-1])
    version = row.versions[0]
    assert (row.outcome, version["counts"], "moves" in row.signals) == ("done", {}, False)
    lines = [line.text for line in evening_message({**row.__dict__, "outcome": row.outcome}, "en").lines]
    assert lines[1].startswith(f"1. {version['picks'][0]['code']}")
