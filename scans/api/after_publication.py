"""The warm-up of the response cache after a publication: at once, or as a task where other tasks would wait for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone

LOGGER = logging.getLogger(__name__)


SHORT = 1.0
"""Seconds of a warm-up after which a person waits: the latest scans and signals."""


def warm_up_responses(market: str, versions: Iterable[str], *, seconds: float | None = None) -> None:
    """Cache the answers that most readers request after a publication, for at most SEISMO_WARM_SECONDS, and `seconds`
    where they are fewer. Without Redis it does nothing: no other process could read them."""
    if not _is_possible():
        return
    from marketdata.operations.feature_flags import Trial
    from scans.api.warm_up import first_read_seconds, warm_up_market  # their import takes half a second
    from scans.operations.scan.features import Feature

    trial = Trial.begin(Feature.WARM_UP)
    allowed = settings.WARM_SECONDS if seconds is None else min(seconds, settings.WARM_SECONDS)
    if trial.is_on:
        done = warm_up_market(market, versions, seconds=allowed)
        LOGGER.info("%s: %d answers cached in %.2f s", market, done.warmed, done.seconds)
    trial.end(first_read_seconds(market), at=timezone.now())


def queue_warm_up(market: str, versions: Sequence[str]) -> None:
    """Queue the same as a task, unless it waits already: the worker of a request is free for the next one. An error is
    logged: no answer depends on it."""
    if not _is_possible():
        return
    from marketdata.operations.tasks import queueing  # not imported by commands that queue nothing

    name = f"warm-up of {market}: {', '.join(versions)}"
    try:
        if not queueing.is_waiting(name):
            queueing.enqueue("warm-up", market, list(versions), name=name)
    except Exception:  # each broker has its own errors
        LOGGER.exception("The warm-up of market %s was not queued", market)


def _is_possible() -> bool:
    return bool(settings.REDIS_URL and settings.WARM_SECONDS)
