"""A notification of the calendar is a notice: its outcome was that of an evening that failed."""

from django.db import migrations, models

CHOICES = [
    ("done", "Done"),
    ("partial", "Partial"),
    ("failed", "Failed"),
    ("incomplete", "Incomplete"),
    ("notice", "Notice"),
]


def name_notices(apps, schema_editor):
    apps.get_model("scans", "Notification").objects.filter(kind="calendar").update(outcome="notice")


class Migration(migrations.Migration):
    dependencies = [("scans", "0016_feature_flags")]

    operations = [
        migrations.AlterField("notification", "outcome", models.CharField(max_length=12, choices=CHOICES)),
        migrations.RunPython(name_notices, migrations.RunPython.noop),
    ]
