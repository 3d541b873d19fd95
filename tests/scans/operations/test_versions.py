"""Versions are rows: created, changed and made active, each change kept."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from scans.models import ActiveVersion, ScannerVersion
from scans.operations import versions
from scans.queries.versions import active_version

AT = datetime(2026, 8, 21, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("scanner_version", *arguments, stdout=out)
    return out.getvalue()


def test_the_built_in_versions_exist_and_v2_is_active() -> None:
    shipped = {"v1", "v2", "v3", "seismograph", "vcp", "v2-crypto", "seismograph-crypto"}
    assert shipped == set(ScannerVersion.objects.values_list("slug", flat=True))
    assert active_version("kr").slug == "v2"
    assert active_version("kr-adj").slug == "v2"
    assert active_version("upbit").slug == active_version("bithumb").slug == "v2-crypto"


def test_only_what_differs_from_the_defaults_is_stored() -> None:
    made = versions.create_version(
        slug="tight", engine="v2", settings={"vol_mult": "3", "above_min": 3}, who="ann", at=AT
    )
    assert made.params == {"vol_mult": 3.0}


def test_what_is_set_stays_set_where_another_market_has_another_default() -> None:
    made = versions.create_version(slug="won", engine="v2", settings={"price_min": 2000.0}, who="ann", at=AT)
    assert made.params == {"price_min": 2000.0}

    def row(version: str) -> list[str]:
        shown = command("show", version).splitlines()
        return next(line for line in shown if line.startswith("price_min")).split()

    assert row("won") == ["price_min", "2,000", "currency", "Least", "raw", "close"]
    elsewhere = ["market", "us:", "2"]
    assert row("v2") == ["price_min", "2,000", "currency", *elsewhere, "Least", "raw", "close"]
    assert versions.change_version(made, settings={}, reset=["price_min"], who="ann", at=AT).params == {}


def test_only_a_market_and_a_version_that_work_can_be_made_active_in_the_admin() -> None:
    off = ScannerVersion.objects.create(slug="off", engine="v2", enabled=False)
    for market, version, sentence in (
        ("mars", ScannerVersion.objects.get(slug="v1"), "Unknown market 'mars'"),
        ("us", off, "Version off is disabled"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            ActiveVersion(market=market, version=version).full_clean()


def test_every_change_is_recorded_with_author_time_before_and_after() -> None:
    made = versions.create_version(slug="tight", engine="v2", settings={"vol_mult": 3}, who="ann", at=AT)
    versions.change_version(made, settings={"top_n": 10}, reset=["vol_mult"], who="bob", at=AT)
    latest = made.changes.first()
    assert latest is not None
    assert (latest.who, latest.at) == ("bob", AT)
    assert latest.before == {"params": {"vol_mult": 3.0}}
    assert latest.after == {"params": {"top_n": 10}}


def test_a_change_that_changes_nothing_is_no_change() -> None:
    made = versions.create_version(slug="tight", engine="v2", settings={"vol_mult": 3}, who="ann", at=AT)
    versions.change_version(made, settings={"vol_mult": 3.0}, who="bob", at=AT)
    assert made.changes.count() == 1


def test_one_version_is_active_in_a_market() -> None:
    versions.activate_version("kr", ScannerVersion.objects.get(slug="v1"), who="ann", at=AT)
    assert active_version("kr").slug == "v1"
    assert ActiveVersion.objects.filter(market="kr").count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "v2", "--engine", "v2"), "There is a scanner version 'v2' already"),
        (("create", "x", "--engine", "v9"), "Unknown engine 'v9': choose among v1, v2"),
        (("create", "x y", "--engine", "v2"), "slug"),
        (("create", "x", "--engine", "v2", "--set", "volmult=3"), "Unknown parameter 'volmult'"),
        (
            ("create", "x", "--engine", "v2", "--set", "vol_mult=99"),
            "vol_mult is 99; it must lie in 0..5",
        ),
        (
            ("create", "x", "--engine", "v2", "--set", "vol_mult=much"),
            "vol_mult is 'much'; it must be a number",
        ),
        (("create", "x", "--engine", "v2", "--set", "vol_mult"), "write it as vol_mult=3"),
        (("set", "v9", "vol_mult=3"), "Unknown scanner version 'v9': the known ones are"),
        (("set", "v2", "--reset", "volmult"), "has no parameter 'volmult'"),
        (("activate", "v1", "--market", "mars"), "Unknown market 'mars'"),
    ],
)
def test_invalid_change_is_refused_and_changes_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    before = list(ScannerVersion.objects.order_by("pk").values())
    with pytest.raises(CommandError, match=sentence):
        command(*arguments)
    assert list(ScannerVersion.objects.order_by("pk").values()) == before


def test_the_command_line_creates_shows_and_tells_the_history() -> None:
    made = command("create", "tight", "--engine", "v2", "--set", "vol_mult=3").splitlines()
    assert ["vol_mult", "3"] in [line.split()[:2] for line in made]
    assert "tight" in command("list")
    changed = command("set", "tight", "vol_mult=4").splitlines()
    assert ["vol_mult", "4"] in [line.split()[:2] for line in changed]
    history = [line.split()[-3:] for line in command("history", "tight").splitlines()]
    assert ["vol_mult", "3", "4"] in history
    assert "tight is now the active version of market us." in command("activate", "tight", "--market", "us")
