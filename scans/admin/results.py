"""Runs, the answers of a session and their ranks: looked at, run again, compared; quarantined answers decided about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketdata import catalogue
from marketdata.admin import acting
from marketdata.admin.filters import DayFilter, MarketFilter, TypedFilter
from marketdata.admin.listing import Listing, figure
from marketdata.admin.readonly import ReadOnly
from scans import results
from scans.admin import asking, showing
from scans.models import ScanRank, ScanRun, ScanSession, Status
from scans.operations import quarantine, requests

SHOWN_RANKS = 200
DECIDE = "scans.change_scansession"


@admin.register(ScanRun)
class ScanRunAdmin(ReadOnly, Listing):
    """What was run, how it ended and what it took."""

    change_form_template = "admin/scans/run.html"
    list_display = (
        "started_at",
        "version",
        "market",
        "sessions_run",
        "state",
        figure("matched"),
        "seconds_spent",
        "memory",
        "started_by",
        "reason",
    )
    list_filter = (MarketFilter, "version", "status")
    list_select_related = ("version",)
    ordering = ("-started_at",)
    fieldsets = (
        (
            "What was run",
            {
                "fields": (
                    "version",
                    "market",
                    "first",
                    "last",
                    "engine_and_revision",
                    "started_by",
                    "started_at",
                    "finished_at",
                )
            },
        ),
        (
            "How it ended",
            {"fields": ("state", "reason", "sessions", "universe", "scored", "matched")},
        ),
        ("What it took", {"fields": ("stages", "memory", "executor")}),
        (
            "To do it again",
            {"fields": ("data_digest", "params_hash", "code_revision", "request_id", "parameters")},
        ),
    )
    readonly_fields = ("state", "stages", "memory", "engine_and_revision", "parameters")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rerun)
        return [path("<int:pk>/rerun/", view, name="scans_run_rerun"), *super().get_urls()]

    @admin.display(description="sessions")
    def sessions_run(self, run: ScanRun) -> str:
        return f"{run.first}" if run.first == run.last else f"{run.first} to {run.last}"

    @admin.display(description="status", ordering="status")
    def state(self, run: ScanRun) -> SafeString:
        return showing.pill(run.status)

    @admin.display(description="seconds")
    def seconds_spent(self, run: ScanRun) -> str:
        return showing.seconds(run.seconds)

    @admin.display(description="memory", ordering="peak_memory_mb")
    def memory(self, run: ScanRun) -> str:
        return f"{run.peak_memory_mb} MB" if run.peak_memory_mb else "-"

    @admin.display(description="seconds")
    def stages(self, run: ScanRun) -> str:
        return showing.stages(run.seconds)

    @admin.display(description="engine")
    def engine_and_revision(self, run: ScanRun) -> str:
        return f"{run.engine}, revision {run.revision}"

    @admin.display(description="parameters")
    def parameters(self, run: ScanRun) -> SafeString:
        lines = "\n".join(f"{name:26} {value}" for name, value in run.params.items())
        return format_html('<pre class="plain">{}</pre>', lines)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        found: dict[str, Any] = {}
        if run is not None:
            last = run.answers.select_related("version").order_by("-date").first()
            found = {
                "title": f"Run {run.pk}: {run.version.slug} on {run.market}, {self.sessions_run(run)}",
                "subtitle": None,
                "may_rerun": request.user.has_perm(asking.PERMISSION),
                "answers": run.answers.order_by("-date")[:20],
                **(_compared(last) if last else {}),
            }
        return super().change_view(request, object_id, form_url, {**found, **(extra_context or {})})

    def rerun(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same version, sessions and parameters once more, through the queue."""
        acting.require(request, asking.PERMISSION)
        run = self.get_object(request, str(pk))
        if run is None:
            raise PermissionDenied
        back = reverse("admin:scans_scanrun_change", args=[pk])
        if not acting.is_confirmed(request):
            return acting.ask(
                request,
                self,
                question=f"Run {run.version.slug} again?",
                consequence=f"{run.version.slug} is run over {self.sessions_run(run)} of market {run.market} with the "
                "parameters this run recorded. Where the same comes out, nothing is written.",
                yes="Run again",
                back=back,
            )
        try:
            asked = requests.rerun(
                run,
                as_of=timezone.now(),
                requested_by=request.user.get_username(),
                request_id=getattr(request, "request_id", ""),
            ).request
        except asking.REFUSALS as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(back)
        return asking.queued(request, asked)


