"""Scanner versions in the admin: typed fields, what cannot be is refused in a sentence, every change kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import ActiveVersion, RequestStatus, ScannerVersion, ScanRequest, VersionChange
from scans.operations.requests import worker
from tests.admin.views import page, sentences
from tests.scans.conftest import AS_OF

ADD = "/admin/scans/scannerversion/add/"


def address(version: ScannerVersion, what: str = "change") -> str:
    name = {"change": "scannerversion_change", "history": "scannerversion_history"}.get(what)
    return reverse(f"admin:scans_{name or f'version_{what}'}", args=[version.pk])


def typed(engine: str, **changed: Any) -> dict[str, Any]:
    """The whole form as a browser sends it: the engine's defaults but for what is `changed`."""
    kind = ENGINES[engine].Params
    fields = {f"param_{name}": value for name, value in engine_params.dump(kind()).items() if value is not False}
    return {"title": "", "enabled": "on", **fields, **changed}


@pytest.fixture
def v2(db: None) -> ScannerVersion:
    return ScannerVersion.objects.get(slug="v2")


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_parameter_is_a_field_with_its_range_default_unit_and_help(console: Client, engine: str) -> None:
    text = page(console, ADD, engine=engine)
    for one in engine_params.schema(ENGINES[engine].Params):
        start = text.index(f'data-parameter="{one["name"]}"')
        row = text[start : text.index("</tr>", start)]
        assert f'name="param_{one["name"]}"' in row
        if one["type"] in ("int", "float"):
            assert 'type="number"' in row
            assert one["least"] is None or f'min="{one["least"]}"' in row
            assert one["most"] is None or f'max="{one["most"]}"' in row
        assert one["unit"] in row
        assert one["help"].replace("'", "&#x27;") in row


def test_a_change_is_kept_with_its_author_and_both_values(console: Client, v2: ScannerVersion) -> None:
    sent = typed("v2", title="Tighter", param_risk_max="3", param_vol_mult="2.8")
    response = console.post(address(v2), {**sent, "limits-KOSPI": "200"}, follow=True)
    assert response.redirect_chain
    v2.refresh_from_db()
    assert (v2.title, v2.params, v2.limits) == (
        "Tighter",
        {"vol_mult": 2.8, "risk_max": 3},
        {"KOSPI": 200},
    )
    change = VersionChange.objects.get(version=v2)
    assert (change.who, change.before["params"]) == ("operator", {})
    assert change.after == {"title": "Tighter", "params": v2.params, "limits": {"KOSPI": 200}}
    assert LogEntry.objects.get().object_id == str(v2.pk)
    shown = page(console, address(v2))
    assert "Differs from the engine in 2" in shown
    history = page(console, address(v2, "history"))
    assert "<td>risk_max</td>" in history
    assert "<strong>3</strong>" in history


