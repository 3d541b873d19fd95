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
from django.utils.translation import gettext_lazy as _

from marketdata.admin.filters import DayFilter, MarketFilter
from marketdata.admin.market_list import MarketList
from marketdata.templatetags.failures import failure_reason
from marketdata.web.admin.actions import action_fields, confirmation_page, is_confirmed, log_action
from marketdata.web.admin.changelist import DetailPage, number_column
from marketdata.web.admin.readonly import ReadOnly
from scans.admin import badges
from scans.admin.badges import attach_rules
from scans.admin.rank_changes import rank_changes
from scans.admin.readings import SessionReadingFilter
from scans.admin.reasons import ReasonColumn
from scans.models import ScanSession, Status
from scans.operations.scan import quarantine
from scans.queries.settling import reading_words

DECIDE = "scans.change_scansession"
_QUESTIONS = {
    "publish": _("Quarantined answers to publish: %(count)s. Publish them?"),
    "discard": _("Quarantined answers to discard: %(count)s. Discard them?"),
}
_BUTTONS = {"publish": _("Publish"), "discard": _("Discard")}


@admin.register(ScanSession)
class ScanSessionAdmin(ReadOnly, ReasonColumn, DetailPage, MarketList):
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
        "reason_text",
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
                    "reason_text",
                    "notes",
                    "run_link",
                )
            },
        ),
        (
            _("Counts"),
            {"fields": ("named_regime", "short_risk", "fallback_step", "universe", "scored", "matched", "ranked")},
        ),
        (_("Digests"), {"fields": ("input_digest", "result_digest")}),
    )
    readonly_fields = ("reason_text", "named_regime", "state", "settled", "run_link")
    note = _(
        "A quarantined session has too few bars to be trusted. Publish it if its bars are right all the same, discard "
        "it if not; the decision is kept."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScanSession]:
        return super().get_queryset(request).select_related("scanner_version", "run")

    @admin.display(description=_("status"), ordering="status")
    def state(self, session: ScanSession) -> SafeString:
        return badges.state_pill(session)

    @admin.display(description=_("reading"))
    def settled(self, session: ScanSession) -> SafeString:
        return badges.pill(session.reading, reading_words(session))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page of the list; the rules behind the regimes are read for all of its rows at once."""
        page = super().get_changelist_instance(request)
        attach_rules(page.result_list)
        return page

    @admin.display(description=_("regime"))
    def named_regime(self, session: ScanSession) -> str:
        return str(getattr(session, "regime_text", "")) or badges.regime_name(session) or "-"

    @admin.display(description=_("run"))
    def run_link(self, session: ScanSession) -> SafeString:
        where = reverse("admin:scans_scanrun_change", args=[session.run_id])
        run = session.run
        return format_html('<a href="{}">{}</a>', where, badges.days(run))

    def page_context(self, request: HttpRequest, session: ScanSession) -> dict[str, Any]:
        decision = getattr(session, "decision", None)
        return {
            "title": _("%(version)s on %(market)s, %(days)s")
            % {"version": session.scanner_version.slug, "market": session.market, "days": session.date},
            "decision": decision,
            "may_decide": session.status == Status.QUARANTINED
            and decision is None
            and self.has_decide_permission(request),
            **rank_changes(session),
        }

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE)

    @admin.action(description=_("Publish the quarantined"), permissions=["decide"])
    def publish(self, request: HttpRequest, chosen: QuerySet[ScanSession]) -> HttpResponse | None:
        return self._decide(
            request,
            chosen,
            "publish",
            quarantine.publish_quarantined,
            _("They become what readers see, though their sessions have too few bars. A decision is made once."),
        )

    @admin.action(description=_("Discard the quarantined"), permissions=["decide"])
    def discard(self, request: HttpRequest, chosen: QuerySet[ScanSession]) -> HttpResponse | None:
        return self._decide(
            request,
            chosen,
            "discard",
            quarantine.discard_quarantined,
            _("They stay unpublished for good; what is published of their days stays. A decision is made once."),
        )

    def _decide(
        self, request: HttpRequest, chosen: QuerySet[ScanSession], verb: str, operation: Any, consequence: Any
    ) -> HttpResponse | None:
        rows = list(chosen.select_related("scanner_version"))
        if not is_confirmed(request):
            return confirmation_page(
                request,
                self,
                question=_QUESTIONS[verb] % {"count": len(rows)},
                consequence=consequence,
                yes=_BUTTONS[verb],
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
                messages.error(request, failure_reason(str(error)))
            else:
                decided.append(row)
        if decided:
            names = ", ".join(f"{row.scanner_version.slug} {row.market} {row.date}" for row in decided)
            sentence = _("Published: %(names)s.") if verb == "publish" else _("Discarded: %(names)s.")
            log_action(request, decided, sentence % {"names": names})
        return None
