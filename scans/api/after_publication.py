"""The warm-up of the response cache after a publication."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings

LOGGER = logging.getLogger(__name__)


def warm_up_responses(market: str, versions: Iterable[str]) -> None:
    """Cache the answers that most readers request after a publication, where SEISMO_WARM_SECONDS allows it. Without
    Redis it does nothing: no other process could read them."""
    if not settings.REDIS_URL or not settings.WARM_SECONDS:
        return
    from scans.api.warm_up import warm_up_market  # its import takes half a second

    done = warm_up_market(market, versions)
    LOGGER.info("%s: %d answers cached in %.2f s", market, done.warmed, done.seconds)
