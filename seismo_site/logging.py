"""How the log is written, as lines of text or of JSON, with the identifier of the request in hand on each."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from marketdata.request_id import NONE, request_id

LONGEST = 2_000
FORMATS = ("line", "json")


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


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; a traceback is its member `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", NONE),
            "message": record.getMessage(),
        }
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        return json.dumps(row, ensure_ascii=False)


def logging_config(level: str, *, access: bool, form: str = "line") -> dict[str, object]:
    """LOGGING: one line each to standard error in the format `form`, from `level` on; with `access` one for each
    request too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "seismo_site.logging.RequestIdFilter"}},
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
            "json": {"()": "seismo_site.logging.JsonFormatter"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": form, "filters": ["request_id"]},
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
