"""Migrations that stand for earlier ones: an installation that has those has nothing to do."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from seismo_site.backup.restore import known_migrations

# One of each app that earlier installations have applied.
EARLIER = {
    ("scans", "0017_calendar_notices"),
    ("marketdata", "0016_calendar_notices"),
    ("candles", "0005_advised_pace"),
    ("seismo_site", "0002_setup_link"),
}


@pytest.mark.django_db
def test_an_installation_with_the_replaced_migrations_has_nothing_to_apply() -> None:
    recorder = MigrationRecorder(connection)
    replacing = {key: m.replaces for key, m in MigrationLoader(None).disk_migrations.items() if m.replaces}
    assert {key for keys in replacing.values() for key in keys} >= EARLIER
    for key, replaced in replacing.items():
        recorder.record_unapplied(*key)
        for earlier in replaced:
            recorder.record_applied(*earlier)
    printed = StringIO()
    call_command("migrate", stdout=printed, no_color=True)
    assert "No migrations to apply" in printed.getvalue()
    assert set(replacing) <= set(recorder.applied_migrations())


def test_a_backup_of_an_earlier_installation_is_not_called_newer() -> None:
    assert known_migrations() >= EARLIER | {("scans", "0002_shipped_versions")}
