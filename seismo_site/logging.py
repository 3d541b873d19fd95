"""How the log is written, with the identifier of the request in hand on each line."""

from __future__ import annotations

import logging
from contextvars import ContextVar

LONGEST = 2_000
request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to each record: that of the request, of the request that queued the task in hand, or the
    task's own; "-" elsewhere. Long texts are cut."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django writes the line of a 4xx when the request is over, but with the request at hand.
        identifier = getattr(getattr(record, "request", None), "request_id", "")
        record.request_id = identifier or request_id.get()
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(arg) for arg in record.args)
        return True


def _cut(value: object) -> object:
    """A long text cut to `LONGEST` characters: an address may have 64 KB."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]} ... ({len(value):,} characters)"
    return value


def logging_config(level: str, *, access: bool) -> dict[str, object]:
    """LOGGING: one line each to standard error, from `level` on; with `access` one for each request too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "seismo_site.logging.RequestIdFilter"}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]},
            "nowhere": {"class": "logging.NullHandler"},
        },
        "loggers": {
            # A request for another host gets a 400; a traceback for each would let strangers fill the log.
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
            # The lines of HTTP clients and of Apprise hold whole addresses, and an address may be a secret.
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
            "apprise": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False},
            "seismo_site.access": {"level": "INFO" if access else "WARNING"},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
