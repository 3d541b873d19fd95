"""Who may do what: a viewer sees everything and changes nothing; the unknown see nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from marketdata.models import CalendarOverride, FactorEvent, LakePartition, TaskRecord, TaskStatus
from marketdata.operations import task_queue
from scans.models import (
    ActiveVersion,
    Notification,
    ScannerVersion,
    ScanRequest,
    ScanRun,
    ScanSession,
    VersionChange,
)
from scans.operations.requests import queue
from tests.admin.views import changes, lists, page
from tests.scans.conftest import AS_OF
from tests.task_queues import queue_size

ACTIONS = (
    ("scans_version_run", "version", {"market": "kr"}),
    ("scans_version_activate", "version", {"market": "kr"}),
    ("scans_run_rerun", "run", {"confirmed": "yes"}),
    ("scans_request_cancel", "request", {"confirmed": "yes"}),
    ("scans_request_again", "request", {"confirmed": "yes"}),
    ("marketdata_task_again", "task", {"confirmed": "yes"}),
    ("scans_notification_again", "notification", {"confirmed": "yes"}),
)


LOOKS = {"coverage", "coverage_of_market", "suspected_actions", "auth_user_password_change"}
"""Pages besides each model's own that show something; what the last two do is tested by itself."""


def own_pages() -> set[str]:
    """The names of the addresses that model admins have besides Django's five."""
    response = set()
    for model, kind in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        plain = {f"{prefix}_{verb}" for verb in ("changelist", "add", "history", "delete", "change")}
        response |= {one.name for one in kind.get_urls() if one.name} - plain
    return response


def test_every_page_that_acts_is_in_the_table() -> None:
    assert own_pages() == {view for view, _, _ in ACTIONS} | LOOKS


def test_every_action_of_a_list_names_its_permission(rf: Any, viewer: User) -> None:
    """A viewer is offered none, whatever list it is; the queue's are a superuser's (see below)."""
    request = rf.get("/")
    request.user = viewer
    for model, kind in admin.site._registry.items():
        assert not kind.get_actions(request), model
        for action, _, _ in kind._get_base_actions():  # type: ignore[attr-defined]
            named = getattr(action, "allowed_permissions", ())
            assert named or model._meta.app_label == "django_q", (model, action)
        assert not kind.list_editable, model
        for inline in kind.get_inline_instances(request):
            assert not inline.has_change_permission(request), inline
            assert not inline.has_add_permission(request, None), inline
            assert not inline.has_delete_permission(request), inline


@pytest.fixture
def rows(scanned: Any) -> dict[str, Any]:
    return {
        "version": ScannerVersion.objects.get(slug="rises-10"),
        "run": ScanRun.objects.get(scanner_version__slug="rises"),
        "request": queue.queue_request(market="kr", as_of=AS_OF, requested_by="ann").request,
        "task": TaskRecord.objects.create(
            id="a1", kind="scan", queue="high", name="one", status=TaskStatus.DEAD, queued_at=AS_OF, sent_at=AS_OF
        ),
        "session": ScanSession.objects.filter(scanner_version__slug="rises").earliest("pk"),
        "notification": Notification.objects.create(
            market="kr",
            session="2024-04-30",
            outcome="failed",
            reason="no bars",
            digest="x",
            created_at=AS_OF,
            changed_at=AS_OF,
        ),
    }


def test_a_viewer_sees_every_page(rows: dict[str, Any], looking: Client) -> None:
    for name, address in (*lists(), *changes()):
        if not name.startswith("django_q_schedule"):
            page(looking, address)
    for view in ("index", "coverage", "suspected_actions"):
        page(looking, reverse(f"admin:{view}"))


@pytest.mark.parametrize(("view", "about", "sent"), ACTIONS)
def test_a_viewer_can_do_none_of_it(
    rows: dict[str, Any], looking: Client, view: str, about: str, sent: dict[str, str]
) -> None:
    address = reverse(f"admin:{view}", args=[rows[about].pk])
    assert looking.get(address).status_code == 403
    assert looking.post(address, sent).status_code == 403
    assert ScanRequest.objects.count() == 1
    assert ActiveVersion.objects.get(market="kr").version.slug == "rises"
    assert not LogEntry.objects.exists()


def test_a_viewer_is_offered_and_granted_no_action(rows: dict[str, Any], looking: Client) -> None:
    for view, row, action in (
        ("scans_scansession", rows["session"], "publish"),
        ("scans_scannerversion", rows["version"], "disable"),
        ("marketdata_lakepartition", LakePartition.objects.all()[0], "rebuild"),
    ):
        address = reverse(f"admin:{view}_changelist")
        assert 'name="action"' not in page(looking, address)
        sent = {"action": action, "_selected_action": [row.pk], "confirmed": "yes"}
        looking.post(address, sent)
    sent = {"market": "kr", "code": "005930", "day": "2024-04-12", "accept": "1", "ratio": "1"}
    assert looking.post(reverse("admin:suspected_actions"), sent).status_code == 403
    edited = reverse("admin:scans_scannerversion_change", args=[rows["version"].pk])
    assert looking.post(edited, {"title": "mine"}).status_code == 403
    assert "<form" in page(looking, edited)
    assert 'name="param_scale"' not in page(looking, edited)
    assert not LogEntry.objects.exists()
    assert not VersionChange.objects.exists()
    assert not FactorEvent.objects.exists()


