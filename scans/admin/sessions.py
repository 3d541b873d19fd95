"""Answers of sessions in the admin with their ranks; quarantined ones are published or discarded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata.admin.filters import DayFilter, MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.number_format import count_of
from marketdata.web.admin.actions import action_fields, confirmation_page, is_confirmed, log_action
from marketdata.web.admin.changelist import DetailPage, number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges
from scans.admin.badges import attach_rules
from scans.admin.rank_changes import rank_changes
from scans.admin.readings import SessionReadingFilter
from scans.engines.regime_rules import RegimeRule
from scans.models import ScanSession, Status
from scans.operations.scan import quarantine
from scans.queries.settling import reading_words

DECIDE = "scans.change_scansession"


@admin.register(ScanSession)
class ScanSessionAdmin(ReadOnly, DetailPage, MarketList):
    """A version's answer for a session, with its ranks. A quarantined one waits for a decision: publish or
    discard."""

    change_form_template = "admin/scans/session.html"
    list_display = (
        "date",
        "scanner_version",
        "market",
        "state",
        "published",
        "settled",
        "named_regime",
        number_column("matched"),
        number_column("ranked"),
        "reason",
        "run_link",
    )
    list_filter = (MarketFilter, "scanner_version", "status", "published", SessionReadingFilter, DayFilter)
    ordering = ("-date", "scanner_version", "-pk")
    sortable_by = ()
    actions = ("publish", "discard")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "scanner_version",
                    "market",
                    "date",
                    "state",
                    "published",
                    "settled",
                    "reason",
                    "notes",
                    "run_link",
                )
            },
        ),
        ("Counts", {"fields": ("regime", "short_risk", "fallback_step", "universe", "scored", "matched", "ranked")}),
        ("Digests", {"fields": ("input_digest", "result_digest")}),
    )
    readonly_fields = ("state", "settled", "run_link")
    note = (
        "A quarantined session has too few bars to be trusted. Publish it if its bars are right all the same, discard "
        "it if not; the decision is kept."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScanSession]:
        return super().get_queryset(request).select_related("scanner_version", "run")

    @admin.display(description="status", ordering="status")
    def state(self, session: ScanSession) -> SafeString:
        return badges.pill(session.status)

    @admin.display(description="reading")
    def settled(self, session: ScanSession) -> SafeString:
        return badges.pill(session.reading, reading_words(session))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page of the list; the rules behind the regimes are read for all of its rows at once."""
        page = super().get_changelist_instance(request)
        attach_rules(page.result_list)
        return page

    @admin.display(description="regime")
    def named_regime(self, session: ScanSession) -> str:
        rule: RegimeRule | None = getattr(session, "rule", None)
        return rule.sentence if rule else session.regime

    @admin.display(description="run")
    def run_link(self, session: ScanSession) -> SafeString:
        where = reverse("admin:scans_scanrun_change", args=[session.run_id])
        run = session.run
        days = f"{run.first}" if run.first == run.last else f"{run.first} to {run.last}"
        return format_html('<a href="{}">{}</a>', where, days)

    def page_context(self, request: HttpRequest, session: ScanSession) -> dict[str, Any]:
        decision = getattr(session, "decision", None)
        return {
            "title": f"{session.scanner_version.slug} on {session.market}, {session.date}",
            "decision": decision,
            "may_decide": session.status == Status.QUARANTINED
            and decision is None
            and self.has_decide_permission(request),
            **rank_changes(session),
        }

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE)

    @admin.action(description="Publish the quarantined", permissions=["decide"])
    def publish(self, request: HttpRequest, chosen: QuerySet[ScanSession]) -> HttpResponse | None:
        return self._decide(
            request,
            chosen,
            "publish",
            quarantine.publish_quarantined,
            "They become the answers that readers see, though their sessions have too few bars.",
        )

    @admin.action(description="Discard the quarantined", permissions=["decide"])
    def discard(self, request: HttpRequest, chosen: QuerySet[ScanSession]) -> HttpResponse | None:
        return self._decide(
            request,
            chosen,
            "discard",
            quarantine.discard_quarantined,
            "They stay unpublished for good; what is published of their days stays.",
        )

    def _decide(
        self, request: HttpRequest, chosen: QuerySet[ScanSession], verb: str, operation: Any, consequence: str
    ) -> HttpResponse | None:
        rows = list(chosen.select_related("scanner_version"))
        if not is_confirmed(request):
            return confirmation_page(
                request,
                self,
                question=f"{verb.capitalize()} {count_of(len(rows), 'quarantined answer')}?",
                consequence=f"{consequence} A decision is made once.",
                yes=verb.capitalize(),
                back=reverse("admin:scans_scansession_changelist"),
                rows=rows,
                fields=action_fields(verb, [row.pk for row in rows]),
                danger=verb == "discard",
            )
        decided = []
        for row in rows:
            try:
                operation(session=row, who=request.user.get_username(), at=timezone.now())
            except quarantine.NotQuarantined as error:
                messages.error(request, str(error))
            else:
                decided.append(row)
        if decided:
            names = ", ".join(f"{row.scanner_version.slug} {row.market} {row.date}" for row in decided)
            past = "Published" if verb == "publish" else "Discarded"
            log_action(request, decided, f"{past}: {names}.")
        return None
