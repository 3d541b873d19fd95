"""The warm-up of the response cache after a publication."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings

LOGGER = logging.getLogger(__name__)


def warm_up_responses(market: str, versions: Iterable[str]) -> None:
    """Keep the answers ready that most readers request after a publication; nothing without Redis, since then no other
    process could read them."""
    if not settings.REDIS_URL:
        return
    from scans.api.warm_up import warm_up_market  # half a second that only this needs

    done = warm_up_market(market, versions)
    LOGGER.info("%s: %d answers kept ready in %.2f s", market, done.warmed, done.seconds)