def test_what_is_recorded_is_never_typed_in(rows: dict[str, Any], console: Client) -> None:
    """Not even by a superuser: it goes through operations."""
    typed = {"ScannerVersion", "CalendarOverride", "FactorEvent", "IndexChoice"}
    for model in admin.site._registry:
        if model._meta.app_label not in ("scans", "marketdata"):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model.__name__ not in typed:
            assert console.get(reverse(f"{name}_add")).status_code == 403, model
        row = model._default_manager.last()
        if row and model not in (CalendarOverride,) and model.__name__ != "IndexChoice":
            assert console.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


def test_one_permission_opens_one_door(rows: dict[str, Any], client: Client) -> None:
    user = User.objects.create_user("runner", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_scannerversion", "add_scanrequest"]))
    client.force_login(user)
    pk = rows["version"].pk
    assert client.post(reverse("admin:scans_version_run", args=[pk]), {"market": "kr"}).status_code == 302
    assert client.post(reverse("admin:scans_version_activate", args=[pk])).status_code == 403
    assert client.get(reverse("admin:coverage")).status_code == 403
    index = page(client, "/admin/")
    assert "Markets" not in index
    assert "Suspected actions" not in index


def test_queue_shell_is_open_to_superusers_only(rows: dict[str, Any], console: Client, client: Client) -> None:
    """With every permission there is for the queue, staff may look at tasks."""
    now = timezone.now()
    task = {"func": "os.getcwd", "started": now, "stopped": now, "name": "one"}
    for kind, success in ((Success, True), (Failure, False)):
        kind.objects.create(id=f"{success}", success=success, **task)
    kept = Schedule.objects.create(func="os.getcwd", name="nightly")
    waiting = OrmQ.objects.create(key="elsewhere", payload="", lock=now)
    schedules = reverse("admin:django_q_schedule_changelist")
    assert "nightly" in page(console, schedules)

    staff = User.objects.create_user("keeper", is_staff=True)
    every = Permission.objects.filter(content_type__app_label="django_q")
    staff.user_permissions.set(every)
    client.force_login(staff)
    named = {"func": "os.abort", "schedule_type": "O", "repeats": 1, "next_run_0": "2026-01-01"}
    for address in (
        schedules,
        reverse("admin:django_q_schedule_add"),
        reverse("admin:django_q_schedule_change", args=[kept.pk]),
        reverse("admin:django_q_schedule_delete", args=[kept.pk]),
    ):
        assert client.get(address).status_code == 403
        assert client.post(address, {**named, "post": "yes"}).status_code == 403
    assert list(Schedule.objects.values_list("func", flat=True)) == ["os.getcwd"]
    assert "chedule" not in page(client, "/admin/")

    before = queue_size()
    for name, pk in (("success", "True"), ("failure", "False")):
        listed = reverse(f"admin:django_q_{name}_changelist")
        assert "one" in page(client, listed)
        assert 'name="action"' not in page(client, listed)
        client.post(listed, {"action": "resubmit_task", "_selected_action": [pk]})
        assert client.post(reverse(f"admin:django_q_{name}_delete", args=[pk])).status_code == 403
        assert client.post(reverse(f"admin:django_q_{name}_change", args=[pk])).status_code == 403
    assert queue_size() == before
    assert (Success.objects.count(), Failure.objects.count()) == (1, 1)
    if task_queue.in_database():
        address = reverse("admin:django_q_ormq_change", args=[waiting.pk])
        page(client, address)
        assert client.post(address, {"key": "seismo"}).status_code == 403
        waiting.refresh_from_db()
        assert waiting.key == "elsewhere"


def test_the_unknown_are_sent_to_log_in(rows: dict[str, Any], client: Client) -> None:
    addresses = [address for _, address in (*lists(), *changes())]
    addresses += [reverse(f"admin:{view}", args=[rows[about].pk]) for view, about, _ in ACTIONS]
    addresses += [reverse(f"admin:{view}") for view in ("index", "coverage", "suspected_actions")]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


def test_no_page_needs_a_script_in_it(rows: dict[str, Any], console: Client) -> None:
    """The content policy lets no script run that stands in a page."""
    for _, address in (*lists(), *changes(), ("index", "/admin/")):
        response = console.get(address)
        text = response.content.decode()
        assert "default-src 'self'" in response["Content-Security-Policy"]
        for tag in text.split("<script")[1:]:
            head = tag[: tag.index(">")]
            assert " src=" in head or 'type="application/json"' in head, (address, head)
        assert " onclick=" not in text
