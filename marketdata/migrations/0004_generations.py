"""The generation of the scanner versions: those of markets begin with their first import."""

from django.db import migrations
from django.utils import timezone


def add_generation(apps, schema_editor):
    generations = apps.get_model("marketdata", "Generation").objects.using(schema_editor.connection.alias)
    generations.get_or_create(name="scanner-versions", defaults={"changed_at": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0003_known_closures")]

    operations = [migrations.RunPython(add_generation, migrations.RunPython.noop)]
