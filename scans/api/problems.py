"""The API's exception handler: the errors of scans as problems, then those that every room shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.response import Response

from marketdata.web.api import problems
from marketdata.web.api.problems import Problem
from scans.operations.evaluation.evaluation_cache import Busy, TooMuch
from scans.operations.evaluation.evidence import BeyondRecord
from scans.operations.evaluation.picks import NoRuns
from scans.operations.marks import TooManyMarks
from scans.operations.requests.queue import KeyReused, NotCancellable, QueueUnreachable, RequestRefused
from scans.operations.scan.reproduce import NoSuchRun
from scans.operations.scan.run import NoBars
from scans.operations.versions import VersionExists, VersionProblem
from scans.queries.results import NoSession
from scans.queries.versions import NoActiveVersion, UnknownVersion


def no_active_version(error: Any) -> Problem:
    choices = ", ".join(error.slugs) or "none"
    return Problem(
        "no_active_version",
        f"This market has no active scanner version: name one with scanner_version (known: {choices}).",
        known=error.slugs,
    )


def unknown_version(error: Any) -> Problem:
    return Problem("unknown_version", str(error), known=error.slugs)


def no_session(error: Any) -> Problem:
    return Problem("no_run", str(error), nearest={"before": error.before, "after": error.after})


def no_bars(error: Any) -> Problem:
    return Problem("no_bars", str(error))


def engine_changed(error: Any) -> Problem:
    return Problem("engine_changed", str(error), status_code=409)


def refused(error: Any) -> Problem:
    return Problem("invalid", str(error), status_code=400, errors={error.field: [str(error)]})


def key_reused(error: Any) -> Problem:
    return Problem("idempotency_key_reused", str(error), status_code=422)


def already_ended(error: Any) -> Problem:
    return Problem("already_ended", str(error), status_code=409)


def queue_unreachable(error: Any) -> Problem:
    return Problem("queue_unreachable", str(error), status_code=503)


def version_exists(error: Any) -> Problem:
    return Problem("version_exists", str(error), status_code=409, errors=error.errors)


def version_problem(error: Any) -> Problem:
    where = {"positions": error.positions} if error.positions else {}
    return Problem("invalid", str(error), status_code=400, errors=error.errors, **where)


def no_runs(error: Any) -> Problem:
    return Problem("no_run", error.statement)


def too_much(error: Any) -> Problem:
    return Problem("range_too_long", str(error), status_code=400)


def beyond_record(error: Any) -> Problem:
    return Problem("beyond_record", str(error), status_code=409)


def too_many_marks(error: Any) -> Problem:
    return Problem("too_many_marks", str(error), status_code=409)


def busy(error: Any) -> Problem:
    return Problem("busy", str(error), status_code=503, wait=5)


TRANSLATIONS: dict[type[Exception], Callable[[Any], Problem]] = {
    NoActiveVersion: no_active_version,  # before the kind it is one of
    UnknownVersion: unknown_version,
    NoSession: no_session,
    NoBars: no_bars,
    NoSuchRun: engine_changed,
    RequestRefused: refused,
    KeyReused: key_reused,
    NotCancellable: already_ended,
    QueueUnreachable: queue_unreachable,
    VersionExists: version_exists,  # before the kind it is one of
    VersionProblem: version_problem,
    NoRuns: no_runs,
    TooMuch: too_much,
    BeyondRecord: beyond_record,
    TooManyMarks: too_many_marks,
    Busy: busy,
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """The response to an error raised in any view of the API (see `marketdata.web.api.problems.handle_exception`)."""
    for kind, translate in TRANSLATIONS.items():
        if isinstance(error, kind):
            return problems.handle_exception(translate(error), context)
    return problems.handle_exception(error, context)
