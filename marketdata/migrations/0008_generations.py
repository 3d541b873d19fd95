"""A generation for every market that something was imported into, and for the scanner versions."""

from django.db import migrations, models
from django.utils import timezone


def begin(apps, schema_editor):
    alias = schema_editor.connection.alias
    partitions = apps.get_model("marketdata", "LakePartition").objects.using(alias)
    generations = apps.get_model("marketdata", "Generation").objects.using(alias)
    markets = partitions.order_by("market").values_list("market", flat=True).distinct()
    now = timezone.now()
    for name in (*markets, "scanner-versions"):
        generations.get_or_create(name=name, defaults={"changed_at": now})


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0007_candles")]

    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=24, unique=True)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