@admin.register(ScanSession)
class ScanSessionAdmin(ReadOnly, Listing):
    """A version's answer for a session, with its ranks. A quarantined one waits for somebody to publish or discard
    it."""

    change_form_template = "admin/scans/session.html"
    list_display = (
        "date",
        "version",
        "market",
        "state",
        "published",
        "regime",
        figure("universe", "eligible"),
        figure("matched"),
        figure("ranked"),
        "reason",
        "run_link",
    )
    list_filter = (MarketFilter, "version", "status", "published", DayFilter)
    list_select_related = ("version",)
    ordering = ("-date", "version", "-pk")
    sortable_by = ()
    actions = ("publish", "discard")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "version",
                    "market",
                    "date",
                    "state",
                    "published",
                    "reason",
                    "notes",
                    "run_link",
                )
            },
        ),
        (
            "Counts",
            {
                "fields": (
                    "regime",
                    "short_risk",
                    "fallback_step",
                    "universe",
                    "scored",
                    "matched",
                    "ranked",
                )
            },
        ),
        ("Digests", {"fields": ("input_digest", "result_digest")}),
    )
    readonly_fields = ("state", "run_link")
    note = (
        "A quarantined session has too few bars to be trusted. Publish it if its bars are right all the same, discard "
        "it if not; the decision is kept."
    )

    @admin.display(description="status", ordering="status")
    def state(self, session: ScanSession) -> SafeString:
        return showing.pill(session.status)

    @admin.display(description="run")
    def run_link(self, session: ScanSession) -> SafeString:
        where = reverse("admin:scans_scanrun_change", args=[session.run_id])
        return format_html('<a href="{}">run {}</a>', where, session.run_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        session = self.get_object(request, object_id)
        found: dict[str, Any] = {}
        if session is not None:
            decision = getattr(session, "decision", None)
            found = {
                "title": f"{session.version.slug} on {session.market}, {session.date}",
                "subtitle": None,
                "decision": decision,
                "may_decide": session.status == Status.QUARANTINED
                and decision is None
                and self.has_decide_permission(request),
                **_compared(session),
            }
        return super().change_view(request, object_id, form_url, {**found, **(extra_context or {})})

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
        self,
        request: HttpRequest,
        chosen: QuerySet[ScanSession],
        verb: str,
        operation: Any,
        consequence: str,
    ) -> HttpResponse | None:
        rows = list(chosen.select_related("version"))
        if not acting.is_confirmed(request):
            return acting.ask(
                request,
                self,
                question=f"{verb.capitalize()} {len(rows)} quarantined answer{'s' if len(rows) > 1 else ''}?",
                consequence=f"{consequence} A decision is made once.",
                yes=verb.capitalize(),
                back=reverse("admin:scans_scansession_changelist"),
                rows=rows,
                fields=acting.of_ticked(verb, [row.pk for row in rows]),
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
            told = ", ".join(f"{row.version.slug} {row.market} {row.date}" for row in decided)
            past = "Published" if verb == "publish" else "Discarded"
            acting.done(request, decided, f"{past}: {told}.")
        return None


class RankDay(DayFilter):
    """The picks of one day, of the latest where neither a day nor a code is asked for: through the sessions, since
    ranks are found by their session."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        sessions = ScanSession.objects.all()
        if self.value():
            sessions = super().queryset(request, sessions)
        elif request.GET.get("code"):
            return queryset
        else:
            sessions = sessions.filter(published=True)
            market = request.GET.get("market")
            mine = sessions.filter(market=market) if market else sessions
            sessions = mine.filter(date=mine.aggregate(last=Max("date"))["last"])
        return queryset.filter(session__in=sessions)


class RankCode(TypedFilter):
    """The picks of one instrument; every market is named, since the index begins with it."""

    title = "code"
    parameter_name = "code"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = (self.value() or "").strip()
        return queryset.filter(market__in=catalogue.market_names(), code=code) if code else queryset


@admin.register(ScanRank)
class ScanRankAdmin(ReadOnly, Listing):
    """Picks, by code or by day."""

    list_display = (
        "date",
        "scanner_version",
        "rank",
        "code",
        "name",
        figure("score", places=2),
        "label",
        "strategy",
        figure("close"),
        figure("change_pct", "change, %", places=2),
        "published",
    )
    list_filter = (MarketFilter, "scanner_version", RankDay, RankCode, "published")
    list_select_related = ("scanner_version",)
    list_display_links = ("rank", "code")
    ordering = ("-date", "scanner_version", "rank")
    sortable_by = ()
    fields = (
        "date",
        "market",
        "scanner_version",
        "rank",
        "code",
        "name",
        "segment",
        "score",
        "label",
        "strategy",
        "close",
        "change_pct",
        "amount",
        "entry",
        "target",
        "stop",
        "holding_min",
        "holding_max",
        "fired",
        "parts",
        "published",
    )
    readonly_fields = ("fired", "parts")

    @admin.display(description="signals")
    def fired(self, rank: ScanRank) -> str:
        return ", ".join(rank.signals) or "-"

    @admin.display(description="components")
    def parts(self, rank: ScanRank) -> SafeString:
        lines = "\n".join(f"{name:24} {value}" for name, value in rank.components.items())
        return format_html('<pre class="plain">{}</pre>', lines or "-")


def _compared(session: ScanSession) -> dict[str, Any]:
    """The ranks of a session, and what changed since the published one before."""
    found = results.since_before(session)
    ranks = list(session.ranks.order_by("rank")[:SHOWN_RANKS])
    moved = {row.code: before for row, before in found.moved}
    entered = {row.code for row in found.entered}
    return {
        "shown": session,
        "before": found.before,
        "entered": found.entered,
        "left": found.left,
        "moved": found.moved,
        "ranks": [
            {
                "row": row,
                "close": showing.number(row.close),
                "target": showing.number(row.target),
                "stop": showing.number(row.stop),
                "is_new": bool(found.before) and row.code in entered,
                "moved": moved[row.code] - row.rank if row.code in moved else 0,
            }
            for row in ranks
        ],
        "most": SHOWN_RANKS,
    }
