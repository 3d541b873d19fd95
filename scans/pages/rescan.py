"""The button of a version whose session was computed from older prices: a request to scan it again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.generic import View

from scans.operations.requests import queue
from scans.operations.requests.worker import USER_ERRORS


class Rescan(PermissionRequiredMixin, View):
    """`POST /{market}/rescan`: queues the version's last session, then shows the evening, which shows its progress."""

    permission_required = "scans.add_scanrequest"

    def post(self, request: HttpRequest, market: str) -> HttpResponse:
        try:
            queue.queue_request(
                market=market,
                as_of=timezone.now(),
                requested_by=request.user.get_username(),
                versions=[request.POST.get("scanner_version", "")],
            )
        except (*USER_ERRORS, queue.RequestRefused, queue.QueueUnreachable) as error:
            messages.error(request, str(error), extra_tags="en")
        return redirect("pages:latest", market)
