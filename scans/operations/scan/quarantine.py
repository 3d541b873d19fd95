"""Decides about quarantined sessions: answers whose session had too few bars to be trusted, so that a person must say.

A decision is made once and kept with who made it and when; of two at the same time the first counts.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from marketdata.operations import generations
from scans.models import QuarantineDecision, ScanRun, ScanSession, Status, Verdict
from scans.operations.scan.publish import lock_version, unpublish


class NotQuarantined(ValueError):
    """There is nothing to decide about this session; the message says why."""


def publish_quarantined(*, session: ScanSession, who: str, at: datetime) -> None:
    """Make a quarantined answer the published one of its (market, version, date), in one transaction."""
    with transaction.atomic():
        _decide(session, Verdict.PUBLISHED, who, at)
        lock_version(session.version)
        _refuse_superseded(session)
        unpublish(session.market, session.version, [session.date])
        session.published = True
        session.status = Status.PUBLISHED if session.ranked else Status.NO_MATCH
        session.notes = f"published by {who} though {session.reason}"[:200]
        session.save(update_fields=["published", "status", "notes"])
        session.ranks.update(published=True)
        ScanRun.objects.filter(pk=session.run_id, status=Status.QUARANTINED).update(
            status=session.status, reason=session.notes
        )
        generations.advance(session.market)
        generations.advance(session.market)


def discard_quarantined(*, session: ScanSession, who: str, at: datetime) -> None:
    """Leave a quarantined answer unpublished for good; what is published of its day stays."""
    with transaction.atomic():
        _decide(session, Verdict.DISCARDED, who, at)


def _decide(session: ScanSession, verdict: Verdict, who: str, at: datetime) -> None:
    """Keep the decision; NotQuarantined where there is none to make."""
    told = f"The answer of {session.version} for {session.market} on {session.date}"
    if session.status != Status.QUARANTINED:
        raise NotQuarantined(f"{told} is not quarantined: it is {session.status}.")
    try:
        with transaction.atomic():
            QuarantineDecision.objects.create(session=session, verdict=verdict, who=who, at=at)
    except IntegrityError:
        made = QuarantineDecision.objects.get(session=session)
        raise NotQuarantined(
            f"{told} was {made.verdict} by {made.who} on {made.at:%Y-%m-%d %H:%M} UTC already."
        ) from None


def _refuse_superseded(session: ScanSession) -> None:
    newer = ScanSession.objects.filter(
        market=session.market,
        version=session.version,
        date=session.date,
        published=True,
        pk__gt=session.pk,
    ).first()
    if newer:
        raise NotQuarantined(
            f"Run {newer.run_id} has published {session.version} for {session.market} on {session.date} since: "
            "discard the quarantined answer."
        )
