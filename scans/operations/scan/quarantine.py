"""Decisions on quarantined sessions: answers of a session with too few bars, which a person publishes or discards.

A session is decided once, and the decision records its author and time; of two at the same time the first counts.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from marketdata.operations import generations
from scans.models import QuarantineDecision, ScanRun, ScanSession, Status, Verdict
from scans.operations.scan.publish import lock_version, unpublish


class NotQuarantined(ValueError):
    """The session needs no decision; the message says why."""


def publish_quarantined(*, session: ScanSession, who: str, at: datetime) -> None:
    """Publish a quarantined answer for its (market, version, date), in one transaction."""
    with transaction.atomic():
        _decide(session, Verdict.PUBLISHED, who, at)
        lock_version(session.scanner_version)
        _refuse_superseded(session)
        unpublish(session.market, session.scanner_version, [session.date])
        session.published = True
        session.status = Status.PUBLISHED if session.ranked else Status.NO_MATCH
        session.notes = f"published by {who} though {session.reason}"[:200]
        session.save(update_fields=["published", "status", "notes"])
        session.ranks.update(published=True)
        ScanRun.objects.filter(pk=session.run_id, status=Status.QUARANTINED).update(
            status=session.status, reason=session.notes
        )
        generations.advance(session.market)


def discard_quarantined(*, session: ScanSession, who: str, at: datetime) -> None:
    """Discard a quarantined answer; the published answer of its day remains."""
    with transaction.atomic():
        _decide(session, Verdict.DISCARDED, who, at)


def _decide(session: ScanSession, verdict: Verdict, who: str, at: datetime) -> None:
    """Record the decision; NotQuarantined if the session needs none."""
    answer = f"The answer of {session.scanner_version} for {session.market} on {session.date}"
    if session.status != Status.QUARANTINED:
        raise NotQuarantined(f"{answer} is not quarantined: it is {session.status}.")
    try:
        with transaction.atomic():
            QuarantineDecision.objects.create(session=session, verdict=verdict, who=who, at=at)
    except IntegrityError:
        decision = QuarantineDecision.objects.get(session=session)
        raise NotQuarantined(
            f"{answer} was {decision.verdict} by {decision.who} on {decision.at:%Y-%m-%d %H:%M} UTC already."
        ) from None


def _refuse_superseded(session: ScanSession) -> None:
    newer = ScanSession.objects.filter(
        market=session.market,
        scanner_version=session.scanner_version,
        date=session.date,
        published=True,
        pk__gt=session.pk,
    ).first()
    if newer:
        raise NotQuarantined(
            f"Run {newer.run_id} has published {session.scanner_version} for {session.market} on {session.date} since: "
            "discard the quarantined answer."
        )
