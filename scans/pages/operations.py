"""Operations, for staff: task workers and queues, the last evenings with their stages, versions, deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import View

from caching.memo import Memo
from marketdata.operations import task_queue
from marketdata.pages.frame import Page
from scans.operations.evening import notify
from scans.queries.operations_figures import operations_figures
from scans.queries.run_statistics import SESSIONS, RunStatistics, get_run_statistics
from scans.queries.schedules import evening_schedules
from scans.wording import glossary
from scans.wording.message_channels import delivery_state

SEND = "scans.change_notification"
STATISTICS: Memo[list[RunStatistics]] = Memo(1)
"""Of the runs of all markets, as old as a minute."""


class Operations(Page):
    """`/ops`; 403 for a reader who is not staff."""

    template_name = "pages/operations.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        require_staff(request)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        queues = _queues(now)
        figures = operations_figures()
        evenings = {evening.market: evening for evening in figures.evenings}
        next_runs: dict[str, datetime] = {}
        for row in evening_schedules():
            if row.next_run:
                next_runs[row.market] = min(row.next_run, next_runs.get(row.market, row.next_run))
        return super().get_context_data(**kwargs) | {
            "queues": queues,
            "idle": [queue for queue in queues or () if not queue.workers],
            "markets": [(name, evenings.get(name), next_runs.get(name)) for name in sorted({*evenings, *next_runs})],
            "statistics": [
                (row, [(stage, row.stages[stage]) for stage in glossary.RUN_STAGES if stage in row.stages])
                for row in STATISTICS.get("", self._state(now), get_run_statistics)
            ],
            "sessions": SESSIONS,
            "deliveries": [(row, delivery_state(row)) for row in figures.deliveries],
        }

    def _state(self, now: datetime) -> tuple[Any, ...]:
        """Changes each minute and with what is published."""
        generations = getattr(self.request.session, "generations", None) or {}
        return (now.replace(second=0, microsecond=0), *generations.items())


class TestNotification(View):
    """Send the message of the last evening through the operator's channels, and say how each took it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        require_staff(request)
        if not request.user.has_perm(SEND):
            messages.error(request, _("You may not send notifications."))
            return redirect("pages:operations")
        try:
            failures = notify.send_test()
        except notify.NoChannel as error:
            messages.error(request, str(error), extra_tags="en")
        except notify.NoEvening:
            messages.error(request, _("There is no evening yet whose message could be sent."))
        except notify.TooSoon:
            messages.error(request, _("A test was sent a moment ago: wait a few seconds."))
        else:
            for channel, failure in failures.items():
                if failure:
                    text = _("%(channel)s did not take the test message: %(reason)s") % {
                        "channel": channel,
                        "reason": failure,
                    }
                    messages.error(request, text)
                else:
                    messages.success(request, _("%(channel)s took the test message.") % {"channel": channel})
        return redirect("pages:operations")


def require_staff(request: HttpRequest) -> None:
    """PermissionDenied (403) for everybody else."""
    if not request.user.is_staff:
        raise PermissionDenied


def _queues(now: datetime) -> list[task_queue.Queue] | None:
    """None where the server of the queues does not answer."""
    try:
        return task_queue.queue_states(now)
    except (task_queue.QueueUnavailable, DatabaseError):
        return None
