"""What the task queue calls, by these names; each reads the clock and makes one call."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone

from scans import queries
from scans.operations import working

LOGGER = logging.getLogger(__name__)


def work_request(number: int) -> str:
    """Work a scan request; how it ended."""
    told = working.work(number, as_of=timezone.now())
    row = queries.request(number)
    if row is not None and row.publishes:
        warm_up(row.market, row.versions)
    return told


def warm_up(market: str, versions: Iterable[str]) -> None:
    """Keep ready what most will ask for now that something was published; nothing where no other process would find
    it, since each has a cache of its own."""
    if not settings.REDIS_URL:
        return
    from scans.api.warming import warm_up as warmed  # half a second that only this needs

    done = warmed(market, versions)
    LOGGER.info("%s: %d answers kept ready in %.2f s", market, done.warmed, done.seconds)
