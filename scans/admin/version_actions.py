"""Run now and make active: the actions of a version's page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketdata.errors import DataProblem
from marketdata.markets import UnknownMarket
from marketdata.operations import task_queue
from marketdata.queries import instruments
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin import actions
from marketdata.web.admin.changelist import Admin
from scans.models import ScannerVersion, ScanRequest
from scans.operations import versions
from scans.operations.requests import queue
from scans.queries.versions import UnknownVersion, active_markets, active_versions

PERMISSION = "scans.add_scanrequest"
REFUSALS = (DataProblem, UnknownMarket, UnknownVersion, queue.RequestRefused, queue.QueueUnreachable)
"""Errors of a request; the message says what to do."""


class MarketForm(forms.Form):
    """A market."""

    market = forms.ChoiceField(label=_("market"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, name) for name in instruments.get_market_names()]
        self.fields["market"].choices = choices  # type: ignore[attr-defined]


class RunForm(MarketForm):
    """A market and a range of sessions."""

    first = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: the last complete session"),
    )
    last = forms.DateField(
        label=_("To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: the same day"),
    )

    def range(self) -> tuple[date | None, date | None]:
        """The first and the last day of the form; None and None for the last complete session."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        return first or last, last or first


def run_now(model_admin: Admin, request: HttpRequest, version: ScannerVersion) -> HttpResponse:
    """Queue a scan by `version`; a request that is refused is shown beside the form."""
    actions.require_permission(request, PERMISSION)
    form = RunForm(request.POST or None, initial={"market": _home(version)})
    if request.method == "POST" and form.is_valid():
        first, last = form.range()
        try:
            scan_request = queue.queue_request(
                market=form.cleaned_data["market"],
                as_of=timezone.now(),
                requested_by=request.user.get_username(),
                versions=[version.slug],
                first=first,
                last=last,
                request_id=getattr(request, "request_id", ""),
            ).request
        except REFUSALS as error:
            form.add_error(None, failure_reason(str(error)))
        else:
            return open_request(request, scan_request)
    return _page(
        model_admin,
        request,
        version,
        form,
        title=_("Run %(version)s now") % {"version": version.slug},
        explanation=_("The scan is queued and published when it is done; no other version changes."),
        yes=_("Run"),
    )


def queue_again(
    request: HttpRequest, once_more: Callable[..., queue.QueuedRequest], original: Any, *, back: str
) -> HttpResponse:
    """Queue `original` (a run, a request) by `once_more` and redirect to the new request, to `back` where it is
    refused."""
    try:
        queued = once_more(
            original,
            as_of=timezone.now(),
            requested_by=request.user.get_username(),
            request_id=getattr(request, "request_id", ""),
        )
    except REFUSALS as error:
        messages.error(request, failure_reason(str(error)))
        return HttpResponseRedirect(back)
    return open_request(request, queued.request)


def open_request(request: HttpRequest, scan_request: ScanRequest) -> HttpResponse:
    """Report that a request is queued, and redirect to its page."""
    actions.log_action(
        request,
        [scan_request],
        _("Queued: %(versions)s on market %(market)s, %(first)s to %(last)s.")
        % {
            "versions": ", ".join(scan_request.versions),
            "market": scan_request.market,
            "first": scan_request.first,
            "last": scan_request.last,
        },
    )
    if advice := task_queue.advice(timezone.now()):
        messages.warning(request, failure_reason(advice))
    return HttpResponseRedirect(reverse("admin:scans_scanrequest_change", args=[scan_request.pk]))


def activate(model_admin: Admin, request: HttpRequest, version: ScannerVersion) -> HttpResponse:
    """Make `version` the active one of a market."""
    form = MarketForm(request.POST or None, initial={"market": _home(version)})
    if request.method == "POST" and form.is_valid():
        market = form.cleaned_data["market"]
        try:
            versions.activate_version(market, version, who=request.user.get_username(), at=timezone.now())
        except (versions.VersionProblem, UnknownMarket) as error:
            messages.error(request, failure_reason(str(error)))
        else:
            actions.log_action(
                request,
                [version],
                _("%(version)s is now the active version of market %(market)s.")
                % {"version": version.slug, "market": market},
            )
        return HttpResponseRedirect(_back(version))
    return _page(
        model_admin,
        request,
        version,
        form,
        title=_("Make %(version)s active") % {"version": version.slug},
        explanation=_("A market has one active version: the one of scans that name none."),
        yes=_("Make active"),
        now=[(name, slugs) for name, slugs in _active()],
    )


def _active() -> list[tuple[str, str]]:
    return [(row.market, row.version.slug) for row in active_versions()]


def _home(version: ScannerVersion) -> str:
    """The first market on which a version is active; kr where there is none."""
    return next(iter(active_markets().get(version.pk, [])), "kr")


def _back(version: ScannerVersion) -> str:
    return reverse("admin:scans_scannerversion_change", args=[version.pk])


def _page(
    model_admin: Admin, request: HttpRequest, version: ScannerVersion, form: forms.Form, **context: Any
) -> HttpResponse:
    return TemplateResponse(
        request,
        "admin/scans/version_ask.html",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            "version": version,
            "back": _back(version),
            "form": form,
            **context,
        },
    )