def test_saving_what_is_there_changes_nothing(console: Client, v2: ScannerVersion) -> None:
    console.post(address(v2), typed("v2", title=v2.title))
    assert not VersionChange.objects.exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"param_vol_mult": "7"}, "less than or equal to 5"),
        ({"param_vol_mult": ""}, "required"),
        ({"param_risk_max": "2.5"}, "whole number"),
        ({"segments": "KOSPI 200"}, "not one of the available choices"),
        ({"limits-KOSPI": "-3"}, "must be a whole number from 1"),
        ({"enabled": ""}, "make another one active"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_kept(
    console: Client, v2: ScannerVersion, sent: dict[str, str], sentence: str
) -> None:
    ActiveVersion.objects.update_or_create(market="kr", defaults={"version": v2})
    form = {name: value for name, value in {**typed("v2"), **sent}.items() if value or name != "enabled"}
    response = console.post(address(v2), form)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not VersionChange.objects.exists()


def test_form_marks_the_place_of_a_formula_error(console: Client) -> None:
    sent = typed("formula", slug="mine", param_match="close > ema(close, 60)\r\nand rsi(14) <")
    response = console.post(f"{ADD}?engine=formula", sent)
    text = response.content.decode()
    assert "match, line 2, column" in text
    assert 'data-line="2"' in text
    assert 'aria-invalid="true"' in text
    assert not ScannerVersion.objects.filter(slug="mine").exists()


def test_a_new_version_of_an_engine(console: Client) -> None:
    chosen = page(console, ADD)
    assert all(f"?engine={name}" in chosen for name in ENGINES)
    sent = typed("formula", slug="mine", param_match="raw_close > 1000\r\nand volume > 0", segments="KOSPI")
    console.post(f"{ADD}?engine=formula", sent)
    made = ScannerVersion.objects.get(slug="mine")
    assert made.params == {"match": "raw_close > 1000\nand volume > 0"}
    assert (made.engine, made.segments) == ("formula", ["KOSPI"])
    assert VersionChange.objects.get(version=made).who == "operator"


def test_a_clone_begins_with_what_its_original_has(console: Client, v2: ScannerVersion) -> None:
    v2.params, v2.limits = {"risk_max": 3}, {"KOSDAQ": 50}
    v2.save()
    text = page(console, ADD, clone=v2.pk)
    assert 'value="v2-copy"' in text
    assert 'name="limits-KOSDAQ" value="50"' in text
    row = text[text.index('data-parameter="risk_max"') :]
    assert 'value="3"' in row[: row.index("</tr>")]
    console.post(f"{ADD}?clone={v2.pk}", typed("v2", slug="v2-copy", param_risk_max="3"))
    made = ScannerVersion.objects.get(slug="v2-copy")
    assert (made.engine, made.params) == ("v2", {"risk_max": 3})


def test_one_version_is_active_on_a_market(console: Client, v2: ScannerVersion) -> None:
    v1 = ScannerVersion.objects.get(slug="v1")
    response = console.post(address(v1, "activate"), {"market": "kr"}, follow=True)
    assert sentences(response) == ["v1 is now the active version of market kr."]
    assert ActiveVersion.objects.get(market="kr").version == v1
    assert VersionChange.objects.get().after == {"active on kr": "v1"}
    assert LogEntry.objects.get().change_message == sentences(response)[0]
    v2.enabled = False
    v2.save()
    refused = console.post(address(v2, "activate"), {"market": "kr"}, follow=True)
    assert "is disabled" in sentences(refused)[0]
    assert ActiveVersion.objects.get(market="kr").version == v1


def test_disabling_several_leaves_the_active_one(console: Client, v2: ScannerVersion) -> None:
    ActiveVersion.objects.update_or_create(market="kr", defaults={"version": v2})
    rows = ScannerVersion.objects.filter(slug__in=["v1", "v2"])
    sent = {"action": "disable", "_selected_action": [row.pk for row in rows]}
    response = console.post(reverse("admin:scans_scannerversion_changelist"), sent, follow=True)
    assert any("v2 is active on kr" in one for one in sentences(response))
    assert "Disabled: v1." in sentences(response)
    assert set(rows.filter(enabled=True).values_list("slug", flat=True)) == {"v2"}


def test_a_version_of_an_unknown_engine_is_shown_and_not_changed(console: Client) -> None:
    made = ScannerVersion.objects.create(slug="old", engine="gone", params={"x": 1})
    assert "is not known here" in page(console, address(made))
    assert console.post(address(made), {"title": "x"}).status_code == 403


def test_run_now_queues_a_scan_whose_page_shows_how_far_it_is(
    market: Any, probe: Any, sessions: list[date], console: Client
) -> None:
    version = ScannerVersion.objects.get(slug="rises")
    sent = {"market": "kr", "first": sessions[20].isoformat()}
    response = console.post(address(version, "run"), sent, follow=True)
    row = ScanRequest.objects.get()
    assert (row.versions, row.first, row.last) == (["rises"], sessions[20], sessions[20])
    assert row.requested_by == "operator"
    text = response.content.decode()
    assert "Queued: rises on market kr" in text
    assert "data-refresh" in text
    assert "0 / 1" in text
    worker.process_request(row.pk, as_of=AS_OF)
    text = page(console, reverse("admin:scans_scanrequest_change", args=[row.pk]))
    assert "1 / 1" in text
    assert "data-refresh" not in text
    row.refresh_from_db()
    assert row.status == RequestStatus.DONE
    run = row.outcomes[0]["runs"][0]
    assert reverse("admin:scans_scanrun_change", args=[run]) in text


def test_run_now_on_a_day_without_a_session_says_which_are_near(market: Any, probe: Any, console: Client) -> None:
    version = ScannerVersion.objects.get(slug="rises")
    response = console.post(address(version, "run"), {"market": "kr", "first": "2024-03-09"})
    assert response.status_code == 200
    assert "2024-03-09 is not a session of market kr" in response.content.decode()
    assert not ScanRequest.objects.exists()
