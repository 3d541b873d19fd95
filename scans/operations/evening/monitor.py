"""The monitor of evenings (a dead man's switch): one request after each, to the address or to its /fail.

A monitor alarms when no request comes, so that an evening that never ran is noticed. An incomplete session is tried
again, and the monitor is called by the try that settles it. `{market}` in the address is the market's name.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from marketdata.errors import NotDelivered
from scans.models import EveningOutcome
from scans.operations.evening.report import EveningReport

LOGGER = logging.getLogger(__name__)


def report_evening(report: EveningReport) -> None:
    """Call the monitor, where one is configured; a failure of the call is logged without the address."""
    if not settings.PING_URL or report.incomplete:
        return
    from marketdata.webhook import request_once  # imports an HTTP client

    failed = report.overdue or (report.session is not None and report.outcome != EveningOutcome.DONE)
    try:
        request_once("GET", monitor_url(report.market, failed=failed), seconds=settings.NOTIFY_SECONDS)
    except NotDelivered as failure:
        LOGGER.warning("The monitor was not reached after the evening of market %s: %s", report.market, failure)


def monitor_url(market: str, *, failed: bool) -> str:
    """The address of a market's monitor; of a failure, with /fail at the end of its path."""
    url = urlsplit(settings.PING_URL.replace("{market}", market))
    return urlunsplit(url._replace(path=url.path.rstrip("/") + "/fail")) if failed else urlunsplit(url)
