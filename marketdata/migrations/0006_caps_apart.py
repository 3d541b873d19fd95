"""Every partition is written anew once: the digest of a session no longer contains its market caps, which have one of
their own."""

from django.db import migrations, models


def mark_stale(apps, schema_editor):
    partitions = apps.get_model("marketdata", "LakePartition").objects.using(schema_editor.connection.alias)
    partitions.filter(wanted=models.F("written")).update(wanted=models.F("wanted") + 1)


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0005_own_series")]

    operations = [
        migrations.AlterField(
            model_name="lakepartition",
            name="sessions",
            field=models.JSONField(
                default=dict,
                help_text="ISO date -> [bars, digest, bars that can be scanned, those of them that traded, bars that "
                "traded, those of them that repeat the session before, digest of the market caps]",
            ),
        ),
        migrations.RunPython(mark_stale, migrations.RunPython.noop),
    ]
