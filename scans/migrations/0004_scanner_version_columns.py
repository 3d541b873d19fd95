"""The version of a run, a session, a signal, a draft and a backfill is their `scanner_version`.

PostgreSQL and SQLite rename a column in place: rows, indexes and constraints stay as they are."""

from django.db import migrations, models

RENAMES = {
    "scanrun": ("version_id", "scanner_version_id"),
    "scansession": ("version_id", "scanner_version_id"),
    "signal": ("version_id", "scanner_version_id"),
    "backfill": ("version_id", "scanner_version_id"),
    "scandraft": ("version", "scanner_version"),
}


def rename_column(model: str, old: str, new: str) -> migrations.RunSQL:
    statement = f"ALTER TABLE scans_{model} RENAME COLUMN {{}} TO {{}}"
    return migrations.RunSQL(statement.format(old, new), statement.format(new, old))


def unique(name: str, *fields: str, condition: models.Q | None = None) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=fields, name=name, condition=condition)


class Migration(migrations.Migration):
    dependencies = [("scans", "0003_marks")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[rename_column(model, *columns) for model, columns in RENAMES.items()],
            state_operations=[
                migrations.RemoveIndex("scanrun", "run_market_version"),
                migrations.RemoveConstraint("scansession", "session_published_once"),
                migrations.RemoveConstraint("backfill", "backfill_one_at_a_time"),
                migrations.RemoveConstraint("scandraft", "draft_once"),
                *(migrations.RenameField(model, "version", "scanner_version") for model in RENAMES),
                migrations.AddIndex(
                    "scanrun",
                    models.Index(fields=["market", "scanner_version", "-started_at"], name="run_market_version"),
                ),
                migrations.AddConstraint(
                    "scansession",
                    unique(
                        "session_published_once",
                        "market",
                        "scanner_version",
                        "date",
                        condition=models.Q(published=True),
                    ),
                ),
                migrations.AddConstraint(
                    "backfill",
                    unique("backfill_one_at_a_time", "market", "scanner_version", condition=models.Q(status="running")),
                ),
                migrations.AddConstraint("scandraft", unique("draft_once", "request", "scanner_version", "date")),
            ],
        )
    ]
