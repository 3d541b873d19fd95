"""The flag of an advised pace, off until a person turns it on."""

from django.db import migrations


def add_flag(apps, schema_editor):
    apps.get_model("marketdata", "FeatureFlag").objects.get_or_create(
        feature="advised_pace",
        defaults={"enabled": False, "metric": "retries_per_call", "threshold": 0.05, "window": 50},
    )


class Migration(migrations.Migration):
    dependencies = [("candles", "0004_flags_moved"), ("marketdata", "0014_tick_readings")]

    operations = [migrations.RunPython(add_flag, migrations.RunPython.noop)]
