"""A market's evening is one process's at a time: a row says whose, for as long as it beats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from django.db import IntegrityError, transaction

from scans.models import Evening, Status
from scans.operations.backfill import SILENCE


class EveningRunning(Exception):
    """Another process is at work on an evening of this market, or took this one over."""


class Claim:
    """The claim on an evening, made at `at`; EveningRunning where another one of the market is alive."""

    def __init__(
        self, market: str, session: date, *, clock: Callable[[], datetime], who: str
    ) -> None:
        self.market, self.session, self.at = market, session, clock()
        self._clock = clock
        running = Evening.objects.filter(market=market, status=Status.RUNNING)
        silent = running.filter(beat_at__lt=self.at - SILENCE)
        silent.update(status=Status.FAILED, finished_at=self.at)
        try:
            with transaction.atomic():
                row = Evening.objects.create(
                    market=market,
                    session=session,
                    started_by=who,
                    started_at=self.at,
                    beat_at=self.at,
                )
        except IntegrityError:
            other = running.first()
            since = f" since {other.started_at:%Y-%m-%d %H:%M} UTC" if other else ""
            raise EveningRunning(
                f"An evening of market {market} is at work{since}: wait for it to end."
            ) from None
        self._mine = Evening.objects.filter(pk=row.pk, status=Status.RUNNING)

    def beat(self) -> None:
        """Renew it; EveningRunning where it is another's."""
        if not self._mine.update(beat_at=self._clock()):
            raise EveningRunning(
                f"The evening of market {self.market} was silent for long, and another process took it over."
            )

    def end(self, status: Status) -> None:
        """Give it up."""
        self._mine.update(status=status, finished_at=self._clock())
